"""notifications: what the operator of this server should know, as upstream's pages show it.

The live stream is not offered: its answer is the one of a server whose subscribers are too many,
after which clients stop asking.
"""

from __future__ import annotations

from aiohttp import web

from termprom.backend.wire_numbers import format_moment
from termprom.server.answer import succeed
from termprom.server.context import Context

_RELOAD_FAILED = "Configuration reload has failed."


class NotificationHandlers:
    def __init__(self, context: Context) -> None:
        self._backend = context.backend

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/notifications", self.notifications, allow_head=False),
            web.get("/api/v1/notifications/live", self.live, allow_head=False),
        ]

    async def notifications(self, request: web.Request) -> web.Response:
        status = await self._backend.status()
        if status.config_ok:
            return await succeed(request, [])
        note = {"text": _RELOAD_FAILED, "date": format_moment(status.now_ms), "active": True}
        return await succeed(request, [note])

    async def live(self, request: web.Request) -> web.Response:
        return web.Response(status=204)
