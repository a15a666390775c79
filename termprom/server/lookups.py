"""series, labels, label/<name>/values, metadata."""

from __future__ import annotations

from aiohttp import web

from termprom.backend.wire_metadata import metadata_object
from termprom.backend.wire_text import labels_object, text
from termprom.model.escaped_names import unescape_name
from termprom.server.answer import succeed_built, succeed_list
from termprom.server.context import Context
from termprom.server.failures import BadParameter
from termprom.server.params import parse_integer
from termprom.server.request import Parameters, from_url, read_parameters


class LookupHandlers:
    def __init__(self, context: Context) -> None:
        self._backend = context.backend

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/series", self.series, allow_head=False),
            web.post("/api/v1/series", self.series),
            web.get("/api/v1/labels", self.label_names, allow_head=False),
            web.post("/api/v1/labels", self.label_names),
            web.get("/api/v1/label/{name}/values", self.label_values, allow_head=False),
            web.get("/api/v1/metadata", self.metadata, allow_head=False),
        ]

    async def series(self, request: web.Request) -> web.StreamResponse:
        given = await read_parameters(request, strict=True)
        if not given.all("match[]"):
            raise BadParameter("no match[] parameter provided")
        start_ms, end_ms = given.time_range()
        matchers, limit = given.selectors(named=True), given.limit()
        found = await self._backend.series(matchers, start_ms, end_ms, limit=limit)
        return await succeed_list(request, found.labels, labels_object, found.notices)

    async def label_names(self, request: web.Request) -> web.StreamResponse:
        given = await read_parameters(request)
        limit = given.limit()
        start_ms, end_ms = given.time_range()
        matchers = given.selectors()
        found = await self._backend.label_names(matchers, start_ms, end_ms, limit=limit)
        return await succeed_list(request, found.names, text, found.notices)

    async def label_values(self, request: web.Request) -> web.StreamResponse:
        name = unescape_name(request.match_info["name"])
        if not name or not _is_text(name):
            raise BadParameter(f'invalid label name: "{name}"')
        given = from_url(request)
        limit = given.limit()
        start_ms, end_ms = given.time_range()
        matchers = given.selectors()
        found = await self._backend.label_values(name, matchers, start_ms, end_ms, limit=limit)
        return await succeed_list(request, found.names, text, found.notices)

    async def metadata(self, request: web.Request) -> web.Response:
        given = from_url(request)
        limit = _count(given, "limit")
        per_metric = max(_count(given, "limit_per_metric") or 0, 0)
        if limit == 0:
            # Upstream takes a limit of nothing at its word here, and only here.
            return await succeed_built(request, dict)
        found = await self._backend.metadata(
            given.get("metric"), limit=max(limit or 0, 0), limit_per_metric=per_metric
        )
        return await succeed_built(request, lambda: metadata_object(found))


def _count(given: Parameters, name: str) -> int | None:
    """A number of things; None where it was not given. Raises BadParameter."""
    if not given.get(name):
        return None
    try:
        return parse_integer(given.get(name))
    except ValueError as problem:
        raise BadParameter(f"{name} must be a number") from problem


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
