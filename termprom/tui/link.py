"""The link to the backend: found at the start, lost, and there again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from rich.text import Text

from termprom.backend.interface import Backend
from termprom.clock import Clock
from termprom.errors import BackendUnavailable
from termprom.tui.widgets.status_bar import StatusBar

Connect = Callable[[], Awaitable[Backend]]
Say = Callable[[str, str], None]

_RETRY_SECONDS: Final = 0.25


class Link:
    """One per app. Whoever asks the backend tells it how that went; `is_back` is called when it
    answers again after an outage.
    """

    def __init__(self, bar: StatusBar, clock: Clock, say: Say, is_back: Callable[[], None]) -> None:
        self._bar = bar
        self._clock = clock
        self._say = say
        self._is_back = is_back

    def __repr__(self) -> str:
        line = self._bar.line
        return f"Link({line.name}, {'down' if line.down_since_ms else 'up'})"

    async def made(self, connect: Connect, tell: Callable[[Text], None]) -> Backend:
        """The backend, however long it takes to be there; `tell` says why it is not yet."""
        while True:
            try:
                backend = await connect()
            except BackendUnavailable as problem:
                tell(Text(str(problem)))
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._bar.line.name, self._bar.line.connected = backend.name, True
                self._bar.redraw()
                return backend

    def lost(self, why: str) -> None:
        line = self._bar.line
        line.now_ms = self._clock.now_ms()
        if not line.down_since_ms:
            line.down_since_ms = line.now_ms
            self._say(f"{line.name}: {why}", "error")
        self._bar.redraw()

    def answers(self) -> None:
        line = self._bar.line
        if line.down_since_ms:
            line.down_since_ms = 0
            self._say(f"{line.name} answers again", "information")
            self._is_back()
