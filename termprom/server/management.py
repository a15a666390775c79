"""Health, readiness, reload, quit, the process's own metrics, and the page at the root."""

from __future__ import annotations

import asyncio
import hmac
import html

from aiohttp import web
from prometheus_client import Counter, Gauge
from prometheus_client.exposition import choose_encoder

from termprom import __version__
from termprom.backend.wire_views import OWNER_HEADER
from termprom.errors import ConfigError
from termprom.server.answer import reply
from termprom.server.context import Context

_LIFECYCLE_OFF = "Lifecycle API is not enabled."
_PAGES = (
    ("metrics", "its own metrics"),
    ("federate", "federation"),
    ("api/v1/query?query=up", "the Prometheus HTTP API"),
    ("api/v1/targets", "targets"),
    ("api/v1/rules", "rules"),
    ("api/v1/alerts", "alerts"),
    ("api/v1/status/buildinfo", "build information"),
)


class ManagementHandlers:
    def __init__(self, context: Context) -> None:
        self._hooks = context.hooks
        self._options = context.options
        self._quitting = False
        self._scraped = Counter(
            "promhttp_metric_handler_requests",
            "Total number of scrapes by HTTP status code.",
            ["code"],
            registry=context.hooks.registry,
        ).labels("200")
        self._in_flight = Gauge(
            "promhttp_metric_handler_requests_in_flight",
            "Current number of scrapes being served.",
            registry=context.hooks.registry,
        )

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.root, allow_head=False),
            web.get("/-/healthy", self.healthy),
            web.get("/-/ready", self.ready),
            web.get("/metrics", self.metrics, allow_head=False),
            web.post("/-/reload", self.reload),
            web.put("/-/reload", self.reload),
            web.get("/-/reload", self.wrong_method, allow_head=False),
            web.post("/-/quit", self.quit),
            web.put("/-/quit", self.quit),
            web.get("/-/quit", self.wrong_method, allow_head=False),
        ]

    async def root(self, request: web.Request) -> web.Response:
        title = html.escape(self._options.page_title)
        links = "".join(f'<li><a href="{path}">{what}</a></li>' for path, what in _PAGES)
        return web.Response(
            text=f"<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title}</h1>"
            f"<p>termprom {__version__}: a monitoring system that speaks the Prometheus HTTP API. "
            "Its screen lives in a terminal: <code>termprom attach URL</code>.</p>"
            f"<ul>{links}</ul>\n",
            content_type="text/html",
        )

    async def healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="Prometheus Server is Healthy.\n")

    async def ready(self, request: web.Request) -> web.Response:
        return web.Response(text="Prometheus Server is Ready.\n")

    async def metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        with self._in_flight.track_inprogress():
            body = await asyncio.to_thread(encode, self._hooks.registry)
        self._scraped.inc()
        return await reply(request, body, content_type=content_type)

    async def reload(self, request: web.Request) -> web.Response:
        if not (self._options.enable_lifecycle or self._is_owner(request)):
            return web.Response(status=403, text=_LIFECYCLE_OFF)
        try:
            await self._hooks.reload()
        except ConfigError as problem:
            return web.Response(status=500, text=f"failed to reload config: {problem}\n")
        return web.Response()

    def _is_owner(self, request: web.Request) -> bool:
        """Whether the request knows the secret that stands in the data folder."""
        secret = self._options.owner_secret
        given = request.headers.get(OWNER_HEADER, "")
        return bool(secret) and hmac.compare_digest(
            given.encode("utf-8", "surrogateescape"), secret.encode()
        )

    async def quit(self, request: web.Request) -> web.Response:
        if not self._options.enable_lifecycle:
            return web.Response(status=403, text=_LIFECYCLE_OFF)
        if self._quitting:
            return web.Response(text="Termination already in progress.")
        self._quitting = True
        self._hooks.quit()
        return web.Response(text="Requesting termination... Goodbye!")

    async def wrong_method(self, request: web.Request) -> web.Response:
        return web.Response(
            status=405,
            text="Only POST or PUT requests allowed",
            headers={"Allow": "POST, PUT"},
        )
