"""stripPort and stripDomain."""

from __future__ import annotations

import ipaddress


def strip_port(text: str) -> str:
    """The host of `host:port`; anything else as it is."""
    split = _split(text)
    return text if split is None else split[0]


def strip_domain(text: str) -> str:
    """A host name up to its first dot, the port kept; addresses as they are."""
    host, port = _split(text) or (text, "")
    if _is_address(host):
        return text
    host = host.split(".", 1)[0]
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host or "%" in host else f"{host}:{port}"


def _split(text: str) -> tuple[str, str] | None:
    """Go's net.SplitHostPort; None where it fails."""
    head, colon, port = text.rpartition(":")
    if not colon:
        return None
    if text.startswith("["):
        end = text.find("]")
        if end < 0 or end + 1 != len(head):
            return None
        host, rest = text[1:end], text[end + 1 :]
        if "[" in text[1:] or "]" in rest:
            return None
        return host, port
    if ":" in head or "[" in text or "]" in text:
        return None
    return head, port


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
