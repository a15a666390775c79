"""What a rule needs around it: an engine that answers from a table, and ears for what it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from prometheus_client import CollectorRegistry

from termprom.config.schema import RuleConfig, RuleGroupConfig
from termprom.errors import EvaluationError
from termprom.model.labels import EMPTY, Labels
from termprom.model.result import QueryResult, ResultType
from termprom.rules.manager import RuleManager
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage
from termprom.views import AlertView

Answer = Mapping[Labels, float]

START_MS = 1_700_000_000_000


def vector(answer: Answer, at_ms: int = 0) -> QueryResult:
    """An instant vector of one float per label set."""
    values = np.array([[value] for value in answer.values()], dtype=np.float64).reshape(-1, 1)
    return QueryResult(
        ResultType.VECTOR,
        list(answer),
        np.array([at_ms], dtype=np.int64),
        values,
        np.ones(values.shape, dtype=np.bool_),
    )


def scalar(value: float) -> QueryResult:
    return QueryResult(
        ResultType.SCALAR,
        [EMPTY],
        np.zeros(1, dtype=np.int64),
        np.array([[value]]),
        np.ones((1, 1), dtype=np.bool_),
    )


class Engine:
    """Answers expressions from functions of time; remembers what it was asked."""

    def __init__(self, clock: ManualClock) -> None:
        self.answers: dict[str, Callable[[int], Answer]] = {}
        self.asked: list[tuple[str, int]] = []
        self.delays: list[float] = []  # seconds that the next queries take
        self._clock = clock

    def says(self, expr: str, answer: Answer | Callable[[int], Answer]) -> None:
        self.answers[expr] = answer if callable(answer) else (lambda _: answer)

    async def query(self, expr: str, at_ms: int) -> QueryResult:
        self.asked.append((expr, at_ms))
        if self.delays:
            await self._clock.sleep(self.delays.pop(0))
        if expr not in self.answers:
            raise EvaluationError(f"no answer for {expr}")
        return vector(self.answers[expr](at_ms), at_ms)


class Bench:
    """A RuleManager with everything around it under control."""

    def __init__(self, storage: MemoryStorage | None = None, now_ms: int = START_MS) -> None:
        self.clock = ManualClock(now_ms)
        self.storage = storage or MemoryStorage()
        self.engine = Engine(self.clock)
        self.registry = CollectorRegistry()
        self.sent: list[tuple[int, AlertView]] = []
        self.told: list[str] = []
        self.manager = RuleManager(
            self.storage,
            self.engine.query,
            clock=self.clock,
            registry=self.registry,
            notify=self._notify,
            on_change=self.told.append,
            external_url="http://here:9090/",
        )

    def _notify(self, alerts: Sequence[AlertView]) -> None:
        self.sent += [(self.clock.now_ms(), alert) for alert in alerts]

    async def apply(self, *groups: RuleGroupConfig, **changes: object) -> None:
        settings: dict[str, object] = {"interval_ms": 15_000, "external_labels": EMPTY, **changes}
        await self.manager.apply(groups, **settings)  # type: ignore[arg-type]

    def series(self, metric: str) -> dict[Labels, list[tuple[int, float]]]:
        """The samples of a metric by labels without its name, in order of time."""
        return {
            labels.without_metric(): sorted(samples.items())
            for labels, samples in self.storage.samples.items()
            if labels.metric == metric
        }

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


def group(*rules: RuleConfig, name: str = "g", **fields: object) -> RuleGroupConfig:
    return RuleGroupConfig(name=name, file="rules.yml", rules=rules, **fields)  # type: ignore[arg-type]


def recording(record: str, expr: str, **labels: str) -> RuleConfig:
    return RuleConfig(expr=expr, record=record, labels=Labels(sorted(labels.items())))


def alerting(alert: str, expr: str, **fields: object) -> RuleConfig:
    return RuleConfig(expr=expr, alert=alert, **fields)  # type: ignore[arg-type]
