"""admin/tsdb/*: delete series, clean what they left, take a snapshot. Off unless asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from termprom.backend.wire_text import text
from termprom.errors import BackendUnavailable, StorageError
from termprom.promql.syntax.parse import parse_selector
from termprom.server.answer import succeed
from termprom.server.context import Administration, Context
from termprom.server.failures import BadParameter
from termprom.server.params import parse_bool
from termprom.server.request import read_parameters

log = logging.getLogger("termprom.server")

Act = Callable[[web.Request, Administration], Awaitable[web.Response]]


class AdminHandlers:
    def __init__(self, context: Context) -> None:
        self._admin = context.admin

    def routes(self) -> list[web.RouteDef]:
        acts = {
            "delete_series": _delete_series,
            "clean_tombstones": _clean_tombstones,
            "snapshot": _snapshot,
        }
        return [
            web.route(method, f"/api/v1/admin/tsdb/{name}", self._if_on(act))
            for name, act in acts.items()
            for method in ("POST", "PUT")
        ]

    def _if_on(self, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            if self._admin is None:
                raise BackendUnavailable("admin APIs disabled")
            return await act(request, self._admin)

        return handler


async def _delete_series(request: web.Request, admin: Administration) -> web.Response:
    given = await read_parameters(request, strict=True)
    selectors = given.all("match[]")
    if not selectors:
        raise BadParameter("no match[] parameter provided")
    start_ms, end_ms = given.time_range()
    # All are read before the first is deleted: a slip of the hand must not do half of the work.
    matchers = [parse_selector(one) for one in given.selectors(named=True)]
    for selector, one in zip(selectors, matchers, strict=True):
        await asyncio.to_thread(admin.delete, one, start_ms, end_ms)
        log.info("deleted series", extra={"fields": {"match": selector}})
    return web.Response(status=204)


async def _clean_tombstones(request: web.Request, admin: Administration) -> web.Response:
    await asyncio.to_thread(admin.clean_tombstones)
    return web.Response(status=204)


async def _snapshot(request: web.Request, admin: Administration) -> web.Response:
    given = await read_parameters(request)
    wanted = given.get("skip_head")
    try:
        skip_head = parse_bool(wanted) if wanted else False
    except ValueError as problem:
        raise BadParameter(f"unable to parse boolean: {problem}", "skip_head") from problem
    try:
        name = await asyncio.to_thread(lambda: admin.snapshot(skip_head=skip_head))
    except StorageError as problem:
        raise StorageError(f"create snapshot: {problem}") from problem
    return await succeed(request, {"name": text(name)})
