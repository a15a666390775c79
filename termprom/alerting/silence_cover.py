"""Which alerts a set of silences covers, and what is shown of them.

What was found for one set of labels is kept until the set or the state of a silence changes:
thousands of alerts are looked at every second, and each would ask each silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from termprom.model.labels import Labels
from termprom.model.silences import Silence, SilenceState
from termprom.views import AlertView, SilenceView

Outside = Callable[[Labels], Labels]

_KEPT_MAX = 50_000  # label sets; past that the answers are found anew
_ORDER = {SilenceState.ACTIVE: 0, SilenceState.PENDING: 1, SilenceState.EXPIRED: 2}


class Cover:
    """A list of silences; another list wants another Cover.

    `outside` gives an alert's labels as they go out: those are what silences look at.
    """

    def __init__(self, silences: Iterable[Silence], outside: Outside) -> None:
        self._silences = tuple(silences)
        self._outside = outside
        self._active: tuple[Silence, ...] = ()
        self._from_ms = 0
        self._until_ms = 0  # [from, until): while nothing begins or ends
        self._found: dict[Labels, tuple[str, ...]] = {}

    def __repr__(self) -> str:
        return f"Cover({len(self._silences)} silences)"

    def of(self, labels: Labels, now_ms: int) -> tuple[str, ...]:
        """The ids of the active silences that cover an alert of these labels."""
        if not self._from_ms <= now_ms < self._until_ms or len(self._found) > _KEPT_MAX:
            self._look(now_ms)
        if not self._active:
            return ()
        found = self._found.get(labels)
        if found is None:
            whole = self._outside(labels)
            found = tuple(one.id for one in self._active if one.mutes(whole, now_ms))
            self._found[labels] = found
        return found

    def marked(self, alerts: Sequence[AlertView], now_ms: int) -> Sequence[AlertView]:
        """The alerts, each with the silences that apply to it."""
        if not self._silences:
            return alerts
        return tuple(
            replace(alert, silenced_by=found) if (found := self.of(alert.labels, now_ms)) else alert
            for alert in alerts
        )

    def view(self, alerts: Sequence[AlertView], now_ms: int) -> tuple[SilenceView, ...]:
        """All silences, with the number of these alerts that each covers.

        Active ones by their end, pending ones by their start, expired ones the last first.
        """
        hits: dict[str, int] = {}
        for alert in alerts:
            for silence_id in self.of(alert.labels, now_ms):
                hits[silence_id] = hits.get(silence_id, 0) + 1
        return tuple(
            SilenceView(
                id=one.id,
                matchers=tuple(map(str, one.matchers)),
                starts_ms=one.starts_ms,
                ends_ms=one.ends_ms,
                created_by=one.created_by,
                comment=one.comment,
                state=one.state(now_ms).value,
                alerts_now=hits.get(one.id, 0),
                updated_ms=one.updated_ms,
                annotations=one.annotations,
            )
            for one in sorted(self._silences, key=lambda one: _place(one, now_ms))
        )

    def _look(self, now_ms: int) -> None:
        self._found = {}
        active = [one for one in self._silences if one.state(now_ms) is SilenceState.ACTIVE]
        self._active = tuple(sorted(active, key=lambda one: one.id))
        # An end is inclusive. A clock that was set back starts over as well.
        edges = [edge for one in self._silences for edge in (one.starts_ms, one.ends_ms + 1)]
        self._from_ms = now_ms
        self._until_ms = min((edge for edge in edges if edge > now_ms), default=2**62)


def _place(one: Silence, now_ms: int) -> tuple[int, int, str]:
    state = one.state(now_ms)
    when = {
        SilenceState.ACTIVE: one.ends_ms,
        SilenceState.PENDING: one.starts_ms,
        SilenceState.EXPIRED: -one.ends_ms,
    }[state]
    return _ORDER[state], when, one.id
