"""search/*: names and label values that fit a search, best or first ones first, line by line.

    {"results":[{"name":"up","score":1}]}
    {"status":"success","has_more":false}

Behind the feature `search-api`, as upstream.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from termprom.backend.interface import NamesResult
from termprom.backend.wire_text import Json, dumps, text, texts
from termprom.errors import BackendUnavailable
from termprom.model.metadata import Metadata
from termprom.server.context import Context
from termprom.server.failures import BadParameter
from termprom.server.params import parse_bool, parse_integer
from termprom.server.request import Parameters, read_parameters
from termprom.server.search_score import JARO_WINKLER, SUBSEQUENCE, best_score, scorer

FEATURE: Final = "search-api"
_TERMS_MAX: Final = 32
_LIMIT: Final = 100
_HOUR_MS: Final = 3_600_000
_TYPE: Final = "application/x-ndjson; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for; without terms everything fits."""

    start_ms: int
    end_ms: int
    matchers: Sequence[str]
    terms: Sequence[str] = ()
    threshold: float = 0.0
    algorithm: str = SUBSEQUENCE
    case_sensitive: bool = True
    with_score: bool = False
    with_metadata: bool = False
    sort_by: str = ""
    descending: bool = False
    limit: int = _LIMIT
    batch: int = _LIMIT
    label: str = ""


class SearchHandlers:
    def __init__(self, context: Context) -> None:
        self._backend = context.backend
        self._on = FEATURE in context.options.feature_names
        self._limit_max = context.options.search_limit_max

    def routes(self) -> list[web.RouteDef]:
        handlers = {
            "metric_names": self.metric_names,
            "label_names": self.label_names,
            "label_values": self.label_values,
        }
        found = []
        for name, handler in handlers.items():
            path = f"/api/v1/search/{name}"
            found += [web.get(path, handler, allow_head=False), web.post(path, handler)]
        return found

    async def metric_names(self, request: web.Request) -> web.StreamResponse:
        wanted = await self._read(request, "metric_names")
        metadata = await self._backend.metadata() if wanted.with_metadata else {}
        return await self._answer(
            request,
            wanted,
            lambda: self._backend.label_values(
                "__name__", wanted.matchers, wanted.start_ms, wanted.end_ms
            ),
            metadata=metadata,
        )

    async def label_names(self, request: web.Request) -> web.StreamResponse:
        wanted = await self._read(request, "label_names")
        return await self._answer(
            request,
            wanted,
            lambda: self._backend.label_names(wanted.matchers, wanted.start_ms, wanted.end_ms),
        )

    async def label_values(self, request: web.Request) -> web.StreamResponse:
        wanted = await self._read(request, "label_values")
        return await self._answer(
            request,
            wanted,
            lambda: self._backend.label_values(
                wanted.label, wanted.matchers, wanted.start_ms, wanted.end_ms
            ),
            key="value",
        )

    async def _read(self, request: web.Request, endpoint: str) -> Search:
        """Raises BackendUnavailable, BadParameter."""
        if not self._on:
            raise BackendUnavailable("search API disabled")
        given = await read_parameters(request, strict=True)
        now_ms = (await self._backend.status()).now_ms
        return read_search(given, endpoint, now_ms, limit_max=self._limit_max)

    async def _answer(
        self,
        request: web.Request,
        wanted: Search,
        ask: Callable[[], Awaitable[NamesResult]],
        *,
        key: str = "name",
        metadata: Mapping[str, Sequence[Metadata]] | None = None,
    ) -> web.StreamResponse:
        names = await ask()
        found, has_more = select(names.names, wanted)
        response = web.StreamResponse(headers={"Content-Type": _TYPE})
        await response.prepare(request)
        warnings = sorted({notice.text for notice in names.notices})
        for line in _lines(found, wanted, key, metadata or {}, warnings):
            await response.write(line)
        ending: dict[str, Json] = {"status": "success", "has_more": has_more}
        await response.write(dumps(ending) + b"\n")
        await response.write_eof()
        return response


def select(names: Sequence[str], wanted: Search) -> tuple[list[tuple[str, float]], bool]:
    """Names with their scores, in the order that is asked for, and whether there are more."""
    found = [(name, 1.0) for name in names]
    if wanted.terms:
        score = scorer(wanted.algorithm, wanted.threshold)
        plain = (lambda text: text) if wanted.case_sensitive else str.lower
        terms = [plain(term) for term in wanted.terms]
        scored = ((name, best_score(plain(name), terms, score)) for name in names)
        found = [(name, points) for name, points in scored if points > 0]
    if wanted.sort_by == "score":
        found.sort(key=lambda one: (-one[1], one[0]))
    else:
        found.sort(key=lambda one: one[0], reverse=wanted.descending)
    return found[: wanted.limit], len(found) > wanted.limit


