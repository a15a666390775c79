"""An engine made of pictures and prepared answers, for whatever stands in front of one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

from termprom.backend.hub import EventHub
from termprom.backend.interface import SeriesExemplars
from termprom.backend.lookup import Selector
from termprom.clock import Clock
from termprom.errors import ParseError, QueryCanceled, TermpromError
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.result import QueryResult
from termprom.model.silences import Silence
from termprom.promql.run import CancelToken
from termprom.storage import Queryable
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage
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
from tests.backend import pictures, results


@dataclass
class PreparedEngine:
    """Answers by the text of the expression; what is not prepared is a parse error.

    `endless` runs until it is cancelled, and says so by `began` and `cancelled`.
    """

    answers: dict[str, QueryResult | TermpromError] = field(default_factory=dict)
    asked: list[tuple[str, Grid, float | None, int | None]] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def instant(
        self,
        queryable: Queryable,
        expr: str,
        at_ms: int,
        *,
        cancel: CancelToken | None = None,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        return self._answer(expr, Grid.instant(at_ms), cancel, timeout_seconds, lookback_ms)

    def range(
        self,
        queryable: Queryable,
        expr: str,
        grid: Grid,
        *,
        cancel: CancelToken | None = None,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        return self._answer(expr, grid, cancel, timeout_seconds, lookback_ms)

    def _answer(
        self,
        expr: str,
        grid: Grid,
        cancel: CancelToken | None,
        timeout_seconds: float | None,
        lookback_ms: int | None,
    ) -> QueryResult:
        self.asked.append((expr, grid, timeout_seconds, lookback_ms))
        if expr == "endless":
            assert cancel is not None
            self.began.set()
            while not cancel.cancelled:
                threading.Event().wait(0.002)
            self.cancelled.set()
            raise QueryCanceled("query was canceled in expression evaluation")
        if not expr:
            raise ParseError("no expression found in input", 0, 0, 1, 1)
        found = self.answers.get(expr)
        if found is None:
            raise ParseError("unexpected <end of input>", 0, 1, 1, 1)
        if isinstance(found, TermpromError):
            raise found
        return found


def samples() -> MemoryStorage:
    storage = MemoryStorage()
    for job in ("api", "web"):
        for instance in ("a:1", "b:1"):
            labels = Labels.of(__name__="up", job=job, instance=instance)
            storage.add(labels, [pictures.NOW_MS - 60_000, pictures.NOW_MS], [1.0, 0.0])
    storage.add(Labels.of({"__name__": "odd", "http.status": "<5>"}), [pictures.NOW_MS], [1.0])
    return storage


@dataclass
class PreparedSources:
    """Implements Sources."""

    clock: Clock = field(default_factory=lambda: ManualClock(pictures.NOW_MS))
    query_engine: PreparedEngine = field(default_factory=PreparedEngine)
    queryable: Queryable = field(default_factory=samples)
    executor: Executor = field(default_factory=lambda: ThreadPoolExecutor(4))
    name: str = "prepared"
    reload_error: TermpromError | None = None
    reloads: int = 0
    silenced: Sequence[SilenceView] = pictures.SILENCES
    silence_error: TermpromError | None = None
    silences_made: list[Silence] = field(default_factory=list)
    silences_ended: list[str] = field(default_factory=list)
    push_groups_deleted: list[Labels] = field(default_factory=list)
    exemplars_asked: list[tuple[Sequence[Selector], int, int]] = field(default_factory=list)
    status_view: StatusView = pictures.STATUS
    hub: EventHub = field(init=False)

    def __post_init__(self) -> None:
        self.hub = EventHub(self.clock)
        up = Labels.of(__name__="up", job="<api>")
        self.query_engine.answers.update(
            {
                "up": results.vector({up: 1.0, Labels.of(__name__="up", job="web"): 0.1}),
                "rate": results.matrix({up: [1.0, None, 2.5, float("inf"), 1e-7]}),
                "up[5m]": results.raw({up: ([1001, 2000], [1.0, 2.0])}),
                "1": results.scalar(1.0),
                '"a<b"': results.string("a<b"),
                "nothing": results.vector({}),
            }
        )

    def targets(self) -> TargetsView:
        return pictures.TARGETS

    def targets_metadata(self) -> Sequence[MetadataView]:
        return pictures.METADATA

    def rule_groups(self) -> Sequence[RuleGroupView]:
        return pictures.RULES

    def alerts(self) -> Sequence[AlertView]:
        return (pictures.ALERT,)

    def silences(self) -> Sequence[SilenceView]:
        return self.silenced

    async def create_silence(self, wanted: Silence) -> str:
        if self.silence_error is not None:
            raise self.silence_error
        self.silences_made.append(wanted)
        return wanted.id or "6c0e0000-0000-4000-8000-000000000001"

    async def expire_silence(self, silence_id: str) -> None:
        if self.silence_error is not None:
            raise self.silence_error
        self.silences_ended.append(silence_id)

    def push_groups(self) -> Sequence[PushGroupView]:
        return pictures.PUSH_GROUPS

    async def delete_push_group(self, labels: Labels) -> None:
        self.push_groups_deleted.append(labels)

    def exemplars(
        self, selectors: Sequence[Selector], start_ms: int, end_ms: int
    ) -> Sequence[SeriesExemplars]:
        self.exemplars_asked.append((selectors, start_ms, end_ms))
        return pictures.EXEMPLARS

    def status(self) -> StatusView:
        return self.status_view

    def logs(self, after: int) -> Sequence[LogLine]:
        return [line for line in pictures.LOGS if line.number > after]

    def cardinality(self, limit: int) -> CardinalityView:
        return pictures.CARDINALITY

    async def reload(self) -> None:
        self.reloads += 1
        if self.reload_error is not None:
            raise self.reload_error
