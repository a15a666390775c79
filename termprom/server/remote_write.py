"""/api/v1/write: remote write 1.0, off unless asked for; and OTLP, which there is not."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from termprom.errors import StorageError
from termprom.remote.receiver import RefusedSamples, WriteReceiver
from termprom.remote.write_request import BadMessage
from termprom.server.door_metrics import DoorMetrics
from termprom.server.snappy_body import Refusal, read_packed, unpacked

_MEDIA_TYPE: Final = "application/x-protobuf"
_MESSAGE: Final = "prometheus.WriteRequest"
_NO_OTLP: Final = "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n"
_OFF: Final = "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n"


def write_routes(receiver: WriteReceiver | None, metrics: DoorMetrics) -> list[web.RouteDef]:
    """None answers that the receiver is off."""

    async def write(request: web.Request) -> web.Response:
        if receiver is None:
            return web.Response(status=404, text=_OFF)
        try:
            await _receive(request, receiver, metrics)
        except Refusal as refusal:
            return web.Response(status=refusal.status, text=f"{refusal}\n")
        except (BadMessage, RefusedSamples) as problem:
            return web.Response(status=400, text=f"{problem}\n")
        except StorageError as problem:
            return web.Response(status=500, text=f"{problem}\n")
        return web.Response(status=204)

    return [web.post("/api/v1/write", write), web.post("/api/v1/otlp/v1/metrics", _no_otlp)]


async def _no_otlp(request: web.Request) -> web.Response:
    return web.Response(status=404, text=_NO_OTLP)


async def _receive(request: web.Request, receiver: WriteReceiver, metrics: DoorMetrics) -> None:
    encoding = request.headers.get("Content-Encoding", "")
    if encoding not in ("", "snappy"):
        raise Refusal(
            415,
            f"{encoding} encoding (compression) is not accepted by this server; "
            "only snappy is acceptable",
        )
    check_content_type(request.headers.get("Content-Type", ""))
    compressed = await read_packed(request)
    # Decoding a request of two thousand samples takes a few milliseconds: not on the loop.
    written = await asyncio.to_thread(lambda: receiver.decode(unpacked(compressed)))
    metrics.invalid_series.inc(written.invalid_series)
    receiver.store(written)


def check_content_type(given: str) -> None:
    """Raises Refusal where it is not remote write 1.0."""
    media, *parameters = (given.strip() or _MEDIA_TYPE).split(";")
    if media != _MEDIA_TYPE:
        raise Refusal(
            415,
            f"expected {_MEDIA_TYPE} as the first (media) part, got {given} content-type",
        )
    message = next((one[6:] for one in parameters if one.startswith("proto=")), _MESSAGE)
    if message != _MESSAGE:
        raise Refusal(
            415,
            f"{message} protobuf message is not accepted by this server; only accepts {_MESSAGE}",
        )
