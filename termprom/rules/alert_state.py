"""The life of an alert as a pure function.

    absent -> pending -> firing -> inactive -> (15 minutes later) absent
                 '--------------------------------> absent, when its element vanishes

An alert is one label set of one alerting rule. `next_alert_state` takes what is known of it and
what the evaluation at `now_ms` found, and gives what is known afterwards.
Source: Prometheus docs, "Alerting rules"; the alert generator compliance specification.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from termprom.model.labels import Labels
from termprom.views import AlertState

RESOLVED_RETENTION_MS: Final = 15 * 60_000  # resolved alerts are kept, and sent again, this long


@dataclass(frozen=True, slots=True)
class Found:
    """One element of the result: the alert's final labels, its annotations and its value."""

    labels: Labels
    annotations: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Alert:
    """What is known of one alert. Times are Unix milliseconds; None has not happened.

    `state` is inactive for an alert that is over: pending and firing are the active states.
    """

    labels: Labels
    annotations: Labels
    value: float
    state: AlertState
    active_ms: int
    fired_ms: int | None = None
    resolved_ms: int | None = None
    keep_firing_since_ms: int | None = None
    last_sent_ms: int | None = None
    valid_until_ms: int | None = None

    @property
    def active(self) -> bool:
        return self.state is not AlertState.INACTIVE


def next_alert_state(
    alert: Alert | None,
    found: Found | None,
    now_ms: int,
    *,
    hold_ms: int,
    keep_firing_ms: int,
) -> Alert | None:
    """The alert after the evaluation at `now_ms`; None when there is nothing left to know.

    hold_ms         how long an element must be there before it fires (`for`)
    keep_firing_ms  how long it goes on firing without its element (`keep_firing_for`)
    """
    if found is not None:
        return _hold(_seen(alert, found, now_ms), now_ms, hold_ms)
    if alert is None:
        return None
    alert, kept = _keep_firing(alert, now_ms, keep_firing_ms)
    if alert.state is AlertState.PENDING:
        return None
    if alert.resolved_ms is not None and now_ms - alert.resolved_ms > RESOLVED_RETENTION_MS:
        return None
    if kept:
        return _hold(alert, now_ms, hold_ms)
    if alert.active:
        return replace(alert, state=AlertState.INACTIVE, resolved_ms=now_ms)
    return alert


def _seen(alert: Alert | None, found: Found, now_ms: int) -> Alert:
    """An element is there: an active alert is refreshed, anything else begins anew."""
    if alert is None or not alert.active:
        return Alert(
            found.labels, found.annotations, found.value, AlertState.PENDING, active_ms=now_ms
        )
    return replace(
        alert, annotations=found.annotations, value=found.value, keep_firing_since_ms=None
    )


def _keep_firing(alert: Alert, now_ms: int, keep_firing_ms: int) -> tuple[Alert, bool]:
    """The alert with its keep-firing clock started, and whether that clock still runs."""
    if alert.state is not AlertState.FIRING or keep_firing_ms <= 0:
        return alert, False
    since = now_ms if alert.keep_firing_since_ms is None else alert.keep_firing_since_ms
    return replace(alert, keep_firing_since_ms=since), now_ms - since < keep_firing_ms


def _hold(alert: Alert, now_ms: int, hold_ms: int) -> Alert:
    """Pending long enough fires; firing with a hold that was raised since goes back."""
    waited = now_ms - alert.active_ms
    if alert.state is AlertState.PENDING and waited >= hold_ms:
        return replace(alert, state=AlertState.FIRING, fired_ms=now_ms)
    if alert.state is AlertState.FIRING and waited < hold_ms:
        return replace(
            alert,
            state=AlertState.PENDING,
            fired_ms=None,
            last_sent_ms=None,
            keep_firing_since_ms=None,
        )
    return alert


def needs_sending(alert: Alert, now_ms: int, *, resend_delay_ms: int) -> bool:
    """Whether the notifier should hear of this alert now."""
    if alert.state is AlertState.PENDING:
        return False
    if alert.last_sent_ms is None:
        return True
    if alert.resolved_ms is not None and alert.resolved_ms > alert.last_sent_ms:
        return True
    return alert.last_sent_ms + resend_delay_ms < now_ms


def mark_sent(alert: Alert, now_ms: int, *, interval_ms: int, resend_delay_ms: int) -> Alert:
    """The alert as sent at `now_ms`; four missed sendings make the receiver give it up."""
    valid = now_ms + 4 * max(interval_ms, resend_delay_ms)
    return replace(alert, last_sent_ms=now_ms, valid_until_ms=valid)
