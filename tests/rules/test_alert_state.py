from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.model.labels import EMPTY, Labels
from termprom.rules.alert_state import (
    RESOLVED_RETENTION_MS,
    Alert,
    Found,
    mark_sent,
    needs_sending,
    next_alert_state,
)
from termprom.views import AlertState

LABELS = Labels.of(alertname="A")
PENDING, FIRING, INACTIVE = AlertState.PENDING, AlertState.FIRING, AlertState.INACTIVE


def found(value: float = 1.0) -> Found:
    return Found(LABELS, EMPTY, value)


@dataclass
class Life:
    """One alert driven through evaluations; remembers what would have been sent."""

    hold_ms: int = 0
    keep_ms: int = 0
    interval_ms: int = 15_000
    resend_ms: int = 60_000
    alert: Alert | None = None

    def at(self, seconds: int, there: bool) -> tuple[str, int | None]:
        """(state or "gone", endsAt in seconds if it was sent)."""
        now_ms = seconds * 1000
        self.alert = next_alert_state(
            self.alert,
            found() if there else None,
            now_ms,
            hold_ms=self.hold_ms,
            keep_firing_ms=self.keep_ms,
        )
        if self.alert is None:
            return "gone", None
        ends = None
        if needs_sending(self.alert, now_ms, resend_delay_ms=self.resend_ms):
            self.alert = mark_sent(
                self.alert, now_ms, interval_ms=self.interval_ms, resend_delay_ms=self.resend_ms
            )
            over = self.alert.resolved_ms
            ends = (self.alert.valid_until_ms if over is None else over) or 0
            ends //= 1000
        return self.alert.state.value, ends


def test_the_worked_timeline() -> None:
    life = Life(hold_ms=60_000, keep_ms=30_000)
    seen = {t: life.at(t, there=t <= 135) for t in range(0, 1110, 15)}

    assert [seen[t] for t in (0, 15, 30, 45)] == [("pending", None)] * 4
    assert seen[60] == ("firing", 300)
    assert [seen[t] for t in (75, 90, 105, 120)] == [("firing", None)] * 4
    assert seen[135] == ("firing", 375)
    assert [seen[t] for t in (150, 165)] == [("firing", None)] * 2
    assert seen[180] == ("inactive", 180)
    resent = [t for t in range(195, 1095, 15) if seen[t][1] is not None]
    assert resent == list(range(255, 1081, 75))
    assert {seen[t] for t in resent} == {("inactive", 180)}
    assert seen[1095] == ("gone", None)


def test_start_stays_what_it_was_when_it_resolves() -> None:
    life = Life(hold_ms=60_000, keep_ms=30_000)
    for t in range(0, 195, 15):
        life.at(t, there=t <= 135)
    assert life.alert is not None
    assert (life.alert.fired_ms, life.alert.active_ms) == (60_000, 0)


def test_without_a_hold_it_fires_at_once() -> None:
    assert Life().at(0, there=True) == ("firing", 240)


@pytest.mark.parametrize(("hold", "fires_at"), [(1, 15), (15, 15), (16, 30), (30, 30)])
def test_it_fires_at_the_first_evaluation_that_reaches_the_hold(hold: int, fires_at: int) -> None:
    life = Life(hold_ms=hold * 1000)
    states = [life.at(t, there=True)[0] for t in (0, 15, 30)]
    assert states.index("firing") * 15 == fires_at


def test_a_pending_alert_that_vanishes_is_forgotten_and_never_sent() -> None:
    life = Life(hold_ms=60_000)
    assert life.at(0, there=True) == ("pending", None)
    assert life.at(15, there=False) == ("gone", None)


def test_flapping_starts_the_hold_over() -> None:
    life = Life(hold_ms=30_000)
    there = {0: True, 15: True, 30: False, 45: True, 60: True, 75: True}
    assert [life.at(t, is_there)[0] for t, is_there in there.items()] == [
        "pending",
        "pending",
        "gone",
        "pending",
        "pending",
        "firing",
    ]


