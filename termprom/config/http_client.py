"""The HTTP client options that stand inline in scrape, discovery and notification sections."""

from __future__ import annotations

from typing import Any, Final

from termprom.config import scalars
from termprom.config.fields import Document, Reader, Section, Table, list_of, map_of, section_of
from termprom.config.schema import (
    NO_SECRET,
    Authorization,
    BasicAuth,
    HTTPClientConfig,
    HTTPHeader,
    TLSConfig,
)
from termprom.config.yaml_tree import Node

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TLS_VERSIONS: Final = ("TLS10", "TLS11", "TLS12", "TLS13")

RESERVED_HEADERS: Final = frozenset(
    {
        "Authorization",
        "Host",
        "Content-Encoding",
        "Content-Length",
        "Content-Type",
        "User-Agent",
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Www-Authenticate",
        "Accept-Encoding",
        "X-Prometheus-Remote-Write-Version",
        "X-Prometheus-Remote-Read-Version",
        "X-Prometheus-Scrape-Timeout-Seconds",
        "X-Amz-Date",
        "X-Amz-Security-Token",
        "X-Amz-Content-Sha256",
    }
)


def _tls_version(node: Node, document: Document) -> str:
    version = scalars.text(node, document)
    if version and version not in _TLS_VERSIONS:
        document.fail(node, f"unknown TLS version: {version}")
    return version


_TLS_TABLE: Final[Table] = {
    "ca": scalars.text,
    "cert": scalars.text,
    "key": scalars.secret,
    "ca_file": scalars.file_path,
    "cert_file": scalars.file_path,
    "key_file": scalars.file_path,
    "server_name": scalars.text,
    "insecure_skip_verify": scalars.boolean,
    "min_version": _tls_version,
    "max_version": _tls_version,
}
_read_tls: Final = section_of(_TLS_TABLE, "config.plain")


def tls_config(node: Node, document: Document) -> TLSConfig:
    section = _read_tls(node, document)
    if section is None:
        return TLSConfig()
    tls = TLSConfig(**section.values)
    if tls.ca and tls.ca_file:
        section.fail("at most one of ca, ca_file & ca_ref must be configured", "ca")
    if tls.cert and tls.cert_file:
        section.fail("at most one of cert, cert_file & cert_ref must be configured", "cert")
    if tls.key and tls.key_file:
        section.fail("at most one of key and key_file must be configured", "key")
    cert, key = tls.cert or tls.cert_file, tls.key or tls.key_file
    if cert and not key:
        section.fail(
            "exactly one of key or key_file must be configured when a client certificate is "
            "configured",
            "cert",
            "cert_file",
        )
    if key and not cert:
        section.fail(
            "exactly one of cert or cert_file must be configured when a client key is configured",
            "key",
            "key_file",
        )
    return tls


_PROXY_TABLE: Final[Table] = {
    "proxy_url": scalars.url,
    "no_proxy": scalars.text,
    "proxy_from_environment": scalars.boolean,
    "proxy_connect_header": map_of(
        list_of(scalars.secret, "[]config.Secret"), "config.ProxyHeader"
    ),
}

_OAUTH2_TABLE: Final[Table] = {
    "client_id": scalars.text,
    "client_secret": scalars.secret,
    "client_secret_file": scalars.file_path,
    "grant_type": scalars.text,
    "client_certificate_key_id": scalars.text,
    "client_certificate_key": scalars.secret,
    "client_certificate_key_file": scalars.text,
    "signature_algorithm": scalars.text,
    "iss": scalars.text,
    "audience": scalars.text,
    "claims": map_of(scalars.text, "map[string]interface {}"),
    "scopes": list_of(scalars.text, "[]string"),
    "token_url": scalars.text,
    "endpoint_params": map_of(scalars.text, "map[string]string"),
    "tls_config": tls_config,
    **_PROXY_TABLE,
}

_HEADER_TABLE: Final[Table] = {
    "values": list_of(scalars.text, "[]string"),
    "secrets": list_of(scalars.secret, "[]config.Secret"),
    "files": list_of(scalars.file_path, "[]string"),
}


def _header(node: Node, document: Document) -> HTTPHeader:
    section = section_of(_HEADER_TABLE, "config.Header")(node, document)
    return HTTPHeader(**section.values) if section is not None else HTTPHeader()


HTTP_TABLE: Final[Table] = {
    "basic_auth": section_of(
        {
            "username": scalars.text,
            "username_file": scalars.file_path,
            "password": scalars.secret,
            "password_file": scalars.file_path,
        },
        "config.plain",
    ),
    "authorization": section_of(
        {
            "type": scalars.text,
            "credentials": scalars.secret,
            "credentials_file": scalars.file_path,
        },
        "config.Authorization",
    ),
    "oauth2": section_of(_OAUTH2_TABLE, "config.plain"),
    "bearer_token": scalars.secret,
    "bearer_token_file": scalars.file_path,
    "tls_config": tls_config,
    "follow_redirects": scalars.boolean,
    "enable_http2": scalars.boolean,
    "http_headers": map_of(_header, "map[string]config.Header"),
    **_PROXY_TABLE,
}


