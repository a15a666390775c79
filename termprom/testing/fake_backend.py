"""A Backend whose every answer is set by the test, or by whoever wants to look at the screen.

Pictures are plain attributes; `publish` tells the screen that one has changed. Queries answer with
`answer(expr, steps_ms)`, by default a quiet wave that depends on the expression only, so that two
runs paint the same graph. `failing` makes every call raise, as a server that went away does.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from termprom.backend.interface import Event, Feature, NamesResult, SeriesResult, Topic
from termprom.clock import Clock
from termprom.errors import BackendUnavailable, NotOffered
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata
from termprom.model.result import QueryResult, QueryStats, ResultType
from termprom.model.silences import Silence
from termprom.model.values import TimesMs, Values
from termprom.views import (
    AlertView,
    BuildView,
    CardinalityView,
    LogLine,
    MetadataView,
    PushGroupView,
    RuleGroupView,
    SilenceView,
    StatusView,
    TargetsView,
)

Answer = Callable[[str, TimesMs], tuple[Sequence[Labels], Values]]


_STATUS = StatusView(build=BuildView(version="0.0"))
_CARDINALITY = CardinalityView(series=0, label_pairs=0)


def wave(expr: str, steps_ms: TimesMs) -> tuple[Sequence[Labels], Values]:
    """One series between 0 and 1 whose phase comes from the text of the expression.

    Shapes:  steps_ms (S,) -> one label set, (1, S)
    """
    phase = zlib.crc32(expr.encode()) % 1000 / 160
    values = 0.5 + 0.4 * np.sin(steps_ms / 60_000 + phase)
    return [Labels.of(instance="fake:1")], values[np.newaxis, :]


@dataclass
class FakeBackend:
    """Implements Backend on the loop that uses it."""

    clock: Clock
    name: str = "fake"
    features: frozenset[Feature] = frozenset(Feature)
    alert_views: Sequence[AlertView] = ()
    target_views: TargetsView = field(default_factory=TargetsView)
    rule_groups: Sequence[RuleGroupView] = ()
    silence_views: Sequence[SilenceView] = ()
    silences_made: list[Silence] = field(default_factory=list)
    pushed: Sequence[PushGroupView] = ()
    status_view: StatusView = field(default=_STATUS)
    cardinality_view: CardinalityView = field(default=_CARDINALITY)
    log_lines: Sequence[LogLine] = ()
    metadata_by_metric: Mapping[str, Sequence[Metadata]] = field(default_factory=dict)
    series_labels: Sequence[Labels] = ()
    answer: Answer = wave
    failing: str = ""
    reload_error: Exception | None = None
    asked: list[str] = field(default_factory=list)  # every call, in order
    _listeners: list[asyncio.Queue[Event | None]] = field(default_factory=list)

    def offers(self, feature: Feature) -> bool:
        return feature in self.features

    def publish(self, topic: Topic, text: str = "") -> None:
        """Tell the screen that something of this topic has changed."""
        for listener in self._listeners:
            listener.put_nowait(Event(topic, self.clock.now_ms(), text))

    def _ask(self, what: str, feature: Feature | None = None) -> None:
        self.asked.append(what)
        if self.failing:
            raise BackendUnavailable(self.failing)
        if feature is not None and feature not in self.features:
            raise NotOffered(f"{self.name} has no {feature.value.replace('_', ' ')}")

    # --- Queries ------------------------------------------------------------------------------

    async def query(
        self,
        expr: str,
        at_ms: int | None = None,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        self._ask(f"query {expr}")
        at = self.clock.now_ms() if at_ms is None else at_ms
        return self._result(ResultType.VECTOR, expr, Grid.instant(at))

    async def query_range(
        self,
        expr: str,
        grid: Grid,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        self._ask(f"query_range {expr}")
        return self._result(ResultType.MATRIX, expr, grid)

    def _result(self, kind: ResultType, expr: str, grid: Grid) -> QueryResult:
        steps = grid.steps_ms()
        labels, values = self.answer(expr, steps)
        stats = QueryStats(0.007, len(labels), values.size, values.size)
        present = ~np.isnan(values)
        return QueryResult(kind, labels, steps, values, present, stats=stats)

    # --- Series and names ---------------------------------------------------------------------

    async def series(
        self, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> SeriesResult:
        self._ask(f"series {' '.join(matchers)}")
        wanted = {one.partition("{")[0] for one in matchers} - {""}
        found = [one for one in self.series_labels if not wanted or one.metric in wanted]
        return SeriesResult(found[: limit or None])

    async def label_names(
        self, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> NamesResult:
        found = (await self.series(matchers, start_ms, end_ms)).labels
        return NamesResult(sorted({name for one in found for name in one.names()})[: limit or None])

    async def label_values(
        self, name: str, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> NamesResult:
        found = (await self.series(matchers, start_ms, end_ms)).labels
        return NamesResult(sorted({one.get(name) for one in found} - {""})[: limit or None])

    async def metadata(
        self, metric: str = "", *, limit: int = 0, limit_per_metric: int = 0
    ) -> Mapping[str, Sequence[Metadata]]:
        self._ask("metadata")
        if metric:
            return {k: v for k, v in self.metadata_by_metric.items() if k == metric}
        return self.metadata_by_metric

    async def targets_metadata(
        self, match_target: str = "", metric: str = "", *, limit: int = 0
    ) -> Sequence[MetadataView]:
        self._ask("targets_metadata")
        return [
            MetadataView(target.labels, name, one)
            for target in self.target_views.active
            for name, all_of_it in self.metadata_by_metric.items()
            for one in all_of_it
            if not metric or metric == name
        ]

    # --- Pictures -----------------------------------------------------------------------------

    async def targets(self) -> TargetsView:
        self._ask("targets", Feature.TARGETS)
        return self.target_views

    async def rules(self) -> Sequence[RuleGroupView]:
        self._ask("rules", Feature.RULES)
        return self.rule_groups

    async def alerts(self) -> Sequence[AlertView]:
        self._ask("alerts")
        return self.alert_views

    async def silences(self) -> Sequence[SilenceView]:
        self._ask("silences", Feature.SILENCES)
        return self.silence_views

    async def create_silence(self, wanted: Silence) -> str:
        self._ask("create_silence", Feature.SILENCES)
        self.silences_made.append(wanted)
        return wanted.id or f"silence-{len(self.silences_made)}"

    async def expire_silence(self, silence_id: str) -> None:
        self._ask(f"expire_silence {silence_id}", Feature.SILENCES)

    async def push_groups(self) -> Sequence[PushGroupView]:
        self._ask("push_groups", Feature.PUSH_GROUPS)
        return self.pushed

    async def status(self) -> StatusView:
        self._ask("status")
        return replace(self.status_view, now_ms=self.clock.now_ms())

    async def cardinality(self, limit: int = 10) -> CardinalityView:
        self._ask("cardinality", Feature.CARDINALITY)
        return self.cardinality_view

    async def logs(self, after: int = 0) -> Sequence[LogLine]:
        self._ask("logs", Feature.LOGS)
        return [line for line in self.log_lines if line.number > after]

    async def reload(self) -> None:
        self._ask("reload", Feature.RELOAD)
        if self.reload_error is not None:
            raise self.reload_error

    async def events(self) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._listeners.append(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.remove(queue)

    async def close(self) -> None:
        self._ask("close")
        for listener in self._listeners:
            listener.put_nowait(None)
