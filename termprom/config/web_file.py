"""The file of --web.config.file: TLS, passwords, headers and a rate limit for every listener.

Strict, as upstream; what protects something and cannot be honoured here is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from termprom.config import scalars
from termprom.config.fields import Document, Section, Table, list_of, map_of, read_section
from termprom.config.fields import section_of as optional_section
from termprom.config.source import read_text
from termprom.config.yaml_tree import MappingNode, compose
from termprom.errors import ConfigError

_VERSIONS: Final = ("TLS10", "TLS11", "TLS12", "TLS13")
_BCRYPT: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_COSTS: Final = range(4, 32)
_POLICIES: Final = {"": "none", "NoClientCert": "none", "VerifyClientCertIfGiven": "optional",
                    "RequireAndVerifyClientCert": "required"}  # fmt: skip
_UNVERIFIED: Final = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}


@dataclass(frozen=True, slots=True)
class WebTLS:
    """`client_certs` is none, optional or required; what is given is always verified.

    Certificate, key and CA are each PEM text, or the path of such a file.
    """

    cert: str = ""
    cert_file: str = ""
    key: str = field(default="", repr=False)
    key_file: str = ""
    client_ca: str = ""
    client_ca_file: str = ""
    client_certs: str = "none"
    client_allowed_sans: tuple[str, ...] = ()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()  # Go's names
    prefer_server_cipher_suites: bool = True


@dataclass(frozen=True, slots=True)
class WebFile:
    """`users` are bcrypt hashes by name; none means no passwords. `rate_interval_ms` 0 is off."""

    tls: WebTLS | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    rate_interval_ms: int = 0
    rate_burst: int = 0


_TLS_TABLE: Final[Table] = {
    "cert": scalars.text,
    "key": scalars.secret,
    "client_ca": scalars.text,
    "cert_file": scalars.file_path,
    "key_file": scalars.file_path,
    "client_ca_file": scalars.file_path,
    "client_auth_type": scalars.text,
    "client_allowed_sans": list_of(scalars.text, "[]string"),
    "min_version": scalars.text,
    "max_version": scalars.text,
    "cipher_suites": list_of(scalars.text, "[]web.Cipher"),
    "prefer_server_cipher_suites": scalars.boolean,
    "curve_preferences": list_of(scalars.text, "[]web.Curve"),
}
_TABLE: Final[Table] = {
    "tls_server_config": optional_section(_TLS_TABLE, "web.TLSConfig"),
    "http_server_config": optional_section(
        {"http2": scalars.boolean, "headers": map_of(scalars.text, "map[string]string")},
        "web.HTTPConfig",
    ),
    "basic_auth_users": map_of(scalars.text, "map[string]config_util.Secret"),
    "rate_limit": optional_section(
        {"interval": scalars.duration, "burst": scalars.integer}, "web.RateLimiterConfig"
    ),
}


def load_web_file(path: Path) -> WebFile:
    """Raises ConfigError, located."""
    document = Document(str(path), path.parent)
    root, _ = compose(read_text(path), str(path))
    try:
        top = read_section(root or MappingNode((), 1, 1), document, _TABLE, "web.Config")
        document.raise_noted()
        found = _web_file(top)
    except ConfigError as problem:
        document.raise_noted(problem)
        raise
    return found


def _web_file(top: Section) -> WebFile:
    users: Mapping[str, str] = top.get("basic_auth_users") or {}
    for name, hashed in users.items():
        shape = _BCRYPT.fullmatch(hashed)
        if shape is None or int(shape[1]) not in _COSTS:
            top.fail(f'basic_auth_users: the password of "{name}" is no bcrypt hash',
                     "basic_auth_users")  # fmt: skip
    http: Section | None = top.get("http_server_config")
    rate: Section | None = top.get("rate_limit")
    tls: Section | None = top.get("tls_server_config")
    return WebFile(
        tls=_tls(tls) if tls is not None else None,
        headers=_headers(http) if http is not None else {},
        users=users,
        rate_interval_ms=rate.get("interval", 0) if rate is not None else 0,
        rate_burst=rate.get("burst", 0) if rate is not None else 0,
    )


def _headers(http: Section) -> Mapping[str, str]:
    headers: Mapping[str, str] = http.get("headers") or {}
    for name, value in headers.items():
        if name not in _HEADERS:
            http.fail(f'HTTP header "{name}" can not be configured', "headers")
        wanted = _HEADERS[name]
        if wanted and value not in wanted:
            words = " ".join(f'"{one}"' for one in wanted)
            http.fail(
                f'invalid value for {name}. Expected one of: [{words}], but got: "{value}"',
                "headers",
            )
        if "\r" in value or "\n" in value or "\0" in value:
            http.fail(f"invalid value for {name}: more than one line", "headers")
    return headers


def _tls(tls: Section) -> WebTLS | None:
    switches = ("cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file",
                "client_auth_type")  # fmt: skip
    if not any(tls.get(key) for key in switches):
        return None
    if not (tls.get("cert") or tls.get("cert_file")):
        tls.fail("missing one of cert or cert_file")
    if not (tls.get("key") or tls.get("key_file")):
        tls.fail("missing one of key or key_file")
    for key in ("cert", "key", "client_ca"):
        if tls.get(key) and tls.get(f"{key}_file"):
            tls.fail(f"at most one of {key} and {key}_file must be configured", key)
    if tls.get("curve_preferences"):
        tls.fail("curve_preferences are not offered here", "curve_preferences")
    policy = tls.get("client_auth_type", "")
    if policy in _UNVERIFIED:
        tls.fail(
            f"client_auth_type {policy} (certificates that nobody verifies) is not offered here, "
            "use VerifyClientCertIfGiven or RequireAndVerifyClientCert",
            "client_auth_type",
        )
    if policy not in _POLICIES:
        tls.fail(f"invalid ClientAuth: {policy}", "client_auth_type")
    certs = _POLICIES[policy]
    has_ca = bool(tls.get("client_ca") or tls.get("client_ca_file"))
    if has_ca and certs == "none":
        tls.fail("client CA's have been configured without a Client Auth Policy")
    if certs != "none" and not has_ca:
        tls.fail(f"client_auth_type {policy} needs a client_ca_file", "client_auth_type")
    if tls.get("client_allowed_sans") and certs != "required":
        tls.fail("client_allowed_sans need RequireAndVerifyClientCert", "client_allowed_sans")
    versions = tls.get("min_version") or "TLS12", tls.get("max_version") or "TLS13"
    for key, version in zip(("min_version", "max_version"), versions, strict=True):
        if version not in _VERSIONS:
            tls.fail(f"unknown TLS version: {version}", key)
    return WebTLS(
        cert=tls.get("cert", ""),
        cert_file=tls.get("cert_file", ""),
        key=tls.get("key", ""),
        key_file=tls.get("key_file", ""),
        client_ca=tls.get("client_ca", ""),
        client_ca_file=tls.get("client_ca_file", ""),
        client_certs=certs,
        client_allowed_sans=tls.get("client_allowed_sans", ()),
        min_version=versions[0],
        max_version=versions[1],
        cipher_suites=tls.get("cipher_suites", ()),
        prefer_server_cipher_suites=tls.get("prefer_server_cipher_suites", True),
    )
