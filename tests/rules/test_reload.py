from __future__ import annotations

import asyncio
from dataclasses import replace

from termprom.config.schema import RuleGroupConfig
from termprom.model.labels import Labels
from termprom.model.values import STALE_BITS, bits_of
from termprom.views import AlertState
from tests.rules.fakes import Bench, alerting, group, recording

A = Labels.of(job="a")
KEY = "rules.yml;g"


def ended(bench: Bench, metric: str) -> bool:
    """Whether the only series of the metric has a stale marker as its newest sample."""
    ((_, samples),) = bench.series(metric).items()
    return bits_of(samples[-1][1]) == STALE_BITS


async def started(*groups: RuleGroupConfig) -> Bench:
    """A bench on which everything has been evaluated once."""
    bench = Bench()
    bench.engine.says("x", {A: 1.0})
    await bench.apply(*groups)
    await bench.clock.advance(15)
    return bench


async def test_an_unchanged_group_is_not_touched() -> None:
    one = group(recording("r", "x"))
    bench = await started(one)
    running = bench.manager._groups[KEY]
    moved = replace(one, line=7, rules=(replace(one.rules[0], line=9),))
    await bench.apply(moved)
    assert bench.manager._groups[KEY] is running
    await bench.manager.stop()


async def test_another_interval_replaces_a_group_that_has_none_of_its_own() -> None:
    bench = await started(group(recording("r", "x")), group(name="own", interval=15_000))
    running = dict(bench.manager._groups)
    await bench.apply(
        group(recording("r", "x")), group(name="own", interval=15_000), interval_ms=30_000
    )
    assert bench.manager._groups[KEY] is not running[KEY]
    assert bench.manager._groups["rules.yml;own"] is running["rules.yml;own"]
    await bench.manager.stop()


async def test_alert_state_survives_a_changed_expression() -> None:
    bench = await started(group(alerting("X", "x", hold=60_000)))
    since = bench.manager.alerts()[0].active_since_ms
    bench.engine.says("x + 0", {A: 1.0})
    await bench.apply(group(alerting("X", "x + 0", hold=60_000)))
    await bench.clock.advance(75)
    (alert,) = bench.manager.alerts()
    assert (alert.state, alert.active_since_ms) == (AlertState.FIRING, since)
    await bench.manager.stop()


async def test_alert_state_is_lost_with_another_label() -> None:
    bench = await started(group(alerting("X", "x", hold=60_000)))
    since = bench.manager.alerts()[0].active_since_ms
    labels = Labels.of(severity="page")
    await bench.apply(group(alerting("X", "x", hold=60_000, labels=labels)))
    await bench.clock.advance(15)
    (alert,) = bench.manager.alerts()
    assert alert.active_since_ms > since
    await bench.manager.stop()


async def test_a_raised_hold_sends_a_firing_alert_back() -> None:
    bench = await started(group(alerting("X", "x")))
    assert bench.manager.alerts()[0].state is AlertState.FIRING
    await bench.apply(group(alerting("X", "x", hold=3_600_000)))
    await bench.clock.advance(15)
    assert bench.manager.alerts()[0].state is AlertState.PENDING
    await bench.manager.stop()


async def test_the_series_of_a_rule_that_went_end_with_the_next_evaluation() -> None:
    bench = await started(group(recording("old", "x"), recording("stays", "x")))
    await bench.apply(group(recording("stays", "x")))
    assert not ended(bench, "old")
    await bench.clock.advance(15)
    assert ended(bench, "old")
    assert not ended(bench, "stays")
    await bench.manager.stop()


async def test_rules_of_one_name_are_matched_in_order() -> None:
    bench = Bench()
    bench.engine.says("x", {A: 1.0})
    bench.engine.says("y", {Labels.of(job="b"): 1.0})
    await bench.apply(group(alerting("X", "x", hold=60_000), alerting("X", "y", hold=60_000)))
    await bench.clock.advance(15)
    before = {alert.labels: alert.active_since_ms for alert in bench.manager.alerts()}
    await bench.apply(
        group(alerting("X", "x", hold=61_000), alerting("X", "y", hold=61_000)),
    )
    await bench.clock.advance(15)
    assert {alert.labels: alert.active_since_ms for alert in bench.manager.alerts()} == before
    await bench.manager.stop()


async def test_a_removed_group_ends_its_series_two_intervals_later() -> None:
    bench = await started(group(recording("r", "x")))
    await bench.apply()
    assert bench.manager.view() == ()
    assert bench.metric("prometheus_rule_group_rules", rule_group=KEY) is None
    await bench.clock.advance(29)
    assert not ended(bench, "r")
    await bench.clock.advance(2)
    assert ended(bench, "r")
    await bench.manager.stop()


async def test_a_renamed_group_goes_on_with_its_series() -> None:
    bench = await started(group(recording("r", "x")))
    await bench.apply(group(recording("r", "x"), name="renamed"))
    await bench.clock.advance(60)
    ((_, samples),) = bench.series("r").items()
    assert all(value == 1.0 for _, value in samples)
    assert len(samples) >= 4
    await bench.manager.stop()


async def test_a_group_that_comes_back_at_once_is_a_new_one_with_the_old_series() -> None:
    bench = await started(group(recording("r", "x"), alerting("X", "x", hold=60_000)))
    since = bench.manager.alerts()[0].active_since_ms
    await bench.apply()
    await bench.apply(group(alerting("X", "x", hold=60_000)))
    await bench.clock.advance(60)
    assert bench.manager.alerts()[0].active_since_ms > since
    assert ended(bench, "r")
    await bench.manager.stop()


async def test_stopping_while_a_removed_group_waits_writes_nothing() -> None:
    bench = await started(group(recording("r", "x")))
    await bench.apply()
    await bench.manager.stop()
    await bench.clock.advance(60)
    assert not ended(bench, "r")


async def test_a_reload_lets_the_rule_in_hand_finish_and_skips_the_rest() -> None:
    bench = Bench()
    bench.engine.says("x", {A: 1.0})
    bench.engine.delays = [5.0]
    await bench.apply(group(recording("first", "x"), recording("second", "x")))
    await bench.clock.advance(15)
    applying = bench.apply(group(recording("first", "x"), recording("second", "x"), limit=9))
    task = asyncio.create_task(applying)
    await bench.clock.advance(5)
    await task
    assert len(bench.series("first")) == 1
    assert bench.series("second") == {}
    await bench.manager.stop()


async def test_new_external_labels_reach_an_unchanged_group() -> None:
    bench = await started(group(alerting("X", "x")))
    running = bench.manager._groups[KEY]
    await bench.apply(group(alerting("X", "x")), external_labels=Labels.of(site="b"))
    assert bench.manager._groups[KEY] is running
    assert running._surroundings().external_labels == Labels.of(site="b")
    await bench.manager.stop()


async def test_a_group_that_is_replaced_before_its_task_ran_does_not_hang() -> None:
    bench = Bench()
    bench.engine.says("x", {A: 1.0})
    await bench.apply(group(recording("r", "x")))
    await bench.apply(group(recording("r", "x"), limit=5))
    await bench.apply()
    await bench.manager.stop()
