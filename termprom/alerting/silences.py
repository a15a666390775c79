"""The silences that this engine keeps itself, on disk."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from termprom.alerting.silence_file import read_silences, write_silences
from termprom.alerting.silence_plan import outdated, plan_expire, plan_set
from termprom.clock import Clock
from termprom.errors import UnknownSilence
from termprom.model.silences import Silence

log = logging.getLogger("termprom.alerting")


class SilenceStore:
    """Belongs to the event loop. A change is on disk before it counts."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        on_change: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Blocking: reads the file. Raises StorageError."""
        self._path = path
        self._clock = clock
        self._on_change = on_change
        now_ms = clock.now_ms()
        self._silences = {one.id: one for one in read_silences(path) if not outdated(one, now_ms)}
        # Another object after every change; expired ones stay for some days.
        self.silences: Sequence[Silence] = tuple(self._silences.values())
        self._changing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"SilenceStore({self._path}, {len(self._silences)} silences)"

    def __contains__(self, silence_id: str) -> bool:
        return silence_id in self._silences

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
        self.silences = tuple(merged.values())
