"""Mechanisms that ask what runs containers: Kubernetes, Docker, Swarm, Nomad, Marathon, Kuma."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from termprom.config import scalars
from termprom.config.fields import Section
from termprom.config.http_client import HTTP_TABLE
from termprom.config.sd_fields import (
    COMMON,
    Field,
    SDKind,
    boolean,
    duration,
    filters,
    group,
    groups,
    one_of,
    path,
    refresh,
    required,
    secret,
    text,
    texts,
)

# --- Kubernetes -------------------------------------------------------------------------------

_SELECTORS: Final[dict[str, tuple[str, ...]]] = {
    "pod": ("pod", "node"),
    "service": ("service",),
    "endpoints": ("pod", "service", "endpoints"),
    "endpointslice": ("pod", "service", "endpointslice"),
    "node": ("node",),
    "ingress": ("ingress",),
}
_ROLE: Final = one_of(tuple(_SELECTORS), 'unknown Kubernetes SD role "{}"')
_ATTACHED: Final = ("node", "namespace", "deployment", "job", "cronjob")
_TERM: Final = re.compile(
    r"\s*!?[\w./-]+\s*|\s*[\w./-]+\s*(=|==|!=)\s*[\w./-]*\s*"
    r"|\s*[\w./-]+\s+(in|notin)\s+\([^()]*\)\s*|\s*[\w./-]+\s*[<>]\s*\d+\s*"
)
_FIELD_TERM: Final = re.compile(r"[^=!]+(=|==|!=)[^=!]*")


def _check_kubernetes(section: Section) -> None:
    role: str = section.get("role", "")
    if not role:
        section.fail("role missing (one of: pod, service, endpoints, endpointslice, node, ingress)")
    server, kubeconfig = section.get("api_server"), section.get("kubeconfig_file")
    own_namespace = section.get("namespaces", {}).get("own_namespace")
    client = any(key in section for key in HTTP_TABLE)
    if kubeconfig and server:
        section.fail("cannot use 'kubeconfig_file' and 'api_server' simultaneously", "api_server")
    if kubeconfig and client:
        section.fail(
            "cannot use a custom HTTP client configuration together with 'kubeconfig_file'",
            "kubeconfig_file",
        )
    if not server and client:
        section.fail(
            "to use custom HTTP client configuration please provide the 'api_server' URL explicitly"
        )
    for key in ("api_server", "kubeconfig_file"):
        if section.get(key) and own_namespace:
            section.fail(
                f"cannot use '{key}' and 'namespaces.own_namespace' simultaneously", "namespaces"
            )
    _check_selectors(section, role)


def _check_selectors(section: Section, role: str) -> None:
    seen: set[str] = set()
    selectors: tuple[dict[str, Any], ...] = section.get("selectors", ())
    for selector in selectors:
        if selector["role"] in seen:
            section.fail(f"duplicated selector role: {selector['role']}", "selectors")
        seen.add(selector["role"])
        if selector["role"] not in _SELECTORS[role]:
            allowed = ", ".join(_SELECTORS[role])
            section.fail(f"{role} role supports only {allowed} selectors", "selectors")
        for term in filter(None, selector["field"].split(",")):
            if _FIELD_TERM.fullmatch(term) is None:
                section.fail(
                    f"invalid selector: '{selector['field']}'; can't understand '{term}'",
                    "selectors",
                )
        for term in filter(None, re.split(r",(?![^()]*\))", selector["label"])):
            if _TERM.fullmatch(term) is None:
                section.fail(f"unable to parse requirement: {selector['label']}", "selectors")


_KUBERNETES: Final = SDKind(
    {
        "api_server": Field(scalars.url, ""),
        "role": _ROLE,
        "kubeconfig_file": path(),
        "namespaces": group({"own_namespace": boolean(), "names": texts()}, "kubernetes.plain"),
        "selectors": groups({"role": _ROLE, "label": text(), "field": text()}, "kubernetes.plain"),
        "attach_metadata": group(
            {name: boolean() for name in _ATTACHED}, "kubernetes.AttachMetadataConfig"
        ),
    },
    _check_kubernetes,
)

# --- Docker and Swarm -------------------------------------------------------------------------

_require_host: Final = required("host", message="host missing")


def _check_docker(section: Section) -> None:
    _require_host(section)
    _check_docker_host(section)


def _check_docker_host(section: Section) -> None:
    if urlsplit(section.get("host")).scheme not in ("unix", "tcp", "http", "https"):
        section.fail(f"unable to parse docker host `{section.get('host')}`", "host")


def _check_swarm(section: Section) -> None:
    _require_host(section)
    _check_docker_host(section)
    role = section.get("role", "")
    if not role:
        section.fail("role missing (one of: tasks, services, nodes)")
    if role not in ("tasks", "services", "nodes"):
        section.fail(f"invalid role {role}, expected tasks, services, or nodes", "role")


# --- The others -------------------------------------------------------------------------------


def _check_marathon(section: Section) -> None:
    if not section.get("servers"):
        section.fail("marathon_sd: must contain at least one Marathon server", "servers")
    token, token_file = section.get("auth_token"), section.get("auth_token_file")
    if token and token_file:
        section.fail(
            "marathon_sd: at most one of auth_token & auth_token_file must be configured",
            "auth_token",
        )
    if not token and not token_file:
        return
    if section.get("basic_auth") is not None:
        section.fail(
            "marathon_sd: at most one of basic_auth, auth_token & auth_token_file must be "
            "configured",
            "basic_auth",
        )
    if section.get("bearer_token") or section.get("bearer_token_file"):
        section.fail(
            "marathon_sd: at most one of bearer_token, bearer_token_file, auth_token & "
            "auth_token_file must be configured",
            "bearer_token",
            "bearer_token_file",
        )
    if section.get("authorization") is not None:
        section.fail(
            "marathon_sd: at most one of auth_token, auth_token_file & authorization must be "
            "configured",
            "authorization",
        )


def _check_kuma(section: Section) -> None:
    server = section.get("server", "")
    parts = urlsplit(server)
    if not server:
        section.fail(f"kuma SD server must not be empty: {server}", "server")
    if not parts.scheme or not parts.netloc:
        section.fail(f"kuma SD server must not be empty and have a scheme: {server}", "server")


ORCHESTRATORS: Final[dict[str, SDKind]] = {
    "docker": SDKind(
        {
            "host": text(),
            "port": COMMON["port"],
            "filters": filters("moby.Filter"),
            "host_networking_host": text("localhost"),
            "refresh_interval": refresh(),
            "match_first_network": boolean(True),
        },
        _check_docker,
    ),
    "dockerswarm": SDKind(
        {
            "host": text(),
            "role": text(),
            "port": COMMON["port"],
            "filters": filters("moby.Filter"),
            "refresh_interval": refresh(),
        },
        _check_swarm,
    ),
    "kubernetes": _KUBERNETES,
    "kuma": SDKind(
        {
            "server": text(),
            "client_id": text(),
            "refresh_interval": refresh(15_000),
            "fetch_timeout": duration(120_000),
        },
        _check_kuma,
    ),
    "marathon": SDKind(
        {
            "servers": texts(),
            "refresh_interval": refresh(30_000),
            "auth_token": secret(),
            "auth_token_file": path(),
        },
        _check_marathon,
    ),
    "nomad": SDKind(
        {
            "allow_stale": boolean(True),
            "namespace": text("default"),
            "refresh_interval": refresh(),
            "region": text("global"),
            "server": text("http://localhost:4646"),
            "tag_separator": text(","),
        },
        lambda section: (
            section.fail("nomad SD configuration requires a server address", "server")
            if not section.get("server", "default").strip()
            else None
        ),
    ),
}
