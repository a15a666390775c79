"""/api/v1/write: remote write 1.0 and 2.0, off unless asked for; and OTLP, which there is not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from aiohttp import web

from termprom.errors import StorageError
from termprom.remote.receiver import Stored, WriteReceiver
from termprom.remote.write_request import BadMessage
from termprom.server.door_metrics import DoorMetrics
from termprom.server.snappy_body import Refusal, read_packed, unpacked

V1: Final = "prometheus.WriteRequest"
V2: Final = "io.prometheus.write.v2.Request"
MESSAGES: Final = (V1, V2)

_MEDIA_TYPE: Final = "application/x-protobuf"
_NO_OTLP: Final = "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n"
_OFF: Final = "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n"
_WRITTEN: Final = "X-Prometheus-Remote-Write-{}-Written"


def write_routes(
    receiver: WriteReceiver | None, metrics: DoorMetrics, *, accepted: Sequence[str] = MESSAGES
) -> list[web.RouteDef]:
    """None answers that the receiver is off; `accepted` are the messages that are taken."""

    async def write(request: web.Request) -> web.Response:
        if receiver is None:
            return web.Response(status=404, text=_OFF)
        headers: dict[str, str] = {}
        try:
            message = asked_message(request, accepted)
            stored = await _receive(request, receiver, metrics, is_v2=message == V2)
            if message == V2:
                headers = _written(stored)
        except Refusal as refusal:
            return web.Response(status=refusal.status, text=f"{refusal}\n")
        except BadMessage as problem:
            return web.Response(status=400, text=f"{problem}\n")
        except StorageError as problem:
            return web.Response(status=500, text=f"{problem}\n")
        if stored.problems:
            text = "\n".join(stored.problems) + "\n"
            return web.Response(status=400, text=text, headers=headers)
        return web.Response(status=204, headers=headers)

    return [web.post("/api/v1/write", write), web.post("/api/v1/otlp/v1/metrics", _no_otlp)]


def _written(stored: Stored) -> dict[str, str]:
    counts = {
        "Samples": stored.samples,
        "Histograms": stored.histograms,
        "Exemplars": stored.exemplars,
    }
    return {_WRITTEN.format(what): str(count) for what, count in counts.items()}


async def _no_otlp(request: web.Request) -> web.Response:
    return web.Response(status=404, text=_NO_OTLP)


async def _receive(
    request: web.Request, receiver: WriteReceiver, metrics: DoorMetrics, *, is_v2: bool
) -> Stored:
    """Raises Refusal, BadMessage, StorageError."""
    compressed = await read_packed(request)
    # Decoding a request of two thousand samples takes a few milliseconds: not on the loop.
    mistakes: Sequence[str] = ()
    if is_v2:
        written, mistakes = await asyncio.to_thread(
            lambda: receiver.decode_v2(unpacked(compressed))
        )
    else:
        written = await asyncio.to_thread(lambda: receiver.decode(unpacked(compressed)))
    metrics.invalid_series.inc(written.invalid_series)
    stored = receiver.store(written)
    return replace(stored, problems=(*mistakes, *stored.problems))


def asked_message(request: web.Request, accepted: Sequence[str]) -> str:
    """Which message the headers promise. Raises Refusal."""
    encoding = request.headers.get("Content-Encoding", "")
    if encoding not in ("", "snappy"):
        raise Refusal(
            415,
            f"{encoding} encoding (compression) is not accepted by this server; "
            "only snappy is acceptable",
        )
    given = request.headers.get("Content-Type", "").strip() or _MEDIA_TYPE
    media, *parameters = given.split(";")
    if media != _MEDIA_TYPE:
        raise Refusal(
            415,
            f"expected {_MEDIA_TYPE} as the first (media) part, got {given} content-type",
        )
    message = next((one[6:] for one in parameters if one.startswith("proto=")), V1)
    if message not in MESSAGES:
        raise Refusal(
            415,
            f"got {given} content type; unknown type for remote write protobuf message {message}, "
            f"supported: {', '.join(MESSAGES)}",
        )
    if message not in accepted:
        raise Refusal(
            415,
            f"{message} protobuf message is not accepted by this server; only accepts "
            f"{', '.join(accepted)}",
        )
    return message
