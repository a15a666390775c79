"""The list of completions under the caret. The prompt keeps the focus and moves its cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from textual import events
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from termprom.tui.cells import cut, fit, inert, width_of
from termprom.tui.colours import colours_of
from termprom.tui.editor.offers import SHOWN_MAX, Offer

_ROWS_MAX: Final = 8
_NOTE_CELLS_MAX: Final = 44


class Popup(Widget):
    """Offers, one a line. A name that is too long loses its middle, never its head."""

    DEFAULT_CSS = """
    Popup { position: absolute; overlay: screen; constrain: inside inflect; display: none;
            background: $surface; width: auto; height: auto; }
    """

    class Chosen(Message):
        """An offer was clicked; the cursor is on it."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.offers: Sequence[Offer] = ()
        self.cursor = 0
        self.moved = False  # by the operator: then enter takes the offer
        self._top = 0
        self._ascii = ascii_only
        self._names = 0

    @property
    def shown(self) -> bool:
        return bool(self.display)

    @property
    def current(self) -> Offer | None:
        return self.offers[self.cursor] if self.shown and self.offers else None

    def show(self, offers: Sequence[Offer], at: Offset) -> None:
        """These offers, below (or above) a cell of the screen; none of them closes the list."""
        if not offers:
            self.close()
            return
        if offers != self.offers or not self.shown:
            self.offers, self.cursor, self._top, self.moved = offers, 0, 0, False
        room = max(self.app.size.width - 2, 10)
        self._names = min(max(width_of(inert(one.name)) for one in offers), room)
        notes = max(width_of(inert(one.note)) for one in offers)
        notes = min(notes, _NOTE_CELLS_MAX, max(room - self._names - 2, 0))
        self.styles.width = min(self._names + (notes + 2 if notes > 3 else 0) + 2, room + 2)
        self.styles.height = min(len(offers), _ROWS_MAX)
        # One row above the bottom bar and no further right than it fits.
        height = min(len(offers), _ROWS_MAX)
        below = at.y + 1
        y = below if below + height < self.app.size.height else max(at.y - height, 0)
        x = max(min(at.x, self.app.size.width - self._names - 2), 0)
        self.absolute_offset = Offset(x, y)
        self.display = True
        self.refresh(layout=True)

    def close(self) -> bool:
        """Whether there was something to close."""
        was = self.shown
        self.display = False
        self.offers = ()
        return was

    def move(self, rows: int) -> None:
        self.cursor = (self.cursor + rows) % max(len(self.offers), 1)
        self.moved = True
        height = max(self.size.height, 1)
        self._top = min(self._top, self.cursor)
        self._top = max(self._top, self.cursor - height + 1)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        index, width = self._top + y, self.size.width
        colours = colours_of(self.app)
        if index >= len(self.offers):
            return Strip.blank(width)
        offer, here = self.offers[index], index == self.cursor
        last = y == self.size.height - 1
        more = len(self.offers) - index - 1 if last else 0
        name = fit(inert(offer.name), min(self._names, width - 2), middle=True,
                   ascii_only=self._ascii)  # fmt: skip
        back = colours.cursor if here else colours.bar
        segments = [Segment(f" {name} ", back)]
        note = inert(offer.note)
        if more:
            many = f"{more}+" if len(self.offers) >= SHOWN_MAX else str(more)
            note = f"{many} more  {note}"
        room = width - self._names - 3
        if room > 3 and note:
            text = cut(note, room, ascii_only=self._ascii)
            segments.append(Segment(" " + text, colours.cursor if here else colours.bar_muted))
        return Strip(segments).adjust_cell_length(width, back)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        index = self._top + event.y
        if index < len(self.offers):
            self.cursor = index
            self.post_message(self.Chosen())
