"""What one termprom tells another, below /api/v1/x: views without loss, and the event stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from termprom import limits
from termprom.backend.interface import Event
from termprom.backend.wire_views import EXTRA_PREFIX, event_line, view_object
from termprom.server.answer import succeed_built
from termprom.server.context import Context
from termprom.server.failures import BadParameter
from termprom.server.params import parse_integer
from termprom.server.request import from_url

# An empty comment this often keeps the link known to be alive on both ends.
_SILENCE_SECONDS_MAX = 15.0


class DetailHandlers:
    def __init__(self, context: Context) -> None:
        self._backend = context.backend
        self._streams = 0

    def routes(self) -> list[web.RouteDef]:
        backend = self._backend
        views: dict[str, Callable[[], Awaitable[object]]] = {
            "status": backend.status,
            "targets": backend.targets,
            "rules": backend.rules,
            "alerts": backend.alerts,
            "silences": backend.silences,
            "push_groups": backend.push_groups,
        }
        found = [
            web.get(EXTRA_PREFIX + path, _view_handler(ask), allow_head=False)
            for path, ask in views.items()
        ]
        return [
            *found,
            web.get(EXTRA_PREFIX + "logs", self.logs, allow_head=False),
            web.get(EXTRA_PREFIX + "events", self.events, allow_head=False),
        ]

    async def logs(self, request: web.Request) -> web.Response:
        given = from_url(request).get("after")
        try:
            after = parse_integer(given) if given else 0
        except ValueError as problem:
            raise BadParameter(str(problem), "after") from problem
        lines = await self._backend.logs(after)
        return await succeed_built(request, lambda: view_object(lines))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events until the client or the engine goes."""
        if self._streams >= limits.EVENT_STREAMS_MAX:
            return web.Response(status=204)
        self._streams += 1
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        try:
            events = self._backend.events()
            await response.prepare(request)
            await response.write(b": linked\n\n")
            await _send(events, response)
        finally:
            self._streams -= 1
        return response


async def _send(events: AsyncIterator[Event], response: web.StreamResponse) -> None:
    ended = object()
    waiting = asyncio.ensure_future(anext(events, ended))
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=_SILENCE_SECONDS_MAX)
            if not done:
                await response.write(b":\n\n")
                continue
            event = waiting.result()
            if not isinstance(event, Event):
                return
            waiting = asyncio.ensure_future(anext(events, ended))
            await response.write(event_line(event))
    except ConnectionError:
        return
    finally:
        waiting.cancel()


def _view_handler(
    ask: Callable[[], Awaitable[object]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        view = await ask()
        return await succeed_built(request, lambda: view_object(view))

    return handler
