"""A line of the screen made of pieces; a piece may do something when it is clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from termprom.tui.cells import cut, inert, width_of
from termprom.tui.colours import colours_of


@dataclass(frozen=True, slots=True)
class Piece:
    """Text in a style. `action` is a Textual action for a click, empty for none."""

    text: str
    style: Style
    action: str = ""


class Bar(Widget):
    """One line: pieces from the left, pieces at the right edge; the left ones give way."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: tuple[Sequence[Piece], Sequence[Piece]] | None = None
        self._spans: list[tuple[int, int, str]] = []

    def left(self) -> Sequence[Piece]:
        return ()

    def right(self) -> Sequence[Piece]:
        return ()

    def redraw(self) -> None:
        """Draw again, but only where the pieces are other ones than those that are shown."""
        if not self.is_attached:
            return
        if (tuple(self.left()), tuple(self.right())) != self._shown:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        left, right = tuple(self.left()), tuple(self.right())
        self._shown = (left, right)
        self._spans = []
        right_width = sum(width_of(piece.text) for piece in right)
        segments: list[Segment] = []
        at = self._add(segments, left, 0, max(width - right_width, 0))
        base = colours_of(self.app).bar
        if right_width <= width:
            segments.append(Segment(" " * (width - right_width - at), base))
            self._add(segments, right, width - right_width, width)
        return Strip(segments).adjust_cell_length(width, base)

    def _add(self, segments: list[Segment], pieces: Sequence[Piece], at: int, end: int) -> int:
        for piece in pieces:
            text = cut(inert(piece.text), end - at)
            if not text:
                break
            segments.append(Segment(text, piece.style))
            cells = width_of(text)
            if piece.action:
                self._spans.append((at, at + cells, piece.action))
            at += cells
        return at

    async def on_click(self, event: events.Click) -> None:
        for start, end, action in self._spans:
            if start <= event.x < end:
                await self.app.run_action(action)
                return
