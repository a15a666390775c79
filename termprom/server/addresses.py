"""Listen addresses: text to a host and a port, and those to a bound socket.

127.0.0.1:9090   localhost:9090   [::1]:9090   :9090 (every interface)   host:0 (any free port)
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from termprom.errors import AddressInUse, TermpromError

SocketAddress = tuple[Any, ...]  # what the family's bind takes: host, port, and more for IPv6

_BACKLOG: Final = 1024
_PORT_MAX: Final = 65_535


@dataclass
class BadAddress(TermpromError):
    """A listen address that cannot be read or bound."""

    address: str
    reason: str

    def __str__(self) -> str:
        return f"listen {self.address}: {self.reason}"


def split_address(address: str) -> tuple[str, int]:
    """Host, without brackets and empty for every interface, and port. Raises BadAddress."""
    host, colon, port_text = address.rpartition(":")
    if not colon:
        raise BadAddress(address, "missing port in address")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise BadAddress(address, "too many colons in address")
    # Five digits are enough for a port; Python refuses to convert thousands of them.
    if not (port_text.isascii() and port_text.isdigit() and len(port_text) <= 5):
        raise BadAddress(address, f'invalid port "{port_text}"')
    port = int(port_text)
    if port > _PORT_MAX:
        raise BadAddress(address, f'invalid port "{port_text}"')
    return host, port


def join_address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind(host: str, port: int, moves_max: int) -> socket.socket:
    """A listening socket on `port`, or on the first free one of the `moves_max` behind it.

    Raises AddressInUse, which names the address that was asked for, and BadAddress.
    """
    wanted = join_address(host, port)
    family, where = _resolve(host, port, wanted)
    for candidate in range(port, min(port + moves_max, _PORT_MAX) + 1):
        try:
            return _open(family, (where[0], candidate, *where[2:]), dual=not host)
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                raise BadAddress(wanted, problem.strerror or str(problem)) from problem
    raise AddressInUse(wanted)


def _resolve(host: str, port: int, wanted: str) -> tuple[int, SocketAddress]:
    """Address family and socket address. Of several, IPv4 goes first, as upstream's runtime has it.

    Without a host it is every interface: one IPv6 socket that takes IPv4 too, where there is IPv6.
    """
    if not host:
        if socket.has_dualstack_ipv6():
            return socket.AF_INET6, ("::", port, 0, 0)
        return socket.AF_INET, ("0.0.0.0", port)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as problem:
        reason = getattr(problem, "strerror", "") or str(problem)
        raise BadAddress(wanted, reason) from problem
    found.sort(key=lambda one: one[0] is not socket.AF_INET)
    return found[0][0], found[0][4]


def _open(family: int, where: SocketAddress, *, dual: bool) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        # A server that was just stopped leaves its port in TIME_WAIT; that must not bar the next.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        opened.bind(where)
        # Two sockets may be bound to one port, but only one may listen: this is the real test.
        opened.listen(_BACKLOG)
    except BaseException:
        opened.close()
        raise
    return opened


def default_external_url(url: str, hostname: str) -> str:
    """Where others reach a listener nobody gave an external URL to.

    `url` is the listener's own; one that listens on every interface is found by the host's name,
    one on loopback by nobody else, and says so.
    """
    parts = urlsplit(url)
    if parts.hostname != "localhost" or not hostname:
        return url
    return f"{parts.scheme}://{hostname}:{parts.port}"
