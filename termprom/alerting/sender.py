"""One Alertmanager endpoint: its queue and the task that empties it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from termprom import limits
from termprom.alerting.client import SendError
from termprom.alerting.metrics import NotifierMetrics
from termprom.alerting.payload import Message, encode
from termprom.alerting.queue import NotificationQueue
from termprom.clock import Clock

_log = logging.getLogger("termprom.alerting")


class Post(Protocol):
    """What posts a body to a URL. Raises SendError."""

    async def __call__(self, url: str, body: bytes) -> None: ...


class Sender:
    """Sends in batches, one request at a time, and never twice: what fails is counted and lost,
    because an alert that still fires comes again.
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
        self._queue: NotificationQueue[Message] = NotificationQueue(capacity)
        self._work = asyncio.Event()
        self._stopping = False
        metrics.begin(url)
        self._task = asyncio.create_task(self._run(), name=f"notifier {url}")

    def __repr__(self) -> str:
        return f"Sender({self.url}, {len(self._queue)} queued)"

    def add(self, messages: Sequence[Message]) -> None:
        """Queue messages; the oldest go when there is no room."""
        dropped = self._queue.add(messages)
        self._count_queue()
        if dropped:
            self._metrics.dropped.labels(self.url).inc(dropped)
            _log.warning(
                "alert notification queue full, dropping alerts",
                extra={"fields": {"alertmanager": self.url, "count": dropped}},
            )
        self._work.set()

    async def stop(self, *, drain: bool) -> None:
        """End the task: after what is queued was sent, or at once. Bounded in time either way,
        for an Alertmanager that hangs must not keep the process alive.
        """
        self._stopping = True
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
                await self._send(self._queue.take(self._batch))
            if self._stopping:
                return
            self._work.clear()

    async def _send(self, messages: list[Message]) -> None:
        self._count_queue()
        began = self._clock.monotonic()
        count = len(messages)
        try:
            await self._post(self.url, encode(messages))
        except SendError as problem:
            self._metrics.errors.labels(self.url).inc(count)
            self._metrics.dropped.labels(self.url).inc(count)
            _log.error(
                "sending alerts failed",
                extra={"fields": {"alertmanager": self.url, "count": count, "error": str(problem)}},
            )
            return
        seconds = self._clock.monotonic() - began
        self._metrics.sent.labels(self.url).inc(count)
        self._metrics.latency.labels(self.url).observe(seconds)
        self._metrics.latency_histogram.labels(self.url).observe(seconds)

    def _count_queue(self) -> None:
        self._metrics.queue_length.labels(self.url).set(len(self._queue))
