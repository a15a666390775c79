"""/federate: the newest sample of each selected series, as text for another server to scrape.

The instant query says which series are alive, the range query when their newest sample was taken;
both look back as far as an instant selector does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from aiohttp import web
from prometheus_client import Counter

from termprom.errors import ParseError, TermpromError
from termprom.exposition.names import is_legacy_metric_name, label_text, metric_text
from termprom.exposition.numbers import format_number
from termprom.model.durations import format_duration
from termprom.model.labels import METRIC_NAME, Labels, quote
from termprom.model.result import QueryResult
from termprom.promql.syntax.parse import parse_selector
from termprom.server.answer import reply
from termprom.server.context import Context
from termprom.server.failures import parse_failure
from termprom.server.request import from_url

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8; escaping="

Newest = dict[Labels, tuple[int, float]]


class FederationHandlers:
    def __init__(self, context: Context) -> None:
        self._backend = context.backend
        self._options = context.options
        self._errors = Counter(
            "prometheus_web_federation_errors",
            "Total number of errors that occurred while sending federation responses.",
            registry=context.hooks.registry,
        )

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/federate", self.federate, allow_head=False)]

    async def federate(self, request: web.Request) -> web.Response:
        selectors = from_url(request).all("match[]")
        try:
            for selector in selectors:
                parse_selector(selector)
        except ParseError as problem:
            return web.Response(status=400, text=parse_failure(problem) + "\n")
        try:
            newest = await self._newest(selectors)
        except TermpromError as problem:
            self._errors.inc()
            return web.Response(status=500, text=f"{problem}\n")
        external = self._options.external_labels()
        body = await asyncio.to_thread(write_federation, newest, external)
        return await reply(request, body, content_type=_CONTENT_TYPE + "underscores")

    async def _newest(self, selectors: Sequence[str]) -> Newest:
        at_ms = (await self._backend.status()).now_ms
        window = format_duration(self._options.lookback_ms)
        found: Newest = {}
        for selector in selectors:
            alive = await self._backend.query(selector, at_ms)
            samples = await self._backend.query(f"{selector}[{window}]", at_ms)
            found.update(newest_samples(alive, samples))
        return found


def newest_samples(alive: QueryResult, samples: QueryResult) -> Newest:
    """Time and value of the newest sample of each series that an instant query still sees."""
    living = set(alive.labels)
    return {
        one.labels: (int(one.times_ms[-1]), float(one.values[-1]))
        for one in samples.raw or ()
        if one.labels in living and one.times_ms.size
    }


def write_federation(newest: Newest, external: Labels) -> bytes:
    """Text 0.0.4, untyped, by metric name; a series without a name is left out."""
    lines: list[str] = []
    family = ""
    for labels in sorted(newest, key=lambda labels: (labels.metric, labels)):
        name = labels.metric
        if not name:
            continue
        if name != family:
            family = name
            lines.append(f"# TYPE {metric_text(name)} untyped")
        time_ms, value = newest[labels]
        lines.append(f"{_series(name, labels, external)} {format_number(value)} {time_ms}")
    return "".join(line + "\n" for line in lines).encode("utf-8", "replace")


def _series(name: str, labels: Labels, external: Labels) -> str:
    """Name, own labels, then external ones; an empty instance where neither has one.

    The empty instance keeps the scraping server from putting its own in that place.
    """
    pairs = list(labels.without_metric())
    known = {label for label, _ in labels}
    pairs += [pair for pair in external if pair[0] not in known]
    if not any(label == "instance" for label, _ in pairs):
        pairs.append(("instance", ""))
    inside = [] if is_legacy_metric_name(name) else [quote(name)]
    inside += _texts(pairs)
    return (name if is_legacy_metric_name(name) else "") + "{" + ",".join(inside) + "}"


def _texts(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{label_text(label)}={quote(value)}" for label, value in pairs if label != METRIC_NAME]
