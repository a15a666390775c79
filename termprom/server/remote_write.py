"""/api/v1/write: remote write 1.0, off unless asked for."""

from __future__ import annotations

import asyncio
from typing import Final

import cramjam
from aiohttp import web

from termprom import limits
from termprom.errors import StorageError
from termprom.remote.receiver import RefusedSamples, WriteReceiver
from termprom.remote.write_request import BadMessage

_MEDIA_TYPE: Final = "application/x-protobuf"
_MESSAGE: Final = "prometheus.WriteRequest"
_TOO_LARGE: Final = f"exceeds the {limits.REMOTE_WRITE_BYTES_MAX} bytes limit"
_OFF: Final = "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n"


class _Refusal(Exception):
    """An answer other than success, as plain text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def write_routes(receiver: WriteReceiver | None) -> list[web.RouteDef]:
    """None answers that the receiver is off."""

    async def write(request: web.Request) -> web.Response:
        if receiver is None:
            return web.Response(status=404, text=_OFF)
        try:
            await _receive(request, receiver)
        except _Refusal as refusal:
            return web.Response(status=refusal.status, text=f"{refusal}\n")
        except (BadMessage, RefusedSamples) as problem:
            return web.Response(status=400, text=f"{problem}\n")
        except StorageError as problem:
            return web.Response(status=500, text=f"{problem}\n")
        return web.Response(status=204)

    return [web.post("/api/v1/write", write)]


async def _receive(request: web.Request, receiver: WriteReceiver) -> None:
    encoding = request.headers.get("Content-Encoding", "")
    if encoding not in ("", "snappy"):
        raise _Refusal(
            415,
            f"{encoding} encoding (compression) is not accepted by this server; "
            "only snappy is acceptable",
        )
    check_content_type(request.headers.get("Content-Type", ""))
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        if len(body) > limits.REMOTE_WRITE_BYTES_MAX:
            raise _Refusal(413, f"request body {_TOO_LARGE}")
    compressed = bytes(body)
    # Decoding a request of two thousand samples takes a few milliseconds: not on the loop.
    written = await asyncio.to_thread(lambda: receiver.decode(unpacked(compressed)))
    receiver.store(written)


def check_content_type(given: str) -> None:
    """Raises _Refusal where it is not remote write 1.0."""
    media, *parameters = (given.strip() or _MEDIA_TYPE).split(";")
    if media != _MEDIA_TYPE:
        raise _Refusal(
            415,
            f"expected {_MEDIA_TYPE} as the first (media) part, got {given} content-type",
        )
    message = next((one[6:] for one in parameters if one.startswith("proto=")), _MESSAGE)
    if message != _MESSAGE:
        raise _Refusal(
            415,
            f"{message} protobuf message is not accepted by this server; only accepts {_MESSAGE}",
        )


def unpacked(body: bytes) -> bytes:
    """The body without its snappy block compression. Raises _Refusal."""
    size = shift = 0
    for byte in body[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    else:
        raise _Refusal(400, "snappy: corrupt input")
    if size > limits.REMOTE_WRITE_BYTES_MAX:
        raise _Refusal(400, f"decoded size {_TOO_LARGE}")
    if not size:
        return b""
    try:
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as problem:
        raise _Refusal(400, "snappy: corrupt input") from problem
