"""What a remote end is doing: its own event stream where it has one, gentle polling elsewhere.

A lost link is told once, and once again when it is back.
"""

from __future__ import annotations

import logging
from typing import Final

import orjson

from termprom.backend.hub import EventHub
from termprom.backend.interface import Topic
from termprom.backend.remote_http import RemoteClient
from termprom.backend.wire_views import EXTRA_PREFIX, event_from
from termprom.clock import Clock
from termprom.errors import BackendUnavailable, NotOffered, TermpromError

log = logging.getLogger("termprom.backend")

POLL_SECONDS: Final = 3.0
_RETRY_SECONDS_MAX: Final = 10.0
_POLLED: Final = (Topic.STATS, Topic.TARGETS, Topic.RULES, Topic.ALERTS)


class EventPump:
    """Feeds a hub with the events of a remote end until its task is cancelled."""

    def __init__(
        self, client: RemoteClient, hub: EventHub, *, clock: Clock, has_stream: bool
    ) -> None:
        self._client = client
        self._hub = hub
        self._clock = clock
        self._has_stream = has_stream
        self._lost = False

    def __repr__(self) -> str:
        return f"EventPump({self._client.url}, {'link lost' if self._lost else 'linked'})"

    async def run(self) -> None:
        wait = 1.0
        while True:
            try:
                if self._has_stream:
                    await self._follow()
                    raise BackendUnavailable(f"{self._client.url} has ended its event stream")
                await self._poll()
                wait = 1.0
            except BackendUnavailable as problem:
                if not self._lost:
                    self._lost = True
                    log.warning("link lost", extra={"fields": {"reason": str(problem)}})
                    self._hub.publish(Topic.LINK, f"link lost: {problem}")
                else:
                    wait = min(wait * 2, _RETRY_SECONDS_MAX)
            await self._clock.sleep(wait if self._lost else POLL_SECONDS)

    async def _follow(self) -> None:
        async with self._client.lines(f"{EXTRA_PREFIX}events") as lines:
            self._found()
            async for line in lines:
                if not line.startswith(b"data:"):
                    continue
                try:
                    event = event_from(orjson.loads(line.removeprefix(b"data:")))
                except ValueError:
                    # A newer end may have topics that this one does not know.
                    continue
                self._hub.publish(event.topic, event.text)

    async def _poll(self) -> None:
        try:
            await self._client.ask("/api/v1/status/buildinfo", (), lambda envelope: None)
        except NotOffered:
            pass  # It answers, and that is what was asked.
        except BackendUnavailable:
            raise
        except TermpromError:
            pass
        self._found()
        for topic in _POLLED:
            self._hub.publish(topic)

    def _found(self) -> None:
        if self._lost:
            self._lost = False
            log.info("link is back", extra={"fields": {"url": self._client.url}})
            self._hub.publish(Topic.LINK, f"link to {self._client.url} is back")
