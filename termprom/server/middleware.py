"""What happens around every handler: measuring, errors, readiness, cross-origin headers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from termprom.backend.wire import failure
from termprom.backend.wire_views import EXTRA_PREFIX
from termprom.errors import TermpromError
from termprom.model.matchers import compile_regex
from termprom.server.answer import JSON, refuse
from termprom.server.http_metrics import HttpMetrics

log = logging.getLogger("termprom.server")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

API: Final = "/api/v1/"
_UNGATED: Final = tuple(
    API + path for path in ("status/walreplay", "notifications", "notifications/live")
)
_GATED: Final = ("/federate", "/-/ready")
_CORS_HEADERS: Final = {
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, Origin",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Expose-Headers": "Date",
}


def measured(metrics: HttpMetrics) -> Middleware:
    """Counts every request under its route's pattern."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        response = await handler(request)
        resource = request.match_info.route.resource
        # An event stream lasts as long as its client; its length says nothing about the server.
        if resource is not None and not request.path.endswith(EXTRA_PREFIX + "events"):
            pattern = resource.canonical.replace("{", ":").replace("}", "")
            seconds = time.perf_counter() - began
            metrics.observe(pattern, response.status, seconds, _size(response))
        return response

    return middleware


def _size(response: web.StreamResponse) -> int:
    if isinstance(response, web.Response) and isinstance(response.body, bytes):
        return len(response.body)
    return response.body_length if response.prepared else 0


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every exception into an answer; ours, aiohttp's, and those that nobody expected."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as problem:
        return not_routed(problem)
    except web.HTTPException as problem:
        if problem.status < 400:
            raise
        return web.Response(status=problem.status, text=f"{problem.reason}\n")
    except TermpromError as problem:
        return await refuse(request, problem)
    except ConnectionError:
        # The client went away in the middle of an answer; there is nobody left to tell.
        raise
    except Exception:
        log.exception("a request failed", extra={"fields": {"path": request.path}})
        body = failure("internal", "internal error, see the log")
        return web.Response(status=500, body=body, headers={"Content-Type": JSON})


def not_routed(problem: web.HTTPNotFound | web.HTTPMethodNotAllowed) -> web.Response:
    """Upstream's words for a path or a method that leads nowhere."""
    allowed = problem.allowed_methods if isinstance(problem, web.HTTPMethodNotAllowed) else set()
    if not allowed or allowed == {"OPTIONS"}:  # which all of the API answers, there or not
        return web.Response(status=404, text="404 page not found\n")
    headers = {"Allow": ", ".join(sorted(allowed))}
    return web.Response(status=405, text="Method Not Allowed\n", headers=headers)


def in_time(seconds: float) -> Middleware:
    """Cuts off whoever takes longer than this to send a body."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.can_read_body:
            return await handler(request)
        timer = asyncio.get_running_loop().call_later(seconds, _cut_off, request)
        try:
            return await handler(request)
        finally:
            timer.cancel()

    return middleware


def _cut_off(request: web.Request) -> None:
    """The handler may well take longer than that, but only with the whole body in hand."""
    if request.transport is not None and not request.content.is_eof():
        log.debug("no body in time", extra={"fields": {"path": request.path}})
        request.transport.abort()


def gated(ready: Callable[[], bool], prefix: str) -> Middleware:
    """Nothing that needs the store is answered before it is open, or once it closes."""
    was_ready = False

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal was_ready
        path = request.path.removeprefix(prefix)
        needs_store = path in _GATED or (path.startswith(API) and path not in _UNGATED)
        if ready():
            was_ready = True
        elif needs_store and request.method != "OPTIONS":
            stopping = "true" if was_ready else "false"
            return web.Response(
                status=503,
                text="Service Unavailable",
                headers={"X-Prometheus-Stopping": stopping},
            )
        return await handler(request)

    return middleware


def cors_signal(
    origin_pattern: str, prefix: str
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Adds the cross-origin headers to API answers. Raises ValueError for a bad pattern."""
    allows = compile_regex(origin_pattern)

    async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
        if not request.path.removeprefix(prefix).startswith(API):
            return
        headers: Any = response.headers
        headers.add("Vary", "Origin")
        origin = request.headers.get("Origin", "")
        if not origin:
            return
        if origin_pattern == ".*":
            headers["Access-Control-Allow-Origin"] = "*"
        elif allows(origin):
            headers["Access-Control-Allow-Origin"] = origin
        headers.update(_CORS_HEADERS)

    return on_prepare
