"""Thousands of alerts at once: worked on beside the loop, with the same outcome as a few."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry

from termprom.model.labels import EMPTY, Labels
from termprom.rules.evaluation import RuleEvaluator
from termprom.rules.manager import RuleManager
from termprom.rules.recording import Samples
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage
from termprom.views import AlertView, RuleHealth
from tests.alerting.fakes import until
from tests.rules.fakes import Engine, alerting, group, recording


class Storm:
    """A manager with threads; `alerts` elements are found by `x`."""

    def __init__(self, alerts: int) -> None:
        self.clock = ManualClock()
        self.engine = Engine(self.clock)
        found = {Labels.of(__name__="m", host=str(n)): float(n) for n in range(alerts)}
        self.engine.says("x", found)
        self.storage = MemoryStorage()
        self.sent: list[AlertView] = []
        self.told: list[str] = []
        self.pool = ThreadPoolExecutor(1)
        self.manager = RuleManager(
            self.storage,
            self.engine.query,
            clock=self.clock,
            registry=CollectorRegistry(),
            notify=self.sent.extend,
            on_change=self.told.append,
            executor=self.pool,
        )

    async def rounds(self, count: int, limit: int = 0) -> None:
        await self.manager.apply([], interval_ms=15_000, external_labels=EMPTY)
        rules = (
            alerting("X", "x", annotations=Labels.of(s="{{ $labels.host }}: {{ $value }}")),
            recording("r", "x"),
        )
        one = group(*rules, limit=limit)
        await self.manager.apply([one], interval_ms=15_000, external_labels=EMPTY)
        for _ in range(count):
            await self.clock.advance(15)
            await until(lambda: all(one._waiting for one in self.manager._groups.values()))


async def test_a_storm_is_worked_on_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: dict[int, set[int]] = {10: set(), 3_000: set()}
    moved = RuleEvaluator._moved

    def noticed(self: RuleEvaluator, rule: object, result: object, moment: object) -> object:
        threads[len(result.labels)].add(threading.get_ident())  # type: ignore[attr-defined]
        return moved(self, rule, result, moment)  # type: ignore[arg-type]

    monkeypatch.setattr(RuleEvaluator, "_moved", noticed)
    for count in threads:
        storm = Storm(count)
        await storm.rounds(2)
        alerts = storm.manager.alerts()
        assert len(alerts) == len(storm.sent) == count
        last = max(alerts, key=lambda one: one.value)
        assert last.annotations == Labels.of(s=f"{count - 1}: {count - 1}")
        assert [text for text in storm.told if text] == [f"X firing ({count})"]
        written: dict[str, Samples] = {}
        for labels, samples in storm.storage.samples.items():
            assert len(samples) == 2
            written.setdefault(labels.metric, {})[labels] = 1.0
        assert {name: len(one) for name, one in written.items()} == {
            "ALERTS": count,
            "ALERTS_FOR_STATE": count,
            "r": count,
        }
        await storm.manager.stop()
        storm.pool.shutdown()
    here = threading.get_ident()
    assert threads[10] == {here}
    assert here not in threads[3_000]


async def test_too_many_are_forgotten_and_said() -> None:
    storm = Storm(100)
    await storm.rounds(1, limit=99)
    alert, recorded = storm.manager.view()[0].rules
    assert (alert.health, alert.last_error) == (
        RuleHealth.ERROR,
        "exceeded limit of 99 with 100 alerts",
    )
    assert recorded.last_error == "exceeded limit of 99 with 100 series"
    assert storm.manager.alerts() == ()
    assert storm.sent == []
    await storm.manager.stop()
    storm.pool.shutdown()
