"""A line that tells what has just changed, for a few seconds, in the place of the keys.

It lies over the last row: nothing else may move because something is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.timer import Timer

from termprom.tui.colours import colours_of
from termprom.tui.widgets.bar import Bar, Piece

SECONDS: Final = 8.0


class Banner(Bar):
    """Over the footer. A newer line takes the place of an older one."""

    DEFAULT_CSS = """
    Banner { height: 1; display: none; dock: bottom; layer: top; }
    Banner.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(id="banner")
        self.text = ""
        self._kind = "information"
        self._timer: Timer | None = None

    def tell(self, text: str, kind: str = "information", seconds: float = SECONDS) -> None:
        """Show a line; kinds are information, warning, error, and alarm."""
        self.text, self._kind = text, kind
        self.add_class("-shown")
        self.refresh()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(seconds, self.hide)

    def hide(self) -> None:
        self.text = ""
        self.remove_class("-shown")

    def left(self) -> Sequence[Piece]:
        colours = colours_of(self.app)
        style = {
            "alarm": colours.alarm,
            "error": colours.bar + colours.critical,
            "warning": colours.bar + colours.warning,
        }.get(self._kind, colours.bar)
        return [Piece(f" {self.text}", style)]

    def right(self) -> Sequence[Piece]:
        return [Piece(" ? help", colours_of(self.app).bar_muted, "app.help")]
