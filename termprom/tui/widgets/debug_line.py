"""F12: how the screen itself is doing, for those who build it or wonder why it is slow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from textual.timer import Timer

from termprom.tui.colours import colours_of
from termprom.tui.figures import size
from termprom.tui.output.stage import DiffOutput
from termprom.tui.widgets.bar import Bar, Piece

_BEAT_SECONDS: Final = 0.1
_KEPT: Final = 100  # beats: ten seconds


class DebugLine(Bar):
    """Lag of the event loop, frames and bytes, the queue to the terminal. Off it costs nothing."""

    DEFAULT_CSS = "DebugLine { display: none; } DebugLine.-shown { display: block; }"

    def __init__(self) -> None:
        super().__init__(id="debug-line")
        self._lags: deque[float] = deque(maxlen=_KEPT)
        self._beat: asyncio.Task[None] | None = None
        self._shower: Timer | None = None
        self._sent = (0, 0)
        self._rates = (0.0, 0.0)

    def toggle(self) -> None:
        self.toggle_class("-shown")
        if self.has_class("-shown"):
            self._sent = self._counts()
            self._beat = asyncio.create_task(self._measure(), name="debug beat")
            self._shower = self.set_interval(1.0, self._tell)
        else:
            self.on_unmount()

    def on_unmount(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        if self._shower is not None:
            self._shower.stop()

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(_BEAT_SECONDS)
            self._lags.append(max(loop.time() - began - _BEAT_SECONDS, 0.0))

    def _counts(self) -> tuple[int, int]:
        app = self.app
        return (app.frames_sent, app.bytes_sent) if isinstance(app, DiffOutput) else (0, 0)

    def _tell(self) -> None:
        now = self._counts()
        self._rates = (now[0] - self._sent[0], now[1] - self._sent[1])
        self._sent = now
        self.redraw()

    def left(self) -> Sequence[Piece]:
        bar = colours_of(self.app).bar_muted
        worst = max(self._lags, default=0.0) * 1e3
        middle = sorted(self._lags)[len(self._lags) // 2] * 1e3 if self._lags else 0.0
        app = self.app
        waiting = app.frames_waiting if isinstance(app, DiffOutput) else 0
        level = app.link_level if isinstance(app, DiffOutput) else 0
        return [
            Piece(f" loop lag {middle:.1f} ms, worst of 10 s {worst:.1f} ms", bar),
            Piece(f"  {self._rates[0]:.0f} frames/s {self._rates[1]:.0f} B/s", bar),
            Piece(f"  sent {size(self._sent[1])} in {self._sent[0]} frames", bar),
            Piece(f"  queue {waiting}  link level {level}", bar),
        ]
