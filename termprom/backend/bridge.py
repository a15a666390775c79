"""A Backend that lives on another thread's event loop, as seen from this one.

Each call becomes a task over there; cancelling it here cancels it there. Nothing here blocks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from termprom.backend.interface import (
    Backend,
    Event,
    Feature,
    NamesResult,
    SeriesExemplars,
    SeriesResult,
)
from termprom.errors import BackendUnavailable
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata
from termprom.model.result import QueryResult
from termprom.model.silences import Silence
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
Call = Callable[[], Coroutine[Any, Any, T]]


class BridgedBackend:
    """Implements Backend on any loop, by asking `inner` on `loop`.

    Raises BackendUnavailable once that loop has stopped.
    """

    def __init__(self, inner: Backend, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._loop = loop

    def __repr__(self) -> str:
        return f"BridgedBackend({self._inner!r})"

    @property
    def name(self) -> str:
        return self._inner.name

    def offers(self, feature: Feature) -> bool:
        return self._inner.offers(feature)

    async def query(
        self,
        expr: str,
        at_ms: int | None = None,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        return await self._ask(
            lambda: self._inner.query(
                expr, at_ms, timeout_seconds=timeout_seconds, lookback_ms=lookback_ms
            )
        )

    async def query_range(
        self,
        expr: str,
        grid: Grid,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        return await self._ask(
            lambda: self._inner.query_range(
                expr, grid, timeout_seconds=timeout_seconds, lookback_ms=lookback_ms
            )
        )

    async def series(
        self, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> SeriesResult:
        return await self._ask(lambda: self._inner.series(matchers, start_ms, end_ms, limit=limit))

    async def label_names(
        self, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> NamesResult:
        return await self._ask(
            lambda: self._inner.label_names(matchers, start_ms, end_ms, limit=limit)
        )

    async def label_values(
        self, name: str, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> NamesResult:
        return await self._ask(
            lambda: self._inner.label_values(name, matchers, start_ms, end_ms, limit=limit)
        )

    async def exemplars(self, expr: str, start_ms: int, end_ms: int) -> Sequence[SeriesExemplars]:
        return await self._ask(lambda: self._inner.exemplars(expr, start_ms, end_ms))

    async def metadata(
        self, metric: str = "", *, limit: int = 0, limit_per_metric: int = 0
    ) -> Mapping[str, Sequence[Metadata]]:
        return await self._ask(
            lambda: self._inner.metadata(metric, limit=limit, limit_per_metric=limit_per_metric)
        )

    async def targets_metadata(
        self, match_target: str = "", metric: str = "", *, limit: int = 0
    ) -> Sequence[MetadataView]:
        return await self._ask(
            lambda: self._inner.targets_metadata(match_target, metric, limit=limit)
        )

    async def targets(self) -> TargetsView:
        return await self._ask(self._inner.targets)

    async def rules(self) -> Sequence[RuleGroupView]:
        return await self._ask(self._inner.rules)

    async def alerts(self) -> Sequence[AlertView]:
        return await self._ask(self._inner.alerts)

    async def silences(self) -> Sequence[SilenceView]:
        return await self._ask(self._inner.silences)

    async def create_silence(self, wanted: Silence) -> str:
        return await self._ask(lambda: self._inner.create_silence(wanted))

    async def expire_silence(self, silence_id: str) -> None:
        await self._ask(lambda: self._inner.expire_silence(silence_id))

    async def push_groups(self) -> Sequence[PushGroupView]:
        return await self._ask(self._inner.push_groups)

    async def delete_push_group(self, labels: Labels) -> None:
        await self._ask(lambda: self._inner.delete_push_group(labels))

    async def status(self) -> StatusView:
        return await self._ask(self._inner.status)

    async def cardinality(self, limit: int = 10) -> CardinalityView:
        return await self._ask(lambda: self._inner.cardinality(limit))

    async def logs(self, after: int = 0) -> Sequence[LogLine]:
        return await self._ask(lambda: self._inner.logs(after))

    async def reload(self) -> None:
        await self._ask(self._inner.reload)

    def events(self) -> AsyncIterator[Event]:
        return _BridgedEvents(self)

    async def close(self) -> None:
        await self._ask(self._inner.close)

    # --- Across -------------------------------------------------------------------------------

    def subscribe(self) -> Future[AsyncIterator[Event]]:
        """Begin to listen over there now; the inner subscription bounds what waits."""

        async def subscribe() -> AsyncIterator[Event]:
            return self._inner.events()

        return self._submit(subscribe)

    async def _ask(self, call: Call[T]) -> T:
        future = self._submit(call)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody cancelled us: the other loop stopped and took its tasks along.
            raise BackendUnavailable("the engine has stopped") from None

    def _submit(self, call: Call[T]) -> Future[T]:
        coroutine = call()
        try:
            if not self._loop.is_running():
                raise RuntimeError("the loop is not running")
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError as problem:
            coroutine.close()
            raise BackendUnavailable("the engine has stopped") from problem


class _BridgedEvents:
    """Events fetched one by one from the other loop; raises BackendUnavailable once it stopped."""

    def __init__(self, bridge: BridgedBackend) -> None:
        self._bridge = bridge
        self._opening = bridge.subscribe()
        self._inner: AsyncIterator[Event] | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if self._inner is None:
            self._inner = await asyncio.wrap_future(self._opening)
        found = await self._bridge._ask(lambda: _next(self._inner))
        if found is None:
            raise StopAsyncIteration
        return found


async def _next(events: AsyncIterator[Event] | None) -> Event | None:
    # A future cannot carry StopAsyncIteration across; None stands for the end.
    assert events is not None
    return await anext(events, None)
