"""Mechanisms that ask a registry of services: DNS, Consul, Eureka, Zookeeper, PuppetDB, Uyuni."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from termprom.config.fields import Section
from termprom.config.sd_fields import (
    COMMON,
    SDKind,
    boolean,
    duration,
    integer,
    mapping,
    refresh,
    secret,
    text,
    texts,
)

_RECORDS: Final = ("A", "AAAA", "MX", "NS", "SRV")


def _check_dns(section: Section) -> None:
    if not section.get("names"):
        section.fail("DNS-SD config must contain at least one SRV record name", "names")
    record: str = section.get("type", "SRV")
    if record.upper() not in _RECORDS:
        section.fail(f"invalid DNS-SD records type {record}", "type")
    if record.upper() != "SRV" and not section.get("port"):
        section.fail("a port is required in DNS-SD configs for all record types except SRV", "type")


def _check_consul(section: Section) -> None:
    if not section.get("server", "localhost:8500").strip():
        section.fail("consul SD configuration requires a server address", "server")
    user = section.get("username") or section.get("password")
    if user and section.get("basic_auth") is not None:
        section.fail(
            "at most one of consul SD configuration username and password and basic auth can be "
            "configured",
            "basic_auth",
        )
    others = (section.get("authorization"), section.get("oauth2"))
    if section.get("token") and any(other is not None for other in others):
        section.fail(
            "at most one of consul SD token, authorization, or oauth2 can be configured", "token"
        )


def _check_eureka(section: Section) -> None:
    server: str = section.get("server", "")
    if not server:
        section.fail("eureka_sd: empty or null eureka server", "server")
    parts = urlsplit(server)
    if not parts.scheme or not parts.netloc:
        section.fail("eureka_sd: invalid eureka server URL", "server")


def _check_puppetdb(section: Section) -> None:
    url: str = section.get("url", "")
    if not url:
        section.fail("URL is missing", "url")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        section.fail("URL scheme must be 'http' or 'https'", "url")
    if not parts.netloc:
        section.fail("host is missing in URL", "url")
    if not section.get("query"):
        section.fail("query missing", "query")


def _zookeeper(name: str) -> SDKind:
    def check(section: Section) -> None:
        if not section.get("servers"):
            section.fail(f"{name} SD config must contain at least one Zookeeper server", "servers")
        if not section.get("paths"):
            section.fail(f"{name} SD config must contain at least one path", "paths")
        for path in section.get("paths"):
            if not path.startswith("/"):
                section.fail(f"{name} SD config paths must begin with '/': {path}", "paths")

    fields = {"servers": texts(), "paths": texts(), "timeout": duration(10_000)}
    return SDKind(fields, check, http=False)


def _check_uyuni(section: Section) -> None:
    for key, what in (
        ("server", "server host"),
        ("username", "a username"),
        ("password", "a password"),
    ):
        if not section.get(key):
            section.fail(f"Uyuni SD configuration requires {what}", key)


REGISTRIES: Final[dict[str, SDKind]] = {
    "consul": SDKind(
        {
            "server": text("localhost:8500"),
            "path_prefix": text(),
            "token": secret(),
            "datacenter": text(),
            "namespace": text(),
            "partition": text(),
            "tag_separator": text(","),
            "scheme": text("http"),
            "username": text(),
            "password": secret(),
            "allow_stale": boolean(True),
            "refresh_interval": refresh(30_000),
            "services": texts(),
            "tags": texts(),
            "node_meta": mapping(),
            "filter": text(),
            "health_filter": text(),
        },
        _check_consul,
    ),
    "dns": SDKind(
        {
            "names": texts(),
            "refresh_interval": refresh(30_000),
            "type": text("SRV"),
            "port": integer(0),
        },
        _check_dns,
        http=False,
    ),
    "eureka": SDKind({"server": text(), "refresh_interval": refresh(30_000)}, _check_eureka),
    "nerve": _zookeeper("nerve"),
    "puppetdb": SDKind(
        {"url": text(), "query": text(), "include_parameters": boolean(), **COMMON},
        _check_puppetdb,
    ),
    "serverset": _zookeeper("serverset"),
    "uyuni": SDKind(
        {
            "server": text(),
            "username": text(),
            "password": secret(),
            "entitlement": text("monitoring_entitled"),
            "separator": text(","),
            "refresh_interval": refresh(),
        },
        _check_uyuni,
    ),
}
