"""Writes from the event loop: applied in the order of arrival by one thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from termprom import limits

log = logging.getLogger("termprom.push")


class WriteQueue:
    """Bounded: whoever comes when it is full waits for a place, and `full` says so meanwhile."""

    def __init__(self, capacity: int = limits.PUSH_QUEUE_MAX) -> None:
        self._places = asyncio.Semaphore(capacity)
        self.loop: asyncio.AbstractEventLoop | None = None  # of whoever ran something last
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="push")

    @property
    def full(self) -> bool:
        return self._places.locked()

    async def run(self, write: Callable[[], None]) -> None:
        """Return when `write` was called and done; raises what it raises."""
        self.loop = asyncio.get_running_loop()
        async with self._places:
            await self.loop.run_in_executor(self._worker, write)

    async def submit(self, write: Callable[[], None]) -> None:
        """Return when there was a place for `write`; what it raises is logged."""
        self.loop = asyncio.get_running_loop()
        await self._places.acquire()
        done = self.loop.run_in_executor(self._worker, write)
        done.add_done_callback(self._finished)

    def _finished(self, done: asyncio.Future[None]) -> None:
        self._places.release()
        problem = None if done.cancelled() else done.exception()
        if problem is not None:
            log.error("a write failed", extra={"fields": {"err": str(problem)}})

    def close(self) -> None:
        """Finish what was queued. Blocking."""
        self._worker.shutdown(wait=True)
