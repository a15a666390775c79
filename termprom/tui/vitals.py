"""What the status line counts, and what changed among the alerts since it was last looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from termprom.model.labels import Labels
from termprom.views import AlertState, AlertView, Health, StatusView, TargetsView

AlertKey = tuple[str, Labels]


@dataclass(frozen=True, slots=True)
class Vitals:
    """The counts of one moment. None: this server does not say, or was not asked yet."""

    up: int | None = None
    down: int | None = None
    firing: int | None = None
    pending: int | None = None
    status: StatusView | None = None
    firing_alerts: Mapping[AlertKey, AlertView] = field(default_factory=dict)
    silenced: frozenset[AlertKey] = frozenset()  # these fire too, but nobody wants to hear of it


def vitals_of(
    alerts: Sequence[AlertView] | None, targets: TargetsView | None, status: StatusView | None
) -> Vitals:
    up = down = firing = pending = None
    firing_alerts: dict[AlertKey, AlertView] = {}
    silenced: frozenset[AlertKey] = frozenset()
    if targets is not None:
        down = sum(one.health is Health.DOWN for one in targets.active)
        up = sum(one.health is Health.UP for one in targets.active)
    if alerts is not None:
        loud = [one for one in alerts if not one.silenced_by]
        firing_alerts = {
            (one.name, one.labels): one for one in loud if one.state is AlertState.FIRING
        }
        firing = len(firing_alerts)
        pending = sum(one.state is AlertState.PENDING for one in loud)
        silenced = frozenset((one.name, one.labels) for one in alerts if one.silenced_by)
    return Vitals(up, down, firing, pending, status, firing_alerts, silenced)


@dataclass(frozen=True, slots=True)
class AlertChange:
    """Alerts that began or ceased to fire between two looks."""

    fired: Sequence[AlertView] = ()
    resolved: Sequence[AlertView] = ()

    def __bool__(self) -> bool:
        return bool(self.fired or self.resolved)

    def sentence(self) -> str:
        """One line, alerts of one name together: `firing: DiskFull (3), TargetDown`."""
        parts = []
        if self.fired:
            parts.append("firing: " + _names(self.fired))
        if self.resolved:
            parts.append("resolved: " + _names(self.resolved))
        return "  ".join(parts)


def alert_change(before: Vitals, after: Vitals) -> AlertChange:
    """What to announce; nothing at the first look, where everything would be new."""
    if before.firing is None or after.firing is None:
        return AlertChange()
    old, new = before.firing_alerts, after.firing_alerts
    return AlertChange(
        tuple(alert for key, alert in new.items() if key not in old),
        # Silenced is not resolved.
        tuple(alert for key, alert in old.items() if key not in new and key not in after.silenced),
    )


def _names(alerts: Sequence[AlertView]) -> str:
    counts: dict[str, int] = {}
    for alert in alerts:
        counts[alert.name] = counts.get(alert.name, 0) + 1
    shown = [name if count == 1 else f"{name} ({count})" for name, count in counts.items()]
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return ", ".join(shown[:3]) + more
