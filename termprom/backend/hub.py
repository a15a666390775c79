"""Events from anywhere in the process to whoever listens.

A subscriber sees an event at once when it was quiet, and then at most EVENTS_PER_SECOND_MAX
batches a second. Mere movement (no text) merges with anything of its topic that still waits; lines
for people are kept one by one. A subscriber that is EVENT_QUEUE_MAX behind loses the oldest.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator

from termprom import limits
from termprom.backend.interface import Event, Topic
from termprom.clock import Clock


class Inbox:
    """What one subscriber has not seen yet; the pure part."""

    def __init__(self, size_max: int) -> None:
        self._waiting: deque[Event] = deque()
        self._size_max = size_max
        self.dropped = 0

    def __repr__(self) -> str:
        return f"Inbox({len(self._waiting)} waiting, {self.dropped} dropped)"

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: Event) -> None:
        if not event.text and any(one.topic is event.topic for one in self._waiting):
            return
        if len(self._waiting) >= self._size_max:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(event)

    def take(self) -> list[Event]:
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


class Subscription:
    """An endless iterator of events on the loop that made it; ends when the hub closes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._inbox = Inbox(limits.EVENT_QUEUE_MAX)
        self._wake = asyncio.Event()
        self._batch: deque[Event] = deque()
        self._delivered_at = float("-inf")
        self._closed = False

    def __repr__(self) -> str:
        return f"Subscription({self._inbox!r}{', closed' if self._closed else ''})"

    def offer(self, event: Event) -> None:
        """From any thread."""
        with self._lock:
            self._inbox.put(event)
        self._rouse()

    def close(self) -> None:
        """From any thread; what is already waiting is still delivered."""
        self._closed = True
        self._rouse()

    def _rouse(self) -> None:
        # A loop that has closed has nobody left to tell.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._batch:
            await self._wait()
            with self._lock:
                self._batch.extend(self._inbox.take())
            if not self._batch and self._closed:
                raise StopAsyncIteration
            self._delivered_at = self._clock.monotonic()
        return self._batch.popleft()

    async def _wait(self) -> None:
        if not self._closed:
            await self._wake.wait()
            gap = 1 / limits.EVENTS_PER_SECOND_MAX
            await self._clock.sleep(self._delivered_at + gap - self._clock.monotonic())
        self._wake.clear()


class EventHub:
    """Publishes to every subscription; a subscription lives as long as somebody holds it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._subscriptions: weakref.WeakSet[Subscription] = weakref.WeakSet()
        self._closed = False

    def __repr__(self) -> str:
        return f"EventHub({len(self._subscriptions)} subscribers)"

    def publish(self, topic: Topic, text: str = "") -> None:
        """Tell every subscriber; from any thread, never waits."""
        event = Event(topic, self._clock.now_ms(), text)
        with self._lock:
            subscriptions = list(self._subscriptions)
        for subscription in subscriptions:
            subscription.offer(event)

    def subscribe(self) -> AsyncIterator[Event]:
        """What happens from now on, for a task of the running loop."""
        subscription = Subscription(self._clock)
        with self._lock:
            if self._closed:
                subscription.close()
            self._subscriptions.add(subscription)
        return subscription

    def close(self) -> None:
        """End every subscription."""
        with self._lock:
            self._closed = True
            subscriptions = list(self._subscriptions)
        for subscription in subscriptions:
            subscription.close()
