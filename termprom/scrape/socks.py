"""Through a SOCKS5 proxy to a target. Source: RFC 1928, and RFC 1929 for the password.

The proxy resolves the target's name, whether its URL begins with socks5 or socks5h, as upstream's.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final
from urllib.parse import unquote, urlsplit

from termprom.errors import TargetUnreachable
from termprom.scrape.words import dial_words

_VERSION: Final = 5
_OPEN: Final = 0  # no password
_PASSWORD: Final = 2
_CONNECT: Final = 1
_NAME: Final = 3
_PORT: Final = 1080
_ADDRESS_BYTES: Final = {1: 4, 4: 16}
_REPLIES: Final = (
    "succeeded",
    "general SOCKS server failure",
    "connection not allowed by ruleset",
    "network unreachable",
    "host unreachable",
    "connection refused",
    "TTL expired",
    "command not supported",
    "address type not supported",
)


async def socks_socket(proxy: str, host: str, port: int) -> socket.socket:
    """A socket that speaks to `host`:`port`. Raises TargetUnreachable."""
    url = urlsplit(proxy)
    place = (url.hostname or "", url.port or _PORT)
    try:
        link = await _dial(*place)
    except OSError as problem:
        raise TargetUnreachable(f"socks connect: {dial_words(problem, *place)}") from problem
    try:
        await _greet(link, unquote(url.username or ""), unquote(url.password or ""))
        await _connect(link, host, port)
    except (OSError, EOFError) as problem:
        link.close()
        words = "EOF" if isinstance(problem, EOFError) else str(problem)
        raise TargetUnreachable(
            f"socks connect tcp {place[0]}:{place[1]}->{host}:{port}: {words}"
        ) from problem
    except BaseException:
        link.close()
        raise
    return link


async def _dial(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    last: OSError = OSError("no address")
    for family, kind, protocol, _, address in found:
        link = socket.socket(family, kind, protocol)
        link.setblocking(False)
        try:
            await loop.sock_connect(link, address)
        except OSError as problem:
            link.close()
            last = problem
        except BaseException:
            link.close()
            raise
        else:
            return link
    raise last


async def _greet(link: socket.socket, user: str, password: str) -> None:
    """Agree on how to say who asks, and say it."""
    ways = bytes([_OPEN, _PASSWORD]) if user else bytes([_OPEN])
    await _send(link, bytes([_VERSION, len(ways)]) + ways)
    version, way = await _read(link, 2)
    if version != _VERSION:
        raise OSError(f"unexpected protocol version {version}")
    if way == _PASSWORD and user:
        pair = user.encode()[:255], password.encode()[:255]
        await _send(link, b"\x01" + b"".join(bytes([len(part)]) + part for part in pair))
        _, status = await _read(link, 2)
        if status:
            raise OSError("username/password authentication failed")
    elif way != _OPEN:
        raise OSError("no acceptable authentication methods")


async def _connect(link: socket.socket, host: str, port: int) -> None:
    name = host.strip("[]").encode("idna" if not host.isascii() else "ascii")
    if len(name) > 255:
        raise OSError("FQDN too long")
    request = bytes([_VERSION, _CONNECT, 0, _NAME, len(name)]) + name + port.to_bytes(2, "big")
    await _send(link, request)
    _, reply, _, kind = await _read(link, 4)
    if reply:
        words = _REPLIES[reply] if reply < len(_REPLIES) else f"unknown code: {reply}"
        raise OSError(words)
    size = _ADDRESS_BYTES.get(kind)
    if size is None:
        (size,) = await _read(link, 1)
    await _read(link, size + 2)


async def _send(link: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(link, data)


async def _read(link: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = await asyncio.get_running_loop().sock_recv(link, size - len(data))
        if not part:
            raise EOFError
        data += part
    return data