def test_coming_back_while_resolved_is_a_new_alert() -> None:
    life = Life(hold_ms=30_000)
    for t in (0, 15, 30):
        life.at(t, there=True)
    assert life.at(45, there=False) == ("inactive", 45)
    assert life.at(60, there=True) == ("pending", None)
    assert life.alert is not None
    assert (life.alert.active_ms, life.alert.resolved_ms) == (60_000, None)
    assert life.alert.last_sent_ms is None


def test_coming_back_while_kept_firing_goes_on_as_if_nothing_had_been() -> None:
    life = Life(keep_ms=60_000)
    life.at(0, there=True)
    assert life.at(15, there=False)[0] == "firing"
    assert life.alert is not None
    assert life.alert.keep_firing_since_ms == 15_000
    life.at(30, there=True)
    assert life.alert.keep_firing_since_ms is None
    assert (life.alert.active_ms, life.alert.fired_ms) == (0, 0)


def test_value_and_annotations_stand_still_while_kept_firing() -> None:
    first = Found(LABELS, Labels.of(summary="one"), 1.0)
    alert = next_alert_state(None, first, 0, hold_ms=0, keep_firing_ms=60_000)
    alert = next_alert_state(alert, None, 15_000, hold_ms=0, keep_firing_ms=60_000)
    assert alert is not None
    assert (alert.value, alert.annotations) == (1.0, first.annotations)


def test_a_raised_hold_sends_a_firing_alert_back_to_pending() -> None:
    alert = next_alert_state(None, found(), 0, hold_ms=0, keep_firing_ms=0)
    assert alert is not None
    alert = mark_sent(alert, 0, interval_ms=15_000, resend_delay_ms=60_000)
    alert = next_alert_state(alert, found(), 15_000, hold_ms=60_000, keep_firing_ms=0)
    assert alert is not None
    assert (alert.state, alert.fired_ms, alert.last_sent_ms) == (PENDING, None, None)
    assert alert.active_ms == 0


@pytest.mark.parametrize(("past", "kept"), [(0, True), (1, False)])
def test_resolved_alerts_are_kept_for_exactly_the_retention(past: int, kept: bool) -> None:
    alert = Alert(LABELS, EMPTY, 1.0, INACTIVE, active_ms=0, fired_ms=0, resolved_ms=10_000)
    now_ms = 10_000 + RESOLVED_RETENTION_MS + past
    after = next_alert_state(alert, None, now_ms, hold_ms=0, keep_firing_ms=0)
    assert (after is not None) == kept


@pytest.mark.parametrize(("since_sent", "again"), [(60_000, False), (60_001, True)])
def test_resending_wants_strictly_more_than_the_delay(since_sent: int, again: bool) -> None:
    alert = Alert(LABELS, EMPTY, 1.0, FIRING, active_ms=0, fired_ms=0, last_sent_ms=1_000)
    assert needs_sending(alert, 1_000 + since_sent, resend_delay_ms=60_000) == again


@settings(max_examples=50)
@given(
    there=st.lists(st.booleans(), max_size=120),
    hold=st.integers(0, 90),
    keep=st.integers(0, 90),
)
def test_laws_of_a_life(there: list[bool], hold: int, keep: int) -> None:
    """Whatever comes and goes: never firing before the hold is over, never sent while pending,
    resolved only once fired, and gone in the end.
    """
    life = Life(hold_ms=hold * 1000, keep_ms=keep * 1000)
    began: int | None = None
    for number, is_there in enumerate(there):
        t = number * 15
        before = life.alert
        state, ends = life.at(t, is_there)
        if is_there and (before is None or before.state is INACTIVE):
            began = t
        if state == "firing":
            assert began is not None
            assert t - began >= hold
        if state in ("pending", "gone"):
            assert ends is None
        if state == "inactive":
            assert life.alert is not None
            assert life.alert.fired_ms is not None
    for number in range(len(there), len(there) + 90):
        state, _ = life.at(number * 15, there=False)
    assert state == "gone"
