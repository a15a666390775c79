from __future__ import annotations

import math

import pytest

from termprom.model.labels import EMPTY, Labels
from termprom.model.values import STALE_BITS, bits_of
from termprom.rules.schedule import Schedule
from termprom.views import AlertState, RuleHealth
from tests.rules.fakes import Bench, alerting, group, recording

A, B = Labels.of(job="a"), Labels.of(job="b")


def slots_ms(bench: Bench, count: int, name: str = "g", interval_ms: int = 15_000) -> list[int]:
    schedule = Schedule.of("rules.yml", name, interval_ms)
    first = schedule.slot(bench.clock.now_ms() * 1_000_000) + schedule.interval_ns
    return [(first + n * schedule.interval_ns) // 1_000_000 for n in range(count)]


def is_end(value: float) -> bool:
    return bits_of(value) == STALE_BITS


async def test_recording_at_slots_and_rules_see_what_those_before_them_wrote() -> None:
    bench = Bench()
    slots = slots_ms(bench, 2)
    bench.engine.says("up", {A: 1.0})
    bench.engine.says("job:up", lambda at: {A: float(len(bench.series("job:up")[A]))})
    await bench.apply(group(recording("job:up", "up"), recording("seen", "job:up")))
    await bench.clock.advance(30)
    assert bench.series("job:up")[A] == [(slots[0], 1.0), (slots[1], 1.0)]
    assert bench.series("seen")[A] == [(slots[0], 1.0), (slots[1], 2.0)]
    await bench.manager.stop()


async def test_a_series_that_vanishes_ends_with_a_stale_marker() -> None:
    bench = Bench()
    slots = slots_ms(bench, 3)
    bench.engine.says("up", lambda at: {A: 1.0, B: 2.0} if at == slots[0] else {A: 1.0})
    await bench.apply(group(recording("r", "up")))
    await bench.clock.advance(45)
    (first, value), (second, end) = bench.series("r")[B]
    assert (first, value, second) == (slots[0], 2.0, slots[1])
    assert is_end(end)
    assert len(bench.series("r")[A]) == 3
    await bench.manager.stop()


async def test_a_failing_rule_leaves_its_series_and_the_other_rules_alone() -> None:
    bench = Bench()
    bench.engine.says("good", {A: 1.0})
    bench.engine.says("bad", {A: 1.0})
    await bench.apply(group(recording("b", "bad"), recording("g", "good")))
    await bench.clock.advance(15)
    del bench.engine.answers["bad"]
    await bench.clock.advance(15)
    bad, good = bench.manager.view()[0].rules
    assert (bad.health, bad.last_error) == (RuleHealth.ERROR, "no answer for bad")
    assert good.health is RuleHealth.OK
    assert len(bench.series("b")[A]) == 1
    assert len(bench.series("g")[A]) == 2
    key = "rules.yml;g"
    failures = bench.metric("prometheus_rule_evaluation_failures_total", rule_group=key)
    assert failures == 1
    assert bench.metric("prometheus_rule_evaluations_total", rule_group=key) == 4
    await bench.manager.stop()


async def test_the_query_offset_moves_query_and_samples_but_not_alerts() -> None:
    bench = Bench()
    slot = slots_ms(bench, 1)[0]
    bench.engine.says("x", {A: 1.0})
    await bench.apply(
        group(recording("r", "x"), alerting("X", "x"), query_offset=5_000), query_offset_ms=60_000
    )
    await bench.clock.advance(15)
    assert bench.engine.asked[0] == ("x", slot - 5_000)
    assert bench.series("r")[A][0][0] == slot - 5_000
    assert bench.manager.alerts()[0].active_since_ms == slot
    await bench.manager.stop()


async def test_an_alert_goes_pending_firing_resolved() -> None:
    bench = Bench()
    slots = slots_ms(bench, 12)
    bench.engine.says("cpu > 1", lambda at: {A: 2.0} if at <= slots[6] else {})
    rule = alerting("HighCPU", "cpu > 1", hold=30_000, labels=Labels.of(severity="page"))
    await bench.apply(group(rule))
    # The first configuration of a process restores, so series appear from the third slot on.
    await bench.clock.advance(15)
    (alert,) = bench.manager.alerts()
    assert (alert.state, alert.name, alert.value) == (AlertState.PENDING, "HighCPU", 2.0)
    assert alert.labels == Labels.of(alertname="HighCPU", job="a", severity="page")
    await bench.clock.advance(30)
    assert bench.manager.alerts()[0].state is AlertState.FIRING
    assert bench.manager.alerts()[0].fired_ms == slots[2]
    await bench.clock.advance(75)
    assert bench.manager.alerts() == ()
    assert bench.manager.view()[0].rules[0].state is AlertState.INACTIVE
    assert [text for text in bench.told if text] == [
        "HighCPU pending",
        "HighCPU firing",
        "HighCPU resolved",
    ]
    first, last = bench.sent[0][1], bench.sent[-1][1]
    assert (first.fired_ms, first.resolved_ms) == (slots[2], 0)
    assert first.valid_until_ms == slots[2] + 240_000
    assert first.generator_url == "http://here:9090/graph?g0.expr=cpu+%3E+1&g0.tab=1"
    assert (last.fired_ms, last.resolved_ms) == (slots[2], slots[7])
    await bench.manager.stop()


async def test_synthetic_series_follow_the_state() -> None:
    bench = Bench()
    bench.engine.says("x", {})
    await bench.apply(group(recording("none", "x")))
    # A group that comes with a later configuration restores nothing and writes from the start.
    slots = slots_ms(bench, 4, name="late")
    bench.engine.says("y", lambda at: {A: 5.0} if at <= slots[2] else {})
    late = group(alerting("Y", "y", hold=30_000), name="late")
    await bench.apply(group(recording("none", "x")), late)
    await bench.clock.advance(60)
    states = bench.series("ALERTS")
    own = {"alertname": "Y", "job": "a"}
    pending = states[Labels.of(own, alertstate="pending")]
    firing = states[Labels.of(own, alertstate="firing")]
    assert [at for at, _ in pending] == slots[:3]
    assert [value for _, value in pending[:2]] == [1.0, 1.0]
    assert is_end(pending[2][1])
    assert firing[0] == (slots[2], 1.0)
    assert firing[1][0] == slots[3]
    assert is_end(firing[1][1])
    since = bench.series("ALERTS_FOR_STATE")[Labels.of(own)]
    assert since[:3] == [(at, float(slots[0] // 1000)) for at in slots[:3]]
    assert is_end(since[3][1])
    await bench.manager.stop()


async def test_too_many_alerts_are_an_error_and_all_forgotten() -> None:
    bench = Bench()
    bench.engine.says("x", {A: 1.0, B: 1.0})
    await bench.apply(group(alerting("X", "x"), limit=1))
    await bench.clock.advance(15)
    (rule,) = bench.manager.view()[0].rules
    assert rule.last_error == "exceeded limit of 1 with 2 alerts"
    assert rule.alerts == ()
    assert bench.sent == []
    await bench.manager.stop()


async def test_alerts_must_not_share_their_labels() -> None:
    bench = Bench()
    bench.engine.says("x", {A: 1.0, B: 1.0})
    await bench.apply(group(alerting("X", "x", labels=Labels([("job", "")]))))
    await bench.clock.advance(15)
    assert bench.manager.view()[0].rules[0].last_error == (
        "vector contains metrics with the same labelset after applying alert labels"
    )
    await bench.manager.stop()


async def test_a_slow_group_misses_iterations_and_never_catches_up() -> None:
    bench = Bench()
    slots = slots_ms(bench, 5)

    bench.engine.says("x", {A: 1.0})
    bench.engine.delays = [40.0]
    await bench.apply(group(recording("r", "x")))
    await bench.clock.advance(75)
    # Slot 0 ran until slot 2 had passed: slot 1 is missed, slot 2 runs late.
    assert [at for at, _ in bench.series("r")[A]] == [slots[0], slots[2], slots[3], slots[4]]
    assert bench.manager.view()[0].missed_iterations == 1
    key = "rules.yml;g"
    missed = bench.metric("prometheus_rule_group_iterations_missed_total", rule_group=key)
    assert missed == 1
    assert bench.metric("prometheus_rule_group_iterations_total", rule_group=key) == 5
    await bench.manager.stop()


async def test_samples_that_the_store_refuses_show_in_the_rules_health() -> None:
    bench = Bench()
    bench.storage.add(Labels.of(__name__="r", job="a"), [bench.clock.now_ms() + 10**9], [1.0])
    bench.engine.says("x", {A: 1.0})
    await bench.apply(group(recording("r", "x")))
    await bench.clock.advance(15)
    (rule,) = bench.manager.view()[0].rules
    assert (rule.health, rule.last_error) == (RuleHealth.ERROR, "out of order sample")
    assert bench.metric("prometheus_rule_evaluation_failures_total", rule_group="rules.yml;g") == 0
    await bench.manager.stop()


async def test_nan_and_infinities_are_recorded_as_they_are() -> None:
    bench = Bench()
    bench.engine.says("x", {A: math.nan, B: -math.inf})
    await bench.apply(group(recording("r", "x")))
    await bench.clock.advance(15)
    assert math.isnan(bench.series("r")[A][0][1])
    assert not is_end(bench.series("r")[A][0][1])
    assert bench.series("r")[B][0][1] == -math.inf
    await bench.manager.stop()


async def test_groups_are_listed_by_file_and_name() -> None:
    bench = Bench()
    await bench.apply(group(name="b"), group(name="a"))
    assert [view.name for view in bench.manager.view()] == ["a", "b"]
    await bench.manager.stop()


async def test_firing_alerts_come_first() -> None:
    bench = Bench()
    bench.engine.says("x", {A: 1.0})
    await bench.apply(
        group(alerting("Pending", "x", hold=60_000), alerting("Zfiring", "x")),
    )
    await bench.clock.advance(15)
    assert [alert.name for alert in bench.manager.alerts()] == ["Zfiring", "Pending"]
    await bench.manager.stop()


async def test_after_stop_nothing_is_written_and_nothing_runs() -> None:
    bench = Bench()
    bench.engine.says("x", {A: 1.0})
    await bench.apply(group(recording("r", "x")))
    await bench.clock.advance(15)
    await bench.manager.stop()
    before = bench.series("r")[A]
    await bench.clock.advance(60)
    assert bench.series("r")[A] == before
    await bench.apply(group(recording("r", "x")))
    assert len(bench.engine.asked) == 1


@pytest.mark.parametrize("hold", [0, 45_000])
async def test_hours_of_flapping_keep_the_map_small(hold: int) -> None:
    """Twelve hours, on for a minute and off for four: every episode resolves, nothing piles up."""
    bench = Bench()
    period = 300_000
    bench.engine.says("x", lambda at: {A: 1.0} if at % period < 60_000 else {})
    await bench.apply(group(alerting("X", "x", hold=hold)), external_labels=EMPTY)
    for _ in range(12):
        await bench.clock.advance(3600)
        assert len(bench.manager._groups["rules.yml;g"].rules[0].alerts) <= 1
    fired = [text for text in bench.told if text == "X firing"]
    resolved = [text for text in bench.told if text == "X resolved"]
    assert abs(len(fired) - 12 * 12) <= 1
    assert abs(len(fired) - len(resolved)) <= 1
    starts = {alert.fired_ms for _, alert in bench.sent}
    assert len(starts) == len(fired)
    await bench.manager.stop()
