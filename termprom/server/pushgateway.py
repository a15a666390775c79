"""The Pushgateway over HTTP: decode the request, ask the store, encode the answer.

`push_routes` are the write routes alone, for a listener whose `/metrics` is its own;
`pushgateway_routes` are everything that a Pushgateway answers, for a listener of its own.
"""

from __future__ import annotations

import asyncio
import posixpath
import zlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import cramjam
import orjson
from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry

from termprom import __version__, limits
from termprom.errors import PushError
from termprom.exposition.families import MetricFamily
from termprom.exposition.writers import writer_for
from termprom.push.grouping import GroupingKey, parse_path
from termprom.push.listing import list_groups
from termprom.push.metrics import own_families
from termprom.push.store import PushStore
from termprom.server.middleware import in_time, not_routed
from termprom.server.push_page import groups_page

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PUSH_PATHS: Final = ("/metrics/job/{rest:.+}", "/metrics/job@base64/{rest:.+}")
_GZIP_MAGIC: Final = b"\x1f\x8b"
_API_HEADERS: Final = {
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, Origin",
    "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Date",
    "Cache-Control": "no-cache, no-store, must-revalidate",
}
# A script element must not be able to end inside of JSON: as upstream's encoder escapes it.
_JSON_ESCAPES: Final = ((b"<", rb"\u003c"), (b">", rb"\u003e"), (b"&", rb"\u0026"))


def push_routes(store: PushStore) -> list[web.RouteDef]:
    """PUT, POST and DELETE below /metrics/job."""
    writes = _Writes(store)
    routes = []
    for path in _PUSH_PATHS:
        routes += [
            web.put(path, _counted(store, "push", writes.put)),
            web.post(path, _counted(store, "push", writes.post)),
            web.delete(path, _counted(store, "delete", writes.delete)),
        ]
    return routes


def pushgateway_routes(
    store: PushStore,
    *,
    registry: CollectorRegistry,
    enable_admin: bool = False,
    enable_lifecycle: bool = False,
    on_quit: Callable[[], None] | None = None,
    flags: Mapping[str, str] | None = None,
    page: str = "/metrics",
) -> list[web.RouteDef]:
    """All routes. `registry` holds the process's own metrics, which /metrics shows beside what was
    pushed, at the path `page`; `on_quit` is called once for an allowed /-/quit; `flags` are what
    the status tells.
    """
    pages = _Pages(store, registry, flags or {}, on_quit if enable_lifecycle else None)
    counted = partial(_counted, store)
    routes = [
        *push_routes(store),
        web.get("/" + page.strip("/"), pages.metrics),
        web.get("/", counted("status", pages.overview)),
        web.get("/status", counted("status", pages.overview)),
        web.get("/-/healthy", counted("healthy", pages.health)),
        web.get("/-/ready", counted("ready", pages.health)),
        web.put("/-/quit", pages.quit),
        web.post("/-/quit", pages.quit),
        web.get("/-/quit", pages.quit),
        web.get("/api/v1/status", counted("api/v1/status", pages.status)),
        web.get("/api/v1/metrics", counted("api/v1/metrics", pages.listing)),
        web.options("/api/v1/{rest:.*}", counted("api/v1/options", pages.options)),
    ]
    if enable_admin:
        routes.append(web.put("/api/v1/admin/wipe", counted("wipe", pages.wipe)))
    return routes


def pushgateway_app(
    routes: list[web.RouteDef], *, body_seconds: float = limits.READ_TIMEOUT_SECONDS
) -> web.Application:
    """An application of these routes, with upstream's answers to paths and methods it lacks."""
    app = web.Application(middlewares=[_plain_errors, in_time(body_seconds)])
    app.add_routes(routes)
    return app


@web.middleware
async def _plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    clean = _clean_path(request.rel_url.raw_path)
    if clean != request.rel_url.raw_path:
        # 307 keeps method and body, so that a sloppy URL still pushes.
        status = 301 if request.method == "GET" else 307
        return web.Response(status=status, headers={"Location": clean})
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as problem:
        return not_routed(problem)


def _clean_path(path: str) -> str:
    """Without empty and dot segments; a final slash stays."""
    clean = posixpath.normpath("/" + path.lstrip("/"))
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def _counted(store: PushStore, name: str, handler: Handler) -> Handler:
    """`handler`, counted by its answers."""

    async def counted(request: web.Request) -> web.StreamResponse:
        response = await handler(request)
        labels = (str(response.status), name, request.method.lower())
        store.metrics.requests.labels(*labels).inc()
        return response

    return counted


def _refusal(problem: PushError) -> web.Response:
    return web.Response(status=problem.status, text=f"{problem}\n")


