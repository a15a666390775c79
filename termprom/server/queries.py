"""query, query_range, query_exemplars, format_query, parse_query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from aiohttp import web

from termprom import limits
from termprom.backend.lookup import selectors_in
from termprom.backend.wire_exemplars import exemplars_list
from termprom.backend.wire_result import cells, cut, encode_pieces, stats_object
from termprom.backend.wire_text import dumps, text
from termprom.errors import ParseError
from termprom.model.grid import Grid
from termprom.model.notices import Notice, NoticeLevel
from termprom.model.result import QueryResult
from termprom.promql.syntax.ast import Expr
from termprom.promql.syntax.format import pretty
from termprom.promql.syntax.parse import parse
from termprom.promql.watching import EXPLAIN, ORIGIN
from termprom.server.answer import succeed, succeed_built, succeed_pieces
from termprom.server.ast_json import expression_object
from termprom.server.context import Context
from termprom.server.failures import BadParameter, parse_failure
from termprom.server.params import parse_step, parse_time
from termprom.server.request import Parameters, read_parameters

T = TypeVar("T")

# Beyond this many cells an answer is made in a thread and leaves in pieces: a few milliseconds.
_INLINE_CELLS_MAX: Final = 5_000


class QueryHandlers:
    def __init__(self, context: Context) -> None:
        self._backend = context.backend
        self._features = context.options.features
        self._per_step = "promql-per-step-stats" in context.options.feature_names

    def routes(self) -> list[web.RouteDef]:
        found = []
        for name in ("query", "query_range", "query_exemplars", "format_query", "parse_query"):
            handler = getattr(self, name)
            path = f"/api/v1/{name}"
            found += [web.get(path, handler, allow_head=False), web.post(path, handler)]
        return found

    async def query(self, request: web.Request) -> web.StreamResponse:
        given = await _asked(request)
        limit = given.limit()
        at_ms = given.time("time", 0) if given.get("time") else None
        timeout, lookback = given.timeout_seconds(), given.lookback_ms()
        expr = given.get("query")
        try:
            result = await self._backend.query(
                expr, at_ms, timeout_seconds=timeout, lookback_ms=lookback
            )
        except ParseError as problem:
            raise BadParameter(parse_failure(problem), "query") from problem
        return await self._answer(request, given, cut(result, limit), expr)

    async def query_range(self, request: web.Request) -> web.StreamResponse:
        given = await _asked(request)
        limit = given.limit()
        grid = _grid(given)
        timeout, lookback = given.timeout_seconds(), given.lookback_ms()
        expr = given.get("query")
        try:
            result = await self._backend.query_range(
                expr, grid, timeout_seconds=timeout, lookback_ms=lookback
            )
        except ParseError as problem:
            raise BadParameter(parse_failure(problem), "query") from problem
        return await self._answer(request, given, cut(result, limit), expr)

    async def _answer(
        self, request: web.Request, given: Parameters, result: QueryResult, expr: str
    ) -> web.StreamResponse:
        notices, stats = list(result.notices), b""
        wanted = given.get("stats")
        if wanted:
            every = wanted == "all"
            per_step = every and self._per_step
            stats = dumps(stats_object(result, plan=every, per_step=per_step))
            if wanted not in ("true", "all"):
                notices.append(Notice(NoticeLevel.WARNING, _deprecated_stats(wanted)))
        pieces = encode_pieces(result, stats)
        large = cells(result) > _INLINE_CELLS_MAX
        return await succeed_pieces(request, pieces, notices, expr, large=large)

    async def query_exemplars(self, request: web.Request) -> web.Response:
        given = await read_parameters(request)
        start_ms, end_ms = given.time_range()
        if end_ms < start_ms:
            raise BadParameter("end timestamp must not be before start timestamp")
        try:
            expr = parse(given.get("query"), self._features)
        except ParseError as problem:
            raise BadParameter(parse_failure(problem)) from problem
        if not selectors_in(expr):
            return web.Response(status=204)
        found = await self._backend.exemplars(given.get("query"), start_ms, end_ms)
        return await succeed_built(request, lambda: exemplars_list(found))

    async def format_query(self, request: web.Request) -> web.Response:
        return await succeed(request, text(pretty(await self._parsed(request))))

    async def parse_query(self, request: web.Request) -> web.Response:
        return await succeed(request, expression_object(await self._parsed(request)))

    async def _parsed(self, request: web.Request) -> Expr:
        given = await read_parameters(request)
        try:
            return parse(given.get("query"), self._features)
        except ParseError as problem:
            raise BadParameter(parse_failure(problem), "query") from problem


async def _asked(request: web.Request) -> Parameters:
    """The parameters of a query; the query log will know who asked."""
    client = {"clientIP": request.remote or "", "method": request.method, "path": request.path}
    ORIGIN.set({"httpRequest": client})
    given = await read_parameters(request)
    EXPLAIN.set(given.get("stats") == "all")
    return given


def _required(given: Parameters, name: str, read: Callable[[str], T]) -> T:
    try:
        return read(given.get(name))
    except ValueError as problem:
        raise BadParameter(str(problem), name) from problem


def _grid(given: Parameters) -> Grid:
    """The steps of a range query, checked in upstream's order. Raises BadParameter."""
    start_ms = _required(given, "start", parse_time)
    end_ms = _required(given, "end", parse_time)
    if end_ms < start_ms:
        raise BadParameter("end timestamp must not be before start time", "end")
    step_ns = _required(given, "step", parse_step)
    # The engine counts in milliseconds; what is shorter would be no step at all.
    if step_ns < 1_000_000:
        raise BadParameter(
            "zero or negative query resolution step widths are not accepted. "
            "Try a positive integer",
            "step",
        )
    if (end_ms - start_ms) * 1_000_000 // step_ns > limits.QUERY_STEPS_MAX:
        raise BadParameter(
            f"exceeded maximum resolution of {limits.QUERY_STEPS_MAX:,} points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
    return Grid(start_ms, end_ms, step_ns // 1_000_000)


def _deprecated_stats(value: str) -> str:
    return (
        f'value "{value}" for parameter "stats" is deprecated and will be rejected in the next '
        'major release, use "true" or "all"'
    )
