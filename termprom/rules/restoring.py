"""Giving alerts their `for` clock back after a restart, from what ALERTS_FOR_STATE recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.values import is_absent, is_stale
from termprom.rules.alert_state import Alert
from termprom.rules.alerting import ALERT_NAME, ALERTS_FOR_STATE
from termprom.storage import Queryable

GRACE_PERIOD_MS: Final = 600_000  # as long as nobody asks for another


@dataclass(frozen=True, slots=True)
class Restoring:
    """How much of the past counts: `--rules.alert.for-outage-tolerance` and `for-grace-period`."""

    outage_tolerance_ms: int = 3_600_000
    grace_period_ms: int = GRACE_PERIOD_MS


USUAL: Final = Restoring()


def restored_active_ms(
    down_ms: int, active_ms: int, now_ms: int, *, hold_ms: int, grace_ms: int
) -> int:
    """When an alert counts as active since, after nobody watched from `down_ms` to `now_ms`.

    It had been firing: it fires again at once. It would fire within the grace period: it waits the
    whole of it. Otherwise the time in which nobody watched does not count.
    """
    remaining = hold_ms - (down_ms - active_ms)
    if remaining <= 0:
        return active_ms
    if remaining < grace_ms:
        return now_ms + grace_ms - hold_ms
    return active_ms + now_ms - down_ms


def last_states(
    storage: Queryable, name: str, rule_labels: Labels, start_ms: int, end_ms: int
) -> dict[Labels, tuple[int, float] | None]:
    """(time, active since in seconds) of the newest sample of each series in [start, end].

    Keys are the alerts' own labels with `alertname`; None where the series has ended. Runs in a
    worker thread. Raises StorageError.
    """
    matchers = [
        Matcher(METRIC_NAME, MatchOp.EQUAL, ALERTS_FOR_STATE),
        Matcher(ALERT_NAME, MatchOp.EQUAL, name),
    ]
    matchers += [
        Matcher(label, MatchOp.EQUAL, value) for label, value in rule_labels if "{{" not in value
    ]
    found: dict[Labels, tuple[int, float] | None] = {}
    querier = storage.querier(start_ms, end_ms)
    try:
        selection = querier.select(matchers)
        for frame in selection.frames():
            for row, series in enumerate(frame.series.tolist()):
                labels = selection.labels[series].without_metric()
                cells = frame.values[row]
                present = ~is_absent(cells)
                if present.any():
                    last = int(present.nonzero()[0][-1])
                    ended = bool(is_stale(cells[last : last + 1])[0])
                    time_ms = int(frame.times_ms[last])
                    found[labels] = None if ended else (time_ms, float(cells[last]))
    finally:
        querier.close()
    return found


def restored_alerts(
    alerts: Mapping[Labels, Alert],
    states: Mapping[Labels, tuple[int, float] | None],
    now_ms: int,
    *,
    hold_ms: int,
    grace_ms: int = GRACE_PERIOD_MS,
) -> dict[Labels, Alert]:
    """The alerts with their clocks as recorded; those without a record stay as they are."""
    restored: dict[Labels, Alert] = {}
    for identity, alert in alerts.items():
        state = states.get(identity)
        if state is None or not alert.active:
            restored[identity] = alert
            continue
        down_ms, active_seconds = state
        active_ms = restored_active_ms(
            down_ms, int(active_seconds * 1000), now_ms, hold_ms=hold_ms, grace_ms=grace_ms
        )
        restored[identity] = replace(alert, active_ms=active_ms)
    return restored