def _lines(
    found: Sequence[tuple[str, float]],
    wanted: Search,
    key: str,
    metadata: Mapping[str, Sequence[Metadata]],
    warnings: Sequence[str],
) -> Iterator[bytes]:
    """At least one line, though it may hold nothing; the warnings are on the first."""
    more: dict[str, Json] = {"warnings": texts(warnings)} if warnings else {}
    for first in range(0, max(len(found), 1), wanted.batch):
        results = []
        for name, points in found[first : first + wanted.batch]:
            one: dict[str, Json] = {key: text(name)}
            if wanted.with_score:
                one["score"] = points
            if told := metadata.get(name):
                fields = {"type": told[0].type, "help": told[0].help, "unit": told[0].unit}
                one.update({what: text(said) for what, said in fields.items() if said})
            results.append(one)
        yield dumps({"results": results, **more}) + b"\n"
        more = {}


# --- Parameters -------------------------------------------------------------------------------


def read_search(given: Parameters, endpoint: str, now_ms: int, *, limit_max: int) -> Search:
    """`limit_max` 0 means any limit will do. Raises BadParameter, in upstream's words."""
    start_ms, end_ms = _time(given, "start", now_ms - _HOUR_MS), _time(given, "end", now_ms)
    if end_ms < start_ms:
        raise BadParameter("end timestamp must not be before start timestamp")
    label = given.get("label")
    if endpoint == "label_values" and not label:
        raise BadParameter('missing required parameter "label"')
    matchers = given.selectors()
    terms = [term for term in given.all("search[]") if term]
    if len(terms) > _TERMS_MAX:
        raise BadParameter(f"too many search[] terms: got {len(terms)}, maximum is {_TERMS_MAX}")
    algorithm = given.get("fuzz_alg") or SUBSEQUENCE
    if algorithm not in (SUBSEQUENCE, JARO_WINKLER):
        raise BadParameter(
            f'unsupported fuzz_alg "{algorithm}": must be one of [{SUBSEQUENCE} {JARO_WINKLER}]'
        )
    sort_by, descending = _order(given, endpoint, has_terms=bool(terms))
    return Search(
        start_ms,
        end_ms,
        matchers,
        terms,
        threshold=_threshold(given) / 100,
        algorithm=algorithm,
        case_sensitive=_switch(given, "case_sensitive", default=True),
        with_score=_switch(given, "include_score"),
        with_metadata=endpoint == "metric_names" and _switch(given, "include_metadata"),
        sort_by=sort_by,
        descending=descending,
        limit=_limit(given, limit_max),
        batch=_positive(given, "batch_size"),
        label=label,
    )


def _time(given: Parameters, name: str, default: int) -> int:
    try:
        return given.time(name, default)
    except BadParameter as problem:
        raise BadParameter(problem.message) from problem


def _order(given: Parameters, endpoint: str, *, has_terms: bool) -> tuple[str, bool]:
    sort_by, sort_dir = given.get("sort_by"), given.get("sort_dir")
    if sort_by not in ("", "alpha", "score"):
        raise BadParameter(
            f'invalid sort_by "{sort_by}" for {endpoint}: must be "alpha" or "score"'
        )
    if sort_by == "score" and not has_terms:
        raise BadParameter("sort_by=score requires search[] to be set")
    if sort_dir and not sort_by:
        raise BadParameter("sort_dir is only valid when sort_by is set")
    if sort_dir and sort_by == "score":
        raise BadParameter("sort_dir is not supported for sort_by=score")
    if sort_dir not in ("", "asc", "dsc"):
        raise BadParameter(f'invalid sort_dir "{sort_dir}": must be "asc" or "dsc"')
    return sort_by, sort_dir == "dsc"


def _threshold(given: Parameters) -> int:
    try:
        found = parse_integer(given.get("fuzz_threshold") or "0")
    except ValueError:
        found = -1
    if not 0 <= found <= 100:
        raise BadParameter(f'invalid fuzz_threshold "{given.get("fuzz_threshold")}": must be 0-100')
    return found


def _switch(given: Parameters, name: str, *, default: bool = False) -> bool:
    try:
        return parse_bool(given.get(name)) if given.get(name) else default
    except ValueError as problem:
        raise BadParameter(f'invalid {name} "{given.get(name)}": must be boolean') from problem


def _positive(given: Parameters, name: str) -> int:
    try:
        found = parse_integer(given.get(name)) if given.get(name) else _LIMIT
    except ValueError:
        found = 0
    if found < 1:
        raise BadParameter(f'invalid {name} "{given.get(name)}": must be a positive integer')
    return found


def _limit(given: Parameters, limit_max: int) -> int:
    limit = _positive(given, "limit")
    if not limit_max:
        return limit
    if given.get("limit") and limit > limit_max:
        raise BadParameter(
            f"limit {limit} exceeds the configured maximum ({limit_max}, "
            "see --web.search.max-limit)"
        )
    return min(limit, limit_max)