class _Writes:
    """Requests that change groups. All pass the store's queue, in the order of their arrival."""

    def __init__(self, store: PushStore) -> None:
        self._store = store

    async def put(self, request: web.Request) -> web.Response:
        return await self._push(request, replace=True)

    async def post(self, request: web.Request) -> web.Response:
        return await self._push(request, replace=False)

    async def _push(self, request: web.Request, *, replace: bool) -> web.Response:
        metrics, method = self._store.metrics, request.method.lower()
        with metrics.push_seconds.labels(method).time():
            try:
                key = self._key(request)
                sent = await _read(request)
                metrics.push_bytes.labels(method).observe(len(sent))
                encoding = request.headers.get("Content-Encoding", "")
                content_type = request.headers.get("Content-Type", "")

                def parse() -> list[MetricFamily]:
                    return self._store.parse(decompressed(sent, encoding), content_type)

                families = await asyncio.to_thread(parse)
                write = partial(self._store.push, key, families, replace=replace)
                if not self._store.options.checked:
                    await self._store.queue.submit(write)
                    return web.Response(status=202)
                await self._store.queue.run(write)
            except PushError as problem:
                return _refusal(problem)
        return web.Response()

    def _key(self, request: web.Request) -> GroupingKey:
        """Raises PushError."""
        return parse_path(request.rel_url.raw_path, utf8_names=self._store.options.utf8_names)

    async def delete(self, request: web.Request) -> web.Response:
        try:
            key = self._key(request)
            await self._store.queue.run(partial(self._store.delete, key))
        except PushError as problem:
            return _refusal(problem)
        return web.Response(status=202)


async def _read(request: web.Request) -> bytes:
    """The body as it was sent, or as the server has already unpacked it. Raises PushError."""
    parts: list[bytes] = []
    size_bytes = 0
    try:
        async for part in request.content.iter_any():
            size_bytes += len(part)
            if size_bytes > limits.PUSH_BODY_BYTES_MAX:
                raise _too_large()
            parts.append(part)
    except (ClientPayloadError, HttpProcessingError, web.RequestPayloadError) as problem:
        raise PushError(f"cannot read the body: {problem}") from problem
    return b"".join(parts)


def _too_large() -> PushError:
    return PushError(f"the body is larger than {limits.PUSH_BODY_BYTES_MAX} bytes", 413)


def decompressed(body: bytes, encoding: str) -> bytes:
    """The body without its Content-Encoding (gzip, framed snappy; anything else is as it is).

    aiohttp may have unpacked gzip on the way, which shows in the first bytes: no text begins with
    the magic number. Raises PushError.
    """
    match encoding.strip().lower():
        case "gzip" if body.startswith(_GZIP_MAGIC):
            return _gunzipped(body)
        case "snappy":
            if len(body) > limits.PUSH_SNAPPY_BYTES_MAX:
                raise _too_large()
            try:
                plain = bytes(cramjam.snappy.decompress(body))
            except cramjam.DecompressionError as problem:
                raise PushError(f"snappy: {problem}") from problem
            if len(plain) > limits.PUSH_BODY_BYTES_MAX:
                raise _too_large()
            return plain
    return body


def _gunzipped(body: bytes) -> bytes:
    unpacked = zlib.decompressobj(wbits=31)
    try:
        plain = unpacked.decompress(body, limits.PUSH_BODY_BYTES_MAX + 1)
    except zlib.error as problem:
        raise PushError(f"gzip: {problem}") from problem
    if len(plain) > limits.PUSH_BODY_BYTES_MAX:
        raise _too_large()
    if not unpacked.eof:
        raise PushError("unexpected EOF")
    return plain


class _Pages:
    """Requests that read, and the administrator's."""

    def __init__(
        self,
        store: PushStore,
        registry: CollectorRegistry,
        flags: Mapping[str, str],
        on_quit: Callable[[], None] | None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._flags = dict(flags)
        self._on_quit = on_quit
        self._started = datetime.fromtimestamp(store.started_ms / 1000, UTC).isoformat()

    async def metrics(self, request: web.Request) -> web.Response:
        content_type, write = writer_for(request.headers.get("Accept", ""))

        def render() -> bytes:
            return write(self._store.gather(own_families(self._registry)))

        try:
            body = await asyncio.get_running_loop().run_in_executor(None, render)
        except PushError as problem:
            text = f"An error has occurred while serving metrics:\n\n{problem}\n"
            return web.Response(status=problem.status, text=text)
        response = web.Response(body=body, headers={"Content-Type": content_type})
        response.enable_compression()
        return response

    async def overview(self, request: web.Request) -> web.Response:
        """The groups as a page for people."""
        text = await asyncio.to_thread(lambda: groups_page(self._store.view()))
        return web.Response(text=text, content_type="text/html")

    async def health(self, request: web.Request) -> web.Response:
        if self._store.queue.full:
            return web.Response(status=500, text="write queue is full\n")
        return web.Response(text="OK")

    async def quit(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.Response(status=405, text="Only POST or PUT requests allowed.")
        if self._on_quit is None:
            return web.Response(status=403, text="Lifecycle API is not enabled.")
        self._on_quit()
        return web.Response(text="Requesting termination... Goodbye!")

    async def wipe(self, request: web.Request) -> web.Response:
        try:
            await self._store.queue.run(self._store.wipe)
        except PushError as problem:
            return _refusal(problem)
        return web.Response(status=202)

    async def options(self, request: web.Request) -> web.Response:
        return web.Response(headers=_API_HEADERS)

    async def status(self, request: web.Request) -> web.Response:
        build = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
        return _json(
            {
                "build_information": {**build, "version": __version__},
                "flags": self._flags,
                "start_time": self._started,
            }
        )

    async def listing(self, request: web.Request) -> web.Response:
        def render() -> web.Response:
            return _json(list_groups(self._store.groups()))

        return await asyncio.get_running_loop().run_in_executor(None, render)


def _json(data: Any) -> web.Response:
    body = orjson.dumps({"status": "success", "data": data}, option=orjson.OPT_SORT_KEYS)
    for char, escaped in _JSON_ESCAPES:
        body = body.replace(char, escaped)
    return web.Response(body=body, headers={**_API_HEADERS, "Content-Type": "application/json"})
