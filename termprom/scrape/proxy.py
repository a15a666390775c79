"""Which proxy a request goes through. Source: the conventions of `NO_PROXY`, as Go reads them."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping

from termprom.config.schema import HTTPClientConfig


def proxy_for(
    http: HTTPClientConfig,
    scheme: str,
    host: str,
    port: int,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The proxy's URL; empty where the request goes straight to the target."""
    if http.proxy_from_environment:
        variables = os.environ if environment is None else environment
        chosen = _variable(variables, f"{scheme}_proxy")
        bypass = _variable(variables, "no_proxy")
        if not chosen or _is_loopback(host):
            return ""
        chosen = chosen if "://" in chosen else f"http://{chosen}"
    else:
        chosen, bypass = http.proxy_url, http.no_proxy
    return "" if not chosen or is_bypassed(host, port, bypass) else chosen


def is_bypassed(host: str, port: int, no_proxy: str) -> bool:
    """Whether one of the comma-separated patterns covers the host."""
    name = host.lower().strip("[]")
    for pattern in (part.strip().lower() for part in no_proxy.split(",")):
        if pattern == "*":
            return True
        if pattern and _covers(pattern, name, port):
            return True
    return False


def _covers(pattern: str, name: str, port: int) -> bool:
    if "/" in pattern:
        try:
            return ipaddress.ip_address(name) in ipaddress.ip_network(pattern, strict=False)
        except ValueError:
            return False
    head, colon, tail = pattern.rpartition(":")
    if colon and tail.isdigit() and (head.count(":") == 0 or head.endswith("]")):
        if int(tail) != port:
            return False
        pattern = head.strip("[]")
    if pattern.startswith("*."):
        pattern = pattern[1:]
    if pattern.startswith("."):
        return name.endswith(pattern)
    return name == pattern or (name.endswith("." + pattern) and not _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    name = host.strip("[]")
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def _variable(variables: Mapping[str, str], name: str) -> str:
    return variables.get(name.upper()) or variables.get(name) or ""
