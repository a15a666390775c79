"""One Alertmanager endpoint: its queue and the task that empties it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from termprom import limits
from termprom.alerting.client import SendError
from termprom.alerting.metrics import NotifierMetrics
from termprom.alerting.payload import encode
from termprom.alerting.queue import NotificationQueue
from termprom.alerting.retry import Pending, retry_seconds, still_valid
from termprom.clock import Clock

_log = logging.getLogger("termprom.alerting")


class Post(Protocol):
    """What posts a body to a URL. Raises SendError."""

    async def __call__(self, url: str, body: bytes) -> None: ...


class Sender:
    """Sends in batches, one request at a time and in order.

    A batch that met a failure which may pass is tried again, later and later; meanwhile the queue
    fills and drops its oldest. An endpoint in trouble says so once, and once when it is well again.
    """

    def __init__(
        self,
        url: str,
        post: Post,
        *,
        clock: Clock,
        metrics: NotifierMetrics,
        capacity: int,
        batch: int,
    ) -> None:
        self.url = url
        self._post = post
        self._clock = clock
        self._metrics = metrics
        self._batch = batch
        self._queue: NotificationQueue[Pending] = NotificationQueue(capacity)
        self._work = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failures = 0  # in a row
        self._trouble = ""  # what was logged last; empty when all is well
        self._lost = 0  # since the trouble began
        self._overflowing = False
        metrics.begin(url)
        self._task = asyncio.create_task(self._run(), name=f"notifier {url}")

    def __repr__(self) -> str:
        return f"Sender({self.url}, {len(self._queue)} queued)"

    def add(self, items: Sequence[Pending]) -> None:
        """Queue notifications; the oldest go when there is no room."""
        dropped = self._queue.add(items)
        self._count_queue()
        if dropped:
            self.lose(dropped)
        self._work.set()

    def lose(self, count: int) -> None:
        """Count alerts for which there was no room; said once until the queue has been empty."""
        self._drop(count)
        if not self._overflowing:
            self._overflowing = True
            _log.warning(
                "alert notification queue full, dropping alerts",
                extra={"fields": {"alertmanager": self.url, "count": count}},
            )

    async def stop(self, *, drain: bool) -> None:
        """End the task: after what is queued was sent, or at once. Bounded in time either way,
        for an Alertmanager that hangs must not keep the process alive.
        """
        self._stopping.set()
        self._work.set()
        if drain:
            await asyncio.wait([self._task], timeout=limits.NOTIFIER_DRAIN_SECONDS)
        self._task.cancel()
        await asyncio.wait([self._task])
        lost = self._queue.clear()
        if lost:
            _log.warning(
                "alert notification queue not drained on shutdown, dropping alerts",
                extra={"fields": {"alertmanager": self.url, "count": lost}},
            )
        self._metrics.end(self.url)

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            while len(self._queue):
                batch = self._queue.take(self._batch)
                self._count_queue()
                await self._deliver(batch)
            self._overflowing = False
            if self._stopping.is_set():
                return
            self._work.clear()

    async def _deliver(self, batch: list[Pending]) -> None:
        """Send a batch, again where that may help; on the way to the end each gets one attempt."""
        while True:
            try:
                await self._send(batch)
            except SendError as problem:
                self._failed(len(batch), problem)
                if not problem.passing or self._stopping.is_set():
                    self._drop(len(batch))
                    return
            else:
                self._succeeded()
                return
            await self._pause(retry_seconds(self._failures))
            valid = still_valid(batch, self._clock.now_ms())
            self._drop(len(batch) - len(valid))
            if not valid:
                return
            batch = valid

    async def _send(self, batch: Sequence[Pending]) -> None:
        began = self._clock.monotonic()
        await self._post(self.url, encode([one.message for one in batch]))
        seconds = self._clock.monotonic() - began
        self._metrics.sent.labels(self.url).inc(len(batch))
        self._metrics.latency.observe(seconds, self.url)
        self._metrics.latency_histogram.labels(self.url).observe(seconds)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not once the end has come."""
        waits = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._stopping.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    # --- What is said and counted -------------------------------------------------------------

    def _failed(self, count: int, problem: SendError) -> None:
        self._failures += 1
        self._metrics.errors.labels(self.url).inc(count)
        if str(problem) == self._trouble:
            return
        self._trouble = str(problem)
        _log.error(
            "sending alerts failed%s",
            ", trying again until it works" if problem.passing else "",
            extra={"fields": {"alertmanager": self.url, "count": count, "error": self._trouble}},
        )

    def _succeeded(self) -> None:
        if self._trouble:
            _log.info(
                "alerts are delivered again",
                extra={
                    "fields": {
                        "alertmanager": self.url,
                        "attempts_failed": self._failures,
                        "dropped": self._lost,
                    }
                },
            )
        self._failures, self._trouble, self._lost = 0, "", 0

    def _drop(self, count: int) -> None:
        self._lost += count
        self._metrics.dropped.labels(self.url).inc(count)

    def _count_queue(self) -> None:
        self._metrics.queue_length.labels(self.url).set(len(self._queue))
