"""A box of styled lines that scrolls: details, summaries, a configuration.

Whoever fills it gives a function from the width to the lines, so that a resize wraps anew. Text is
made inert here. Only lines that have changed are painted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from termprom.tui.cells import cut, inert, pad, width_of, wrap
from termprom.tui.colours import colours_of
from termprom.tui.keymap import bind

_WHEEL_LINES: Final = 3
_NAME_CELLS: Final = 11  # of the left column of `facts`


@dataclass(frozen=True, slots=True)
class Ink:
    """Text in one of the styles of `Colours`, by its name."""

    text: str
    kind: str = "text"


Row = tuple[Ink, ...]
Build = Callable[[int], Sequence[Row]]
Fact = tuple[str, str] | tuple[str, str, str]  # name, value, kind


def facts(pairs: Iterable[Fact], width: int) -> list[Row]:
    """`name  value`, one below the other; a long value goes on under itself."""
    rows: list[Row] = []
    for name, value, *kind in pairs:
        style = kind[0] if kind else "text"
        blank = " " * (_NAME_CELLS + 2)
        head = pad(cut(f" {inert(name)}", _NAME_CELLS + 1), _NAME_CELLS + 2)
        lines = [
            part
            for line in value.split("\n")
            for part in wrap(inert(line), max(width - len(blank), 8))
        ]
        for number, line in enumerate(lines):
            rows.append((Ink(blank if number else head, "muted"), Ink(line, style)))
    return rows


def paragraph(text: str, width: int, kind: str = "text") -> list[Row]:
    """Wrapped lines of one style."""
    return [
        (Ink(f" {part}", kind),)
        for line in text.split("\n")
        for part in wrap(inert(line), max(width - 2, 8))
    ]


class TextBox(Widget, can_focus=True):
    """See the module. Until `fill` or `say` it says that it is loading."""

    DEFAULT_CSS = "TextBox { height: 1fr; width: 1fr; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("move.down", "scroll(1)"),
        bind("move.up", "scroll(-1)"),
        bind("move.top", "edge(0)"),
        bind("move.bottom", "edge(1)"),
        bind("move.half_down", "page(0.5)"),
        bind("move.half_up", "page(-0.5)"),
        bind("move.page_down", "page(1)"),
        bind("move.page_up", "page(-1)"),
    ]

    def __init__(self, title: str = "", *, id: str | None = None, focusable: bool = True) -> None:
        super().__init__(id=id)
        self.can_focus = focusable
        self._title = title
        self._build: Build | None = None
        self._message: Row = (Ink(" loading", "muted"),)
        self._rows: Sequence[Row] = ()
        self._built_for: object = None  # the size that the lines were made for
        self._top = 0
        self.retitle()

    def __repr__(self) -> str:
        return f"TextBox({self.id}, {len(self._rows)} lines, from {self._top})"

    @property
    def text(self) -> str:
        """All of the lines, whether they are on the screen or not."""
        return "\n".join("".join(ink.text for ink in row) for row in self._lines())

    def retitle(self, title: str | None = None, note: str = "") -> None:
        """The words in the border: what the box is, and a summary at its other end."""
        if title is not None:
            self._title = title
        self.border_title = inert(self._title).replace("[", r"\[")
        self.border_subtitle = inert(note).replace("[", r"\[")

    def fill(self, build: Build, *, anew: bool = False) -> None:
        """Show what `build` makes; `anew` starts at the top again."""
        before = list(self._rows) if self._built_for == self.size else None
        self._build, self._built_for = build, None
        if anew:
            before, self._top = None, 0
        after = self._lines()
        self._settle()
        if before is None or len(before) != len(after):
            self.refresh()
            return
        for y in range(self.size.height):
            index = self._top + y
            if index < len(after) and after[index] != before[index]:
                self.refresh(Region(0, y, self.size.width, 1))

    def say(self, text: str, kind: str = "muted") -> None:
        """Why there is nothing; what is there stays."""
        if self._build is None:
            self._message = (Ink(f" {text}", kind),)
            self._built_for = None
            self.refresh()

    def _lines(self) -> Sequence[Row]:
        width = self.size.width
        if self._built_for != self.size:
            if self._build is not None:
                self._rows = self._build(width)
            else:
                message = self._message[0]
                self._rows = paragraph(message.text.strip(), width, message.kind)
            self._built_for = self.size
        return self._rows

    def _settle(self) -> None:
        last = max(len(self._lines()) - max(self.size.height, 1), 0)
        self._top = max(min(self._top, last), 0)

    def on_resize(self) -> None:
        self._settle()

    def render_line(self, y: int) -> Strip:
        width, lines, index = self.size.width, self._lines(), self._top + y
        if index >= len(lines):
            return Strip.blank(width)
        colours = colours_of(self.app)
        segments, room = [], width
        for ink in lines[index]:
            text = cut(inert(ink.text), room)
            segments.append(Segment(text, getattr(colours, ink.kind)))
            room -= width_of(text)
            if room <= 0:
                break
        return Strip(segments).adjust_cell_length(width)

    # --- Moving -------------------------------------------------------------------------------

    def _go(self, top: int) -> None:
        before, self._top = self._top, top
        self._settle()
        if self._top != before:
            self.refresh()

    def action_scroll(self, lines: int) -> None:
        self._go(self._top + lines)

    def action_edge(self, end: int) -> None:
        self._go(len(self._lines()) if end else 0)

    def action_page(self, pages: float) -> None:
        self._go(self._top + int(max(self.size.height, 1) * pages))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go(self._top + _WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go(self._top - _WHEEL_LINES)