def http_client(section: Section, *, enable_http2: bool = True) -> HTTPClientConfig:
    """The client that the HTTP keys of `section` describe, after the original's checks in order."""
    get = section.get
    bearer, bearer_file = get("bearer_token", NO_SECRET), get("bearer_token_file", "")
    basic: Section | None = get("basic_auth")
    authorization: Section | None = get("authorization")
    oauth2: Section | None = get("oauth2")
    has_bearer = bool(bearer or bearer_file)

    if bearer and bearer_file:
        section.fail(
            "at most one of bearer_token & bearer_token_file must be configured", "bearer_token"
        )
    if has_bearer and (basic is not None or oauth2 is not None):
        section.fail(
            "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be "
            "configured",
            "bearer_token",
            "bearer_token_file",
        )
    if basic is not None:
        _check_basic_auth(basic)
    if authorization is not None:
        if has_bearer:
            section.fail(
                "authorization is not compatible with bearer_token & bearer_token_file",
                "authorization",
            )
        _check_authorization(authorization)
    if sum(part is not None for part in (basic, oauth2, authorization)) > 1:
        section.fail(
            "at most one of basic_auth, oauth2 & authorization must be configured",
            "authorization",
            "oauth2",
            "basic_auth",
        )
    if oauth2 is not None:
        _check_oauth2(oauth2)
    _check_proxy(section)
    for name in get("http_headers", {}):
        canonical = canonical_header(name)
        if canonical in RESERVED_HEADERS:
            section.fail(f'setting header "{canonical}" is not allowed', "http_headers")

    return HTTPClientConfig(
        basic_auth=BasicAuth(**basic.values) if basic is not None else None,
        authorization=_authorization(authorization, bearer, bearer_file),
        oauth2=dict(oauth2.values) if oauth2 is not None else None,
        enable_http2=get("enable_http2", enable_http2),
        **section.pick("tls_config", "follow_redirects", "http_headers", *_PROXY_TABLE),
    )


def _authorization(section: Section | None, bearer: Any, bearer_file: str) -> Authorization | None:
    """The authorization header; the older bearer_token keys become one."""
    if section is not None:
        kind = section.get("type", "").strip() or "Bearer"
        return Authorization(kind, **section.pick("credentials", "credentials_file"))
    if bearer or bearer_file:
        return Authorization("Bearer", bearer, bearer_file)
    return None


def _check_basic_auth(section: Section) -> None:
    for name in ("username", "password"):
        if section.get(name) and section.get(f"{name}_file"):
            section.fail(
                f"at most one of basic_auth {name}, {name}_file & {name}_ref must be configured",
                name,
            )


def _check_authorization(section: Section) -> None:
    if section.get("credentials") and section.get("credentials_file"):
        section.fail(
            "at most one of authorization credentials & credentials_file must be configured",
            "credentials",
        )
    if section.get("type", "").strip().lower() == "basic":
        section.fail(
            'authorization type cannot be set to "basic", use "basic_auth" instead', "type"
        )


def _check_oauth2(section: Section) -> None:
    get = section.get
    for name in ("client_id", "token_url"):
        if not get(name):
            section.fail(f"oauth2 {name} must be configured", name)
    if get("grant_type") == JWT_BEARER:
        if get("client_certificate_key") and get("client_certificate_key_file"):
            section.fail(
                "at most one of oauth2 client_certificate_key, client_certificate_key_file & "
                f"client_certificate_key_ref must be configured using grant-type={JWT_BEARER}",
                "client_certificate_key",
            )
        if get("signature_algorithm", "RS256") not in ("", "RS256", "RS384", "RS512"):
            section.fail(
                "valid signature algorithms are RS256, RS384 and RS512", "signature_algorithm"
            )
    elif get("client_secret") and get("client_secret_file"):
        section.fail(
            "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be "
            "configured using grant-type=client_credentials",
            "client_secret",
        )
    _check_proxy(section)


def _check_proxy(section: Section) -> None:
    proxy_url, from_environment, no_proxy = (
        section.get(key) for key in ("proxy_url", "proxy_from_environment", "no_proxy")
    )
    if section.get("proxy_connect_header") and not proxy_url and not from_environment:
        section.fail(
            "if proxy_connect_header is configured, proxy_url or proxy_from_environment must "
            "also be configured",
            "proxy_connect_header",
        )
    if from_environment and proxy_url:
        section.fail(
            "if proxy_from_environment is configured, proxy_url must not be configured",
            "proxy_from_environment",
        )
    if from_environment and no_proxy:
        section.fail(
            "if proxy_from_environment is configured, no_proxy must not be configured",
            "proxy_from_environment",
        )
    if no_proxy and not proxy_url:
        section.fail("if no_proxy is configured, proxy_url must also be configured", "no_proxy")


def canonical_header(name: str) -> str:
    """`x-some-header` as `X-Some-Header`."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def with_http(own: dict[str, Reader]) -> Table:
    """A table of `own` fields and the inline HTTP client options."""
    return {**own, **HTTP_TABLE}
