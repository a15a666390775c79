from __future__ import annotations

import pytest

from termprom.model.labels import EMPTY, Labels
from termprom.model.values import STALE
from termprom.rules.alert_state import Alert
from termprom.rules.restoring import last_states, restored_active_ms, restored_alerts
from termprom.testing.memory_storage import MemoryStorage
from termprom.views import AlertState
from tests.alerting.fakes import until
from tests.rules.fakes import START_MS, Bench, alerting, group

MINUTE = 60_000
A = Labels.of(job="a")


@pytest.mark.parametrize(
    ("down", "now", "active"),
    [
        (5, 15, 10),  # remaining 20m: the ten minutes of downtime do not count
        (20, 25, 10),  # remaining 5m, less than the grace period: fires at 35m
        (25, 30, 0),  # it had been firing
        (40, 50, 0),
        (15, 16, 1),  # remaining is exactly the grace period
    ],
)
def test_the_clock_that_is_given_back(down: int, now: int, active: int) -> None:
    restored = restored_active_ms(
        down * MINUTE, 0, now * MINUTE, hold_ms=25 * MINUTE, grace_ms=10 * MINUTE
    )
    assert restored == active * MINUTE


def test_the_newest_sample_of_each_series_counts_and_an_ended_one_says_nothing() -> None:
    storage = MemoryStorage()
    name = {"__name__": "ALERTS_FOR_STATE", "alertname": "X"}
    storage.add(Labels.of(name, job="a"), [1_000, 2_000], [1.0, 1.0])
    storage.add(Labels.of(name, job="b"), [1_000], [1.0])
    storage.samples[Labels.of(name, job="b")][2_000] = STALE[0]
    storage.add(Labels.of(name, job="c"), [10], [1.0])  # before the window
    storage.add(Labels.of(name, alertname="Y"), [1_500], [1.0])
    own = Labels.of(alertname="X")
    assert last_states(storage, "X", EMPTY, 500, 3_000) == {
        own.merge({"job": "a"}): (2_000, 1.0),
        own.merge({"job": "b"}): None,
    }
    assert last_states(storage, "X", Labels.of(severity="page"), 500, 3_000) == {}
    templated = Labels.of(severity="{{ $value }}")
    assert len(last_states(storage, "X", templated, 500, 3_000)) == 2


def test_alerts_without_a_record_stay_as_they_are() -> None:
    labels = Labels.of(alertname="X", job="a")
    alert = Alert(labels, EMPTY, 1.0, AlertState.PENDING, active_ms=5)
    assert restored_alerts({labels: alert}, {labels: None}, 9, hold_ms=MINUTE) == {labels: alert}
    assert restored_alerts({labels: alert}, {}, 9, hold_ms=MINUTE) == {labels: alert}


async def lives_through_a_restart(hold_minutes: int, up_minutes: int, down_minutes: int) -> float:
    """Minutes after the first activation at which the alert fires; the process stops in between."""
    first = Bench()
    first.engine.says("x", {A: 1.0})
    rule = group(alerting("X", "x", hold=hold_minutes * MINUTE))
    await first.apply(rule)
    await first.clock.advance(up_minutes * 60)
    since = first.manager.alerts()[0].active_since_ms
    await first.manager.stop()

    second = Bench(first.storage, first.clock.now_ms() + down_minutes * MINUTE)
    second.engine.says("x", {A: 1.0})
    await second.apply(rule)
    for _ in range(4 * (hold_minutes + 20)):
        await second.clock.advance(15)
        # Restoring reads the store in a thread: let it come back before time goes on.
        await settle(second)
        if second.manager.alerts()[0].state is AlertState.FIRING:
            fired = second.manager.alerts()[0].fired_ms
            await second.manager.stop()
            return (fired - since) / MINUTE
    raise AssertionError("never fired")


async def settle(bench: Bench) -> None:
    await until(lambda: all(group._waiting for group in bench.manager._groups.values()))


@pytest.mark.parametrize(
    ("hold", "up", "down", "fires"),
    [
        (25, 5, 10, 35),  # downtime does not count
        (25, 20, 5, 35),  # the grace period after the restart
        (15, 20, 5, 26),  # was firing: fires again as soon as it is restored
        (25, 5, 70, 101),  # longer than the tolerance: starts afresh
        (5, 3, 2, 10.5),  # a hold below the grace period is not restored
    ],
)
async def test_restarts(hold: int, up: int, down: int, fires: float) -> None:
    assert await lives_through_a_restart(hold, up, down) == pytest.approx(fires, abs=1.0)


async def test_no_series_until_restored_and_at_most_one_restoration() -> None:
    bench = Bench(now_ms=START_MS)
    bench.engine.says("x", {A: 1.0})
    await bench.apply(group(alerting("X", "x", hold=15 * MINUTE)))
    await bench.clock.advance(30)
    await settle(bench)
    assert bench.series("ALERTS") == {}
    await bench.clock.advance(15)
    assert len(bench.series("ALERTS")) == 1
    await bench.manager.stop()
