"""notifications: what the operator of this server should know, as upstream's pages show it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from aiohttp import web
from prometheus_client import Gauge

from termprom.backend.interface import Event, Topic
from termprom.backend.wire_numbers import format_moment
from termprom.backend.wire_text import dumps, text
from termprom.server.answer import succeed
from termprom.server.context import Context
from termprom.views import StatusView

_RELOAD_FAILED = "Configuration reload has failed."

Notes = Mapping[str, int]  # text to the Unix milliseconds since when it holds


class NotificationHandlers:
    def __init__(self, context: Context) -> None:
        self._backend = context.backend
        self._streams = 0
        self._streams_max = context.options.notification_streams_max
        self._since_ms: dict[str, int] = {}
        Gauge(
            "prometheus_api_notification_active_subscribers",
            "The current number of active notification subscribers.",
            registry=context.hooks.registry,
        ).set_function(lambda: self._streams)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/notifications", self.notifications, allow_head=False),
            web.get("/api/v1/notifications/live", self.live, allow_head=False),
        ]

    async def notifications(self, request: web.Request) -> web.Response:
        notes = self._notes(await self._backend.status())
        return await succeed(request, [_note(one, notes[one]) for one in notes])

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events until the client or the engine goes; 204 tells a client not to come
        again.
        """
        if self._streams >= self._streams_max:
            return web.Response(status=204)
        self._streams += 1
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-cache",
                "Connection": "keep-alive",
            }
        )
        try:
            events = self._backend.events()
            await response.prepare(request)
            await self._send(events, response)
        except ConnectionError:
            pass  # the client is gone
        finally:
            self._streams -= 1
        return response

    async def _send(self, events: AsyncIterator[Event], response: web.StreamResponse) -> None:
        shown: Notes = {}
        while True:
            now = self._notes(await self._backend.status())
            for one in [*now, *shown]:
                if one not in shown or one not in now:
                    since_ms = now.get(one) or shown[one]
                    line = dumps(_note(one, since_ms, active=one in now))
                    await response.write(b"data: " + line + b"\n\n")
            shown = now
            async for event in events:
                if event.topic is Topic.CONFIG:
                    break
            else:
                return

    def _notes(self, status: StatusView) -> Notes:
        """What holds now, and since when it was seen to."""
        if status.config_ok:
            self._since_ms.pop(_RELOAD_FAILED, None)
        else:
            self._since_ms.setdefault(_RELOAD_FAILED, status.now_ms)
        return dict(self._since_ms)


def _note(what: str, since_ms: int, *, active: bool = True) -> dict[str, object]:
    return {"text": text(what), "date": format_moment(since_ms), "active": active}
