"""A clock that moves only when told to."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class ManualClock:
    """Time stands still; `advance` moves it and wakes the sleepers in the order of their times."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._began_ms = now_ms
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def __repr__(self) -> str:
        return f"ManualClock({self._now_ms} ms, {len(self._sleepers)} sleepers)"

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return (self._now_ms - self._began_ms) / 1000

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waker = asyncio.get_running_loop().create_future()
        due = self._now_ms + round(seconds * 1000)
        heapq.heappush(self._sleepers, (due, next(self._numbers), waker))
        await waker

    def set(self, now_ms: int) -> None:
        """Step the wall clock without waking anybody, as an administrator would."""
        self._now_ms = now_ms

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, giving woken tasks the chance to run and to sleep again."""
        until = self._now_ms + round(seconds * 1000)
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, waker = heapq.heappop(self._sleepers)
            self._now_ms = max(self._now_ms, due)
            if not waker.done():
                waker.set_result(None)
            await _settle()
        self._now_ms = until
        await _settle()


async def _settle() -> None:
    """Enough turns of the loop for a woken task to get to its next wait."""
    for _ in range(20):
        await asyncio.sleep(0)
