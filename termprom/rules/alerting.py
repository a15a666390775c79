"""What an alerting rule makes of the result of its expression: alerts, and series about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from termprom.errors import EvaluationError
from termprom.model.labels import METRIC_NAME, Labels
from termprom.rules.alert_state import Alert, Found, next_alert_state
from termprom.rules.recording import Samples
from termprom.views import AlertState

ALERT_NAME: Final = "alertname"
ALERT_STATE: Final = "alertstate"
ALERTS: Final = "ALERTS"
ALERTS_FOR_STATE: Final = "ALERTS_FOR_STATE"

Alerts = Mapping[Labels, Alert]


def by_identity(found: Iterable[Found]) -> dict[Labels, Found]:
    """Elements by the alert that they belong to. Raises EvaluationError when two share one."""
    unique: dict[Labels, Found] = {}
    for one in found:
        if one.labels in unique:
            raise EvaluationError(
                "vector contains metrics with the same labelset after applying alert labels"
            )
        unique[one.labels] = one
    return unique


def advance_alerts(
    alerts: Alerts,
    found: Mapping[Labels, Found],
    now_ms: int,
    *,
    hold_ms: int,
    keep_firing_ms: int,
) -> dict[Labels, Alert]:
    """All alerts of one rule after an evaluation; older ones first."""
    after: dict[Labels, Alert] = {}
    for identity in dict.fromkeys((*alerts, *found)):
        following = next_alert_state(
            alerts.get(identity),
            found.get(identity),
            now_ms,
            hold_ms=hold_ms,
            keep_firing_ms=keep_firing_ms,
        )
        if following is not None:
            after[identity] = following
    return after


def exceeds_limit(alerts: Alerts, limit: int) -> str:
    """Why there are too many active alerts; empty when there are not. 0 or less: any number."""
    active = sum(alert.active for alert in alerts.values())
    return f"exceeded limit of {limit} with {active} alerts" if 0 < limit < active else ""


def alert_samples(name: str, alerts: Iterable[Alert]) -> Samples:
    """The two synthetic series of every active alert."""
    samples: Samples = {}
    for alert in alerts:
        if alert.active:
            own = {METRIC_NAME: ALERTS, ALERT_NAME: name, ALERT_STATE: alert.state.value}
            samples[alert.labels.merge(own)] = 1.0
            since = {METRIC_NAME: ALERTS_FOR_STATE, ALERT_NAME: name}
            samples[alert.labels.merge(since)] = float(alert.active_ms // 1000)
    return samples


def rule_state(alerts: Alerts) -> AlertState:
    """The highest state among the alerts."""
    states = {alert.state for alert in alerts.values()}
    for state in (AlertState.FIRING, AlertState.PENDING):
        if state in states:
            return state
    return AlertState.INACTIVE


def state_changes(before: Alerts, after: Alerts) -> dict[str, int]:
    """How many alerts came into each state, under the words that people use for it."""
    changes: dict[str, int] = {}
    for identity, alert in after.items():
        old = before.get(identity)
        if old is None or old.state is not alert.state:
            word = alert.state.value if alert.active else "resolved"
            changes[word] = changes.get(word, 0) + 1
    return changes
