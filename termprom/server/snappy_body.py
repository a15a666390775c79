"""Request bodies of the remote protocols: one block of snappy, bounded before and after."""

from __future__ import annotations

import cramjam
from aiohttp import web

from termprom import limits

_TOO_LARGE = f"exceeds the {limits.REMOTE_WRITE_BYTES_MAX} bytes limit"


class Refusal(Exception):
    """An answer other than success, as plain text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


async def read_packed(request: web.Request) -> bytes:
    """The body as it was sent. Raises Refusal."""
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        if len(body) > limits.REMOTE_WRITE_BYTES_MAX:
            raise Refusal(413, f"request body {_TOO_LARGE}")
    return bytes(body)


async def read_snappy(request: web.Request) -> bytes:
    """The unpacked body of a small request. Raises Refusal."""
    return unpacked(await read_packed(request))


def unpacked(body: bytes) -> bytes:
    """The body without its snappy block compression. Raises Refusal."""
    size = shift = 0
    for byte in body[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    else:
        raise Refusal(400, "snappy: corrupt input")
    if size > limits.REMOTE_WRITE_BYTES_MAX:
        raise Refusal(400, f"decoded size {_TOO_LARGE}")
    if not size:
        return b""
    try:
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as problem:
        raise Refusal(400, "snappy: corrupt input") from problem
