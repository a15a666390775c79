"""Row 1: the panes, the visible one in brackets; a click opens one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from termprom.tui.cells import width_of
from termprom.tui.colours import colours_of
from termprom.tui.widgets.bar import Bar, Piece


@dataclass(frozen=True, slots=True)
class PaneName:
    """How one pane is called, and which digit opens it."""

    id: str
    key: str
    title: str
    short: str


class PaneBar(Bar):
    """See the module. `came_from` is the breadcrumb at the right."""

    def __init__(self, names: Sequence[PaneName]) -> None:
        super().__init__(id="pane-bar")
        self._names = names
        self.current = ""
        self.came_from = ""

    def left(self) -> Sequence[Piece]:
        for short, gap in ((False, " "), (True, " "), (True, "")):
            pieces = self._pieces(short=short, gap=gap)
            if sum(width_of(piece.text) for piece in pieces) <= self.size.width:
                break
        return pieces

    def _pieces(self, *, short: bool, gap: str) -> list[Piece]:
        colours = colours_of(self.app)
        pieces = []
        for name in self._names:
            title = (name.short or name.title) if short else name.title
            chosen = name.id == self.current
            text = f"[{name.key} {title}]" if chosen else f" {name.key} {title} "
            style = colours.bar_chosen if chosen else colours.bar_muted
            pieces.append(Piece(text + gap, style, f"app.show_pane('{name.id}')"))
        return pieces

    def right(self) -> Sequence[Piece]:
        colours = colours_of(self.app)
        if not self.came_from or self.size.width < 120:
            return ()
        return [Piece(f" < {self.came_from} ", colours.bar_muted, "app.previous_pane")]
