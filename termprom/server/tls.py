"""The server's side of TLS: settings to a context, and whose client certificate may come in."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from termprom.config.web_file import WebTLS
from termprom.errors import ConfigError

_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
# Go's names of suites that are not insecure, for TLS 1.2 and before; those of 1.3 are always on.
_SUITES: Final = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
_ALWAYS_ON: Final = frozenset(
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
)
_CLIENTS: Final = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}


def server_context(tls: WebTLS) -> ssl.SSLContext:
    """Blocking: reads files. Raises ConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.maximum_version = _VERSIONS[tls.max_version]
    if tls.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        with ExitStack() as files:
            cert = tls.cert_file or files.enter_context(_file_of(tls.cert))
            context.load_cert_chain(cert, tls.key_file or files.enter_context(_file_of(tls.key)))
        if tls.client_certs != "none":
            context.load_verify_locations(tls.client_ca_file or None, cadata=tls.client_ca or None)
    except (OSError, ValueError) as problem:
        paths = ", ".join(one for one in (tls.cert_file, tls.key_file, tls.client_ca_file) if one)
        raise ConfigError(f"tls_server_config: {paths or 'inline'}: {problem}") from problem
    context.verify_mode = _CLIENTS[tls.client_certs]
    if tls.cipher_suites:
        context.set_ciphers(_openssl_names(tls.cipher_suites))
    return context


@contextmanager
def _file_of(text: str) -> Iterator[str]:
    """A path with that text, for as long as it takes: OpenSSL's loader knows files only."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".pem") as opened:  # mode 0600
        opened.write(text)
        opened.flush()
        yield opened.name


def _openssl_names(suites: Sequence[str]) -> str:
    for one in suites:
        if one not in _SUITES and one not in _ALWAYS_ON:
            raise ConfigError(f"tls_server_config: unknown cipher: {one}")
    names = [_SUITES[one] for one in suites if one in _SUITES]
    # Without any for TLS 1.2 nothing but 1.3 is spoken, which has its own.
    return ":".join(names) or "ECDHE-RSA-AES128-GCM-SHA256"


def allowed_san(certificate: Mapping[str, Any], allowed: Sequence[str]) -> bool:
    """Whether any alternative name of a client's certificate is one of `allowed`."""
    names = {str(value) for _, value in certificate.get("subjectAltName", ())}
    return not names.isdisjoint(allowed)
