"""Which changes of alerts are told, and when: pure.

A change is told once. The first is told at once; what follows within the quiet time is told
together when it is over, so a storm of alerts rings every quarter of a minute and not with each of
them. Silenced alerts are not told: one that ends while it is silenced ends unheard, and one whose
silence ends while it fires is news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from termprom.model.labels import Labels
from termprom.views import AlertState, AlertView

AlertKey = tuple[str, Labels]

QUIET_SECONDS: Final = 15.0
# An engine that was restarted needs some evaluations before its alerts are there again.
RESTART_SECONDS: Final = 120.0
_NAMES_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class AlertChange:
    """Alerts that began or ceased to fire."""

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


def _names(alerts: Sequence[AlertView]) -> str:
    counts: dict[str, int] = {}
    for alert in alerts:
        counts[alert.name] = counts.get(alert.name, 0) + 1
    shown = [name if count == 1 else f"{name} ({count})" for name, count in counts.items()]
    more = f" and {len(shown) - _NAMES_MAX} more" if len(shown) > _NAMES_MAX else ""
    return ", ".join(shown[:_NAMES_MAX]) + more


class Announcer:
    """What has been told of the alerts of one server; ask it with every look at them."""

    def __init__(self) -> None:
        self._known: dict[AlertKey, AlertView] | None = None  # that fire, as far as was told
        self._started_ms = 0
        self._fired: dict[AlertKey, AlertView] = {}  # to be told
        self._resolved: dict[AlertKey, AlertView] = {}
        self._quiet_until = 0.0
        self._patient_until = 0.0

    def __repr__(self) -> str:
        return f"Announcer({len(self._known or ())} firing, {len(self._fired)} to be told)"

    def look(
        self, alerts: Sequence[AlertView] | None, now: float, *, started_ms: int = 0
    ) -> AlertChange:
        """What to tell at `now`, in seconds of a steady clock; nothing at the first look, where
        everything would be new. `alerts` None: nobody knows. `started_ms`: since when the server
        runs.
        """
        if alerts is None:
            return AlertChange()
        firing = {(one.name, one.labels): one for one in alerts if one.state is AlertState.FIRING}
        loud = {key: one for key, one in firing.items() if not one.silenced_by}
        if self._known is None:
            self._known, self._started_ms = loud, started_ms
            return AlertChange()
        if started_ms != self._started_ms:
            self._started_ms, self._patient_until = started_ms, now + RESTART_SECONDS
        self._notice(self._known, loud, firing, patient=now < self._patient_until)
        if now < self._quiet_until or not (self._fired or self._resolved):
            return AlertChange()
        self._quiet_until = now + QUIET_SECONDS
        change = AlertChange(tuple(self._fired.values()), tuple(self._resolved.values()))
        self._fired, self._resolved = {}, {}
        return change

    def _notice(
        self,
        known: dict[AlertKey, AlertView],
        loud: Mapping[AlertKey, AlertView],
        firing: Mapping[AlertKey, AlertView],
        *,
        patient: bool,
    ) -> None:
        """Bring what is known up to date, and note what is to be told of it."""
        for key, one in loud.items():
            if key not in known:
                self._fired[key] = one
        known.update(loud)
        for key in [key for key in known if key not in firing]:
            if not patient:
                gone = known.pop(key)
                if not gone.silenced_by:
                    self._resolved[key] = gone
        # What is silenced now is remembered so, for its end.
        known.update((key, one) for key, one in firing.items() if key in known)
