"""The silences of this engine: kept on disk, asked for each alert that is shown or sent."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from termprom.alerting.silence_file import read_silences, write_silences
from termprom.alerting.silence_plan import outdated, plan_expire, plan_set
from termprom.clock import Clock
from termprom.errors import UnknownSilence
from termprom.model.labels import EMPTY, Labels
from termprom.model.silences import Silence, SilenceState
from termprom.views import AlertState, AlertView, SilenceView

log = logging.getLogger("termprom.alerting")

_ORDER = {SilenceState.ACTIVE: 0, SilenceState.PENDING: 1, SilenceState.EXPIRED: 2}


class SilenceStore:
    """Belongs to the event loop. A change is on disk before it counts.

    `external` gives the labels that every alert carries outside; an alert's own go first.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        external: Callable[[], Labels] = lambda: EMPTY,
        on_change: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Blocking: reads the file. Raises StorageError."""
        self._path = path
        self._clock = clock
        self._external = external
        self._on_change = on_change
        now_ms = clock.now_ms()
        self._silences = {one.id: one for one in read_silences(path) if not outdated(one, now_ms)}
        self._changing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"SilenceStore({self._path}, {len(self._silences)} silences)"

    async def set(self, wanted: Silence) -> str:
        """Make or change a silence; its id. Raises BadSilence, UnknownSilence, StorageError."""
        async with self._changing:
            plan = plan_set(self._silences, wanted, self._clock.now_ms(), str(uuid.uuid4()))
            await self._keep(plan.changed)
        log.info("silence set", extra={"fields": {"id": plan.id, "by": wanted.created_by}})
        self._on_change("silence set: " + ", ".join(map(str, wanted.matchers)))
        return plan.id

    async def expire(self, silence_id: str) -> None:
        """End a silence; nothing where it has ended. Raises UnknownSilence, StorageError."""
        async with self._changing:
            known = self._silences.get(silence_id)
            if known is None:
                raise UnknownSilence(silence_id)
            ended = plan_expire(known, self._clock.now_ms())
            if ended is None:
                return
            await self._keep((ended,))
        log.info("silence expired", extra={"fields": {"id": silence_id}})
        self._on_change("silence expired: " + ", ".join(map(str, known.matchers)))

    async def _keep(self, changed: Sequence[Silence]) -> None:
        now_ms = self._clock.now_ms()
        merged = {**self._silences, **{one.id: one for one in changed}}
        merged = {key: one for key, one in merged.items() if not outdated(one, now_ms)}
        # Not to be cancelled half way: what is on disk and what is in force would differ.
        await asyncio.shield(self._write(merged))

    async def _write(self, merged: dict[str, Silence]) -> None:
        await asyncio.to_thread(write_silences, self._path, merged.values())
        self._silences = merged

    def silenced_by(self, labels: Labels) -> tuple[str, ...]:
        """The ids of the active silences that pass these labels of an alert."""
        if not self._silences:
            return ()
        now_ms = self._clock.now_ms()
        whole = Labels.of({**dict(self._external()), **dict(labels)})
        return tuple(sorted(one.id for one in self._silences.values() if one.mutes(whole, now_ms)))

    def marked(self, alerts: Sequence[AlertView]) -> Sequence[AlertView]:
        """The alerts, each with the silences that apply to it."""
        if not self._silences:
            return alerts
        return tuple(
            replace(alert, silenced_by=found)
            if (found := self.silenced_by(alert.labels))
            else alert
            for alert in alerts
        )

    def loud(self, alerts: Sequence[AlertView]) -> Sequence[AlertView]:
        """What is to be sent: all but silenced ones that fire. The end of an alert is always
        told, since it may have been sent before it was silenced.
        """
        return [
            alert
            for alert in alerts
            if alert.resolved_ms
            or alert.state is not AlertState.FIRING
            or not self.silenced_by(alert.labels)
        ]

    def view(self, alerts: Sequence[AlertView]) -> Sequence[SilenceView]:
        """Active ones by their end, pending ones by their start, expired ones the last first."""
        now_ms = self._clock.now_ms()
        hits: dict[str, int] = {}
        for alert in self.marked(alerts):
            for silence_id in alert.silenced_by:
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
            for one in sorted(self._silences.values(), key=lambda one: _place(one, now_ms))
        )


def _place(one: Silence, now_ms: int) -> tuple[int, int, str]:
    state = one.state(now_ms)
    when = {
        SilenceState.ACTIVE: one.ends_ms,
        SilenceState.PENDING: one.starts_ms,
        SilenceState.EXPIRED: -one.ends_ms,
    }[state]
    return _ORDER[state], when, one.id
