"""The door of a listener: how many clients may be inside, and how long one may take to speak.

A connection holds a place from before it is accepted until it is closed; when all are taken the
next one waits in the kernel's queue. Whoever has not sent its first request head in time, or sends
one without end, is shown out. (Later heads on the same connection fall under the keep-alive time.)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from termprom import limits
from termprom.server.door_metrics import DoorMetrics

log = logging.getLogger("termprom.server")

_HEAD_END: Final = b"\r\n\r\n"


class Gate:
    """The places, shared by all listeners that hold the same gate."""

    def __init__(
        self, places: int = limits.CONNECTIONS_MAX, metrics: DoorMetrics | None = None
    ) -> None:
        self._size = places
        self._places = asyncio.Semaphore(places)
        self._metrics = metrics
        self.inside = 0

    def __repr__(self) -> str:
        return f"Gate({self.inside} of {self._size} connections)"

    async def enter(self) -> None:
        """Wait for a place and take it."""
        await self._places.acquire()
        self.inside += 1

    def leave(self) -> None:
        self.inside -= 1
        self._places.release()

    def accepted(self) -> None:
        """Somebody came for the place that was taken."""
        if self._metrics is not None:
            self._metrics.accepted.inc()

    def closed(self) -> None:
        """That somebody is gone."""
        if self._metrics is not None:
            self._metrics.closed.inc()
        self.leave()


class Doorman(asyncio.Protocol):
    """Stands between a connection and the protocol that serves it, and passes everything on."""

    def __init__(
        self, inner: asyncio.Protocol, on_lost: Callable[[], None], *, head_seconds: float
    ) -> None:
        self._inner = inner
        self._on_lost = on_lost
        self._head_seconds = head_seconds
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._tail = b""

    def __repr__(self) -> str:
        return f"Doorman({'waiting for a request' if self._deadline else 'open'})"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._head_seconds, self._show_out, transport, "time")
        self._transport = transport
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._deadline is not None:
            self._watch_head(data)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_over()
        self._on_lost()
        self._inner.connection_lost(exc)

    def _watch_head(self, data: bytes) -> None:
        if _HEAD_END in self._tail + data:
            self._head_is_over()
            return
        self._head_bytes += len(data)
        self._tail = (self._tail + data)[-len(_HEAD_END) + 1 :]
        if self._head_bytes > limits.HEAD_BYTES_MAX:
            self._show_out(self._transport, "size")

    def _head_is_over(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _show_out(self, transport: asyncio.Transport, bound: str) -> None:
        self._head_is_over()
        peer = transport.get_extra_info("peername")
        log.debug("no request head within its bound", extra={"fields": {"by": bound, "peer": peer}})
        transport.abort()
