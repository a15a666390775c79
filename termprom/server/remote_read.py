"""/api/v1/read: remote read, answered with samples."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import cramjam
from aiohttp import web

from termprom.errors import StorageError
from termprom.model.labels import Labels
from termprom.remote.responder import ReadResponder, TooManySamplesRead
from termprom.remote.write_request import BadMessage
from termprom.server.door_metrics import DoorMetrics
from termprom.server.snappy_body import Refusal, read_snappy


def read_routes(
    responder: ReadResponder,
    external_labels: Callable[[], Labels],
    *,
    concurrency_max: int,
    metrics: DoorMetrics,
) -> list[web.RouteDef]:
    """At most `concurrency_max` answers are made at once, 0 for no limit; others wait."""
    places = asyncio.Semaphore(concurrency_max or 1 << 30)

    async def read(request: web.Request) -> web.Response:
        try:
            body = await read_snappy(request)
            with metrics.reads.track_inprogress():
                async with places:
                    answer = await asyncio.to_thread(_answer, responder, body, external_labels())
        except Refusal as refusal:
            return web.Response(status=refusal.status, text=f"{refusal}\n")
        except (BadMessage, TooManySamplesRead) as problem:
            return web.Response(status=400, text=f"{problem}\n")
        except StorageError as problem:
            return web.Response(status=500, text=f"{problem}\n")
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
        return web.Response(body=answer, headers=headers)

    return [web.post("/api/v1/read", read)]


def _answer(responder: ReadResponder, body: bytes, external: Labels) -> bytes:
    return bytes(cramjam.snappy.compress_raw(responder.answer(body, external)))
