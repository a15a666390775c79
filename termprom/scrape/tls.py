"""TLS settings of a job as a context, made again when its files change."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from pathlib import Path
from typing import Final

from termprom.config.schema import TLSConfig
from termprom.errors import ConfigError

_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_ORDER: Final = list(_VERSIONS)


def tls_context(tls: TLSConfig) -> ssl.SSLContext:
    """The context of these settings. Blocking: reads files. Raises ConfigError."""
    low, high = tls.min_version, tls.max_version
    if low and high and _ORDER.index(high) < _ORDER.index(low):
        raise ConfigError(
            "tls_config.max_version must be greater than or equal to tls_config.min_version if "
            "both are specified"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[low or "TLS12"]
    if high:
        context.maximum_version = _VERSIONS[high]
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.ca or tls.ca_file:
        _trust(context, tls)
    else:
        context.load_default_certs()
    if tls.cert or tls.cert_file:
        _identify(context, tls)
    return context


def files_stamp(tls: TLSConfig) -> tuple[object, ...]:
    """Something that differs once one of the files has changed. Blocking, but short."""
    stamps: list[object] = []
    for name in (tls.ca_file, tls.cert_file, tls.key_file):
        with contextlib.suppress(OSError):
            status = os.stat(name) if name else None
            stamps.append(status and (status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(stamps)


def _trust(context: ssl.SSLContext, tls: TLSConfig) -> None:
    content = tls.ca or _read(tls.ca_file, "CA cert")
    try:
        context.load_verify_locations(cadata=content)
    except (ssl.SSLError, ValueError) as problem:
        raise ConfigError(
            f"unable to use specified CA cert {tls.ca_file or '<inline>'}"
        ) from problem


def _identify(context: ssl.SSLContext, tls: TLSConfig) -> None:
    cert = tls.cert or _read(tls.cert_file, "client cert", specified=True)
    key = tls.key.reveal() or _read(tls.key_file, "client key", specified=True)
    # OpenSSL reads certificates from files only; this one is ours alone, and short-lived.
    with tempfile.TemporaryDirectory(prefix="termprom-tls-") as folder:
        path = Path(folder, "pair.pem")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{key.rstrip()}\n{cert.rstrip()}\n")
        try:
            context.load_cert_chain(path)
        except ssl.SSLError as problem:
            raise ConfigError(
                f"unable to use specified client cert ({tls.cert_file or '<inline>'}) & key "
                f"({tls.key_file or '<inline>'}): {problem.reason}"
            ) from problem


def _read(path: str, what: str, *, specified: bool = False) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as problem:
        which = f"specified {what}" if specified else what
        reason = problem.strerror if isinstance(problem, OSError) else "not text"
        raise ConfigError(
            f"unable to read {which}: unable to read file {path}: {reason}"
        ) from problem
