"""The Backend of the engine in this process.

Views come straight from the parts; queries and label look-ups run in worker threads, on snapshots.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextvars import copy_context
from functools import partial
from typing import Protocol, TypeVar

from termprom import limits
from termprom.backend.hub import EventHub
from termprom.backend.interface import (
    Event,
    Feature,
    NamesResult,
    SeriesExemplars,
    SeriesResult,
)
from termprom.backend.lookup import (
    Selector,
    label_names,
    label_values,
    parse_selectors,
    selectors_in,
    series,
)
from termprom.backend.target_metadata import by_metric, for_targets
from termprom.clock import Clock
from termprom.errors import QueryTimeout
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata
from termprom.model.result import QueryResult
from termprom.model.silences import Silence
from termprom.promql.run import CancelToken
from termprom.promql.syntax.parse import Features, parse
from termprom.storage import Queryable
from termprom.views import (
    AlertView,
    CardinalityView,
    LogLine,
    MetadataView,
    PushGroupView,
    RuleGroupView,
    SilenceView,
    StatusView,
    TargetsView,
)

T = TypeVar("T")


class QueryEngine(Protocol):
    """Evaluates PromQL in the calling thread; `termprom.promql.engine.Engine` is one."""

    def instant(
        self,
        queryable: Queryable,
        expr: str,
        at_ms: int,
        *,
        cancel: CancelToken | None = None,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult: ...

    def range(
        self,
        queryable: Queryable,
        expr: str,
        grid: Grid,
        *,
        cancel: CancelToken | None = None,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult: ...


class Sources(Protocol):
    """What the process provides. Methods that are not async are quick and called on the loop.

    The properties are read anew for each call: a reload may put new objects in their place.
    """

    @property
    def name(self) -> str: ...
    @property
    def query_engine(self) -> QueryEngine: ...
    @property
    def queryable(self) -> Queryable: ...
    @property
    def executor(self) -> Executor: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def hub(self) -> EventHub: ...

    def targets(self) -> TargetsView: ...
    def targets_metadata(self) -> Sequence[MetadataView]: ...
    def rule_groups(self) -> Sequence[RuleGroupView]: ...
    def alerts(self) -> Sequence[AlertView]: ...
    def silences(self) -> Sequence[SilenceView]: ...
    def push_groups(self) -> Sequence[PushGroupView]: ...
    def status(self) -> StatusView: ...
    def logs(self, after: int) -> Sequence[LogLine]: ...

    def cardinality(self, limit: int) -> CardinalityView:
        """Called in a worker thread: it looks at every series."""
        ...

    def exemplars(
        self, selectors: Sequence[Selector], start_ms: int, end_ms: int
    ) -> Sequence[SeriesExemplars]:
        """Called in a worker thread."""
        ...

    async def delete_push_group(self, labels: Labels) -> None:
        """Raises PushError."""
        ...

    async def create_silence(self, wanted: Silence) -> str:
        """Raises BadSilence, UnknownSilence, StorageError."""
        ...

    async def expire_silence(self, silence_id: str) -> None:
        """Raises UnknownSilence, StorageError."""
        ...

    async def reload(self) -> None:
        """Raises ConfigError."""
        ...


class LocalBackend:
    """Implements Backend on the loop that owns `sources`.

    At most `concurrency_max` queries run at once; others wait in line, and their wait counts
    against their timeout. No query gets more time than `timeout_seconds_max`.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        concurrency_max: int = limits.QUERY_CONCURRENCY_MAX,
        timeout_seconds_max: float = limits.QUERY_TIMEOUT_SECONDS,
        features: Features = Features(),  # noqa: B008  a frozen value
    ) -> None:
        self._sources = sources
        self._slots = asyncio.Semaphore(concurrency_max)
        self._timeout_seconds_max = timeout_seconds_max
        self._features = features

    def __repr__(self) -> str:
        return f"LocalBackend({self.name})"

    @property
    def name(self) -> str:
        return self._sources.name

    def offers(self, feature: Feature) -> bool:
        return True

    # --- Queries ------------------------------------------------------------------------------

    async def query(
        self,
        expr: str,
        at_ms: int | None = None,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        at = self._sources.clock.now_ms() if at_ms is None else at_ms

        def ask(cancel: CancelToken, seconds: float) -> QueryResult:
            sources = self._sources
            return sources.query_engine.instant(
                sources.queryable,
                expr,
                at,
                cancel=cancel,
                timeout_seconds=seconds,
                lookback_ms=lookback_ms,
            )

        return await self._evaluate(ask, timeout_seconds)

    async def query_range(
        self,
        expr: str,
        grid: Grid,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        def ask(cancel: CancelToken, seconds: float) -> QueryResult:
            sources = self._sources
            return sources.query_engine.range(
                sources.queryable,
                expr,
                grid,
                cancel=cancel,
                timeout_seconds=seconds,
                lookback_ms=lookback_ms,
            )

        return await self._evaluate(ask, timeout_seconds)

    async def _evaluate(
        self, ask: Callable[[CancelToken, float], QueryResult], timeout_seconds: float | None
    ) -> QueryResult:
        clock = self._sources.clock
        seconds = self._timeout_seconds_max
        if timeout_seconds is not None:
            seconds = min(seconds, timeout_seconds)
        began = clock.monotonic()
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise QueryTimeout("query timed out in query queue") from None
        cancel = CancelToken()
        try:
            left = seconds - (clock.monotonic() - began)
            return await self._in_thread(partial(ask, cancel, max(left, 0.0)))
        except asyncio.CancelledError:
            cancel.cancel()
            raise
        finally:
            self._slots.release()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        # In a copy of the context, which knows who asks.
        return await loop.run_in_executor(self._sources.executor, copy_context().run, call)

    # --- Series and labels --------------------------------------------------------------------

    async def series(
        self, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> SeriesResult:
        selectors = parse_selectors(matchers)
        queryable = self._sources.queryable
        return await self._in_thread(partial(series, queryable, selectors, start_ms, end_ms, limit))

    async def label_names(
        self, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> NamesResult:
        selectors = parse_selectors(matchers)
        queryable = self._sources.queryable
        return await self._in_thread(
            partial(label_names, queryable, selectors, start_ms, end_ms, limit)
        )

    async def label_values(
        self, name: str, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> NamesResult:
        selectors = parse_selectors(matchers)
        queryable = self._sources.queryable
        return await self._in_thread(
            partial(label_values, queryable, name, selectors, start_ms, end_ms, limit)
        )

    async def exemplars(self, expr: str, start_ms: int, end_ms: int) -> Sequence[SeriesExemplars]:
        selectors = selectors_in(parse(expr, self._features))
        if not selectors:
            return []
        return await self._in_thread(partial(self._sources.exemplars, selectors, start_ms, end_ms))

    # --- Metadata -----------------------------------------------------------------------------

    async def metadata(
        self, metric: str = "", *, limit: int = 0, limit_per_metric: int = 0
    ) -> Mapping[str, Sequence[Metadata]]:
        views = self._sources.targets_metadata()
        return by_metric(views, metric, limit=limit, limit_per_metric=limit_per_metric)

    async def targets_metadata(
        self, match_target: str = "", metric: str = "", *, limit: int = 0
    ) -> Sequence[MetadataView]:
        selectors = parse_selectors([match_target] if match_target else [])
        views = self._sources.targets_metadata()
        return for_targets(views, selectors[0] if selectors else (), metric, limit=limit)

    # --- Pictures -----------------------------------------------------------------------------

    async def targets(self) -> TargetsView:
        return self._sources.targets()

    async def rules(self) -> Sequence[RuleGroupView]:
        return self._sources.rule_groups()

    async def alerts(self) -> Sequence[AlertView]:
        return self._sources.alerts()

    async def silences(self) -> Sequence[SilenceView]:
        return self._sources.silences()

    async def create_silence(self, wanted: Silence) -> str:
        return await self._sources.create_silence(wanted)

    async def expire_silence(self, silence_id: str) -> None:
        await self._sources.expire_silence(silence_id)

    async def push_groups(self) -> Sequence[PushGroupView]:
        return self._sources.push_groups()

    async def delete_push_group(self, labels: Labels) -> None:
        await self._sources.delete_push_group(labels)

    async def status(self) -> StatusView:
        return self._sources.status()

    async def cardinality(self, limit: int = 10) -> CardinalityView:
        return await self._in_thread(partial(self._sources.cardinality, limit))

    async def logs(self, after: int = 0) -> Sequence[LogLine]:
        return self._sources.logs(after)

    async def reload(self) -> None:
        await self._sources.reload()

    def events(self) -> AsyncIterator[Event]:
        return self._sources.hub.subscribe()

    async def close(self) -> None:
        """Nothing to give back: the engine is stopped by whoever started it."""
