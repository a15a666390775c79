"""What the terminal is told beside the frames: who has the mouse, and texts to copy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from termprom.tui.clipboard.copy import copy_text
from termprom.tui.messages import CopyWanted
from termprom.tui.work import begin

if TYPE_CHECKING:
    from termprom.tui.app import TermpromApp

Say = Callable[[str, str], None]


class Asides:
    """One per app; `write` reaches the terminal past the frames, and nothing without one."""

    def __init__(self, app: TermpromApp, say: Say, write: Callable[[str], None]) -> None:
        self._app = app
        self._say = say
        self._write = write
        self._mouse_wanted = True

    def __repr__(self) -> str:
        return f"Asides(mouse {'here' if self._mouse_wanted else 'with the terminal'})"

    def set_mouse(self) -> None:
        """Buttons and drags only: any-motion reports would travel up the link at every move."""
        on = "h" if self._mouse_wanted else "l"
        self._write(f"\x1b[?1003l\x1b[?1000{on}\x1b[?1002{on}\x1b[?1006{on}")

    def toggle_mouse(self) -> None:
        """Give the mouse to the terminal, so that it can select text, or take it back."""
        self._mouse_wanted = not self._mouse_wanted
        self.set_mouse()
        whose = "clicks come here" if self._mouse_wanted else "the terminal selects"
        self._say(f"mouse: {whose}", "information")

    def copy(self, message: CopyWanted) -> None:
        begin(self._app, partial(self._copy, message), group="copy", exclusive=True)

    async def _copy(self, message: CopyWanted) -> None:
        """Copy, and say which way the text went: some ways confirm nothing."""
        size = len(message.text.encode(errors="replace"))
        try:
            copied = await copy_text(message.text, self._write)
        except OSError as problem:
            self._say(f"{message.what} cannot be copied: {problem}", "error")
            return
        hint = "" if copied.confirmed else "; the terminal must allow it"
        self._say(f"{message.what}, {size} bytes, {copied}{hint}", "information")
