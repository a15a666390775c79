"""status/*: build, runtime, flags, configuration, cardinality, and the version page."""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from termprom.backend.wire_status import build_object, cardinality_object, runtime_object
from termprom.backend.wire_text import Json, dumps, text
from termprom.model.matchers import compile_regex
from termprom.push.metrics import own_families
from termprom.server.answer import succeed, succeed_built
from termprom.server.context import Context
from termprom.server.failures import BadParameter
from termprom.server.params import parse_integer
from termprom.server.proto_json import family_tree
from termprom.server.request import from_url

_CARDINALITY_LIMIT: Final = 10
_CARDINALITY_LIMIT_MAX: Final = 10_000


class StatusHandlers:
    def __init__(self, context: Context) -> None:
        self._backend = context.backend
        self._registry = context.hooks.registry

    def routes(self) -> list[web.RouteDef]:
        handlers: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
            "/api/v1/status/config": self.config,
            "/api/v1/status/flags": self.flags,
            "/api/v1/status/runtimeinfo": self.runtime,
            "/api/v1/status/buildinfo": self.build,
            "/api/v1/status/tsdb": self.cardinality,
            "/api/v1/status/tsdb/blocks": self.blocks,
            "/api/v1/status/walreplay": self.wal_replay,
            "/api/v1/status/self_metrics": self.self_metrics,
            "/version": self.version,
        }
        return [web.get(path, handler, allow_head=False) for path, handler in handlers.items()]

    async def config(self, request: web.Request) -> web.Response:
        status = await self._backend.status()
        return await succeed(request, {"yaml": text(status.config_yaml)})

    async def flags(self, request: web.Request) -> web.Response:
        flags = (await self._backend.status()).flags
        return await succeed(request, {name: text(flags[name]) for name in sorted(flags)})

    async def runtime(self, request: web.Request) -> web.Response:
        status = await self._backend.status()
        found = runtime_object(
            status, thread_count=threading.active_count(), cpu_count=os.cpu_count() or 1
        )
        return await succeed(request, found)

    async def build(self, request: web.Request) -> web.Response:
        return await succeed(request, build_object((await self._backend.status()).build))

    async def version(self, request: web.Request) -> web.Response:
        body = dumps(build_object((await self._backend.status()).build)) + b"\n"
        return web.Response(body=body, content_type="application/json")

    async def cardinality(self, request: web.Request) -> web.Response:
        limit = _limit(from_url(request).get("limit"))
        view = await self._backend.cardinality(limit)
        storage = (await self._backend.status()).storage
        chunks = self._registry.get_sample_value("prometheus_tsdb_head_chunks") or 0
        return await succeed(request, cardinality_object(view, storage, chunk_count=int(chunks)))

    async def blocks(self, request: web.Request) -> web.Response:
        storage = (await self._backend.status()).storage
        found = [
            {
                "ulid": text(block.id),
                "minTime": block.start_ms,
                "maxTime": block.end_ms,
                "stats": {"numSamples": block.samples, "numSeries": block.series},
                "compaction": {"level": block.level, "sources": [text(block.id)]},
                "version": 1,
            }
            for block in sorted(storage.blocks, key=lambda one: one.start_ms)
        ]
        return await succeed(request, {"blocks": found})

    async def wal_replay(self, request: web.Request) -> web.Response:
        """Replay is over before this server listens, so there is nothing left to count."""
        return await succeed(request, {"min": 0, "max": 0, "current": 0})

    async def self_metrics(self, request: web.Request) -> web.Response:
        """The metrics of this process, as the JSON of their protobuf messages."""
        pattern = from_url(request).get("metric_name_pattern")
        try:
            wanted = compile_regex(pattern) if pattern else None
        except ValueError as problem:
            raise BadParameter(f"invalid metric_name_pattern: {problem}") from problem

        def build() -> Json:
            found = own_families(self._registry)
            return [family_tree(one) for one in found if wanted is None or wanted(one.name)]

        return await succeed_built(request, build)


def _limit(given: str) -> int:
    """Raises BadParameter."""
    try:
        limit = parse_integer(given) if given else _CARDINALITY_LIMIT
    except ValueError:
        limit = 0
    if limit < 1:
        raise BadParameter("limit must be a positive number")
    if limit > _CARDINALITY_LIMIT_MAX:
        raise BadParameter(f"limit must not exceed {_CARDINALITY_LIMIT_MAX}")
    return limit
