"""The legend of a graph: a line per series with its figures, the highlighted one in view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, overload

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from termprom.tui.cells import cut, fit, inert, width_of
from termprom.tui.colours import Colours, colours_of
from termprom.tui.plot.identity import Pen

# Samples of the dash patterns: solid, dashed, dotted, dash-dot.
_SAMPLES: Final = ("──", "╌╌", "··", "─·")
_ASCII_SAMPLES: Final = ("--", "- ", "..", "-.")
_NAME_MIN: Final = 12
_GAP: Final = 2
_MEASURED: Final = 50  # rows whose names decide how wide the column is
_TEXT_ROWS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class LegendRow:
    """One series. `pen` is None for a series that has no line of its own (hidden, or in the band).

    `figures` are texts, as many as the legend has headings; `spark` may be empty; `note` follows.
    """

    key: int
    name: str
    pen: Pen | None
    figures: tuple[str, ...]
    spark: str = ""
    note: str = ""
    hidden: bool = False


class LazyRows(Sequence[LegendRow]):
    """Rows that are made when they are looked at: a legend shows a few of perhaps 100,000."""

    def __init__(self, keys: Sequence[int], make: Callable[[int], LegendRow]) -> None:
        self._keys = keys
        self._make = make
        self._made: dict[int, LegendRow] = {}

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, place: int) -> LegendRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[LegendRow]: ...
    def __getitem__(self, place: int | slice) -> LegendRow | list[LegendRow]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        key = self._keys[place]
        if key not in self._made:
            self._made[key] = self._make(key)
        return self._made[key]


class Legend(Widget):
    """Rows with aligned figures. It has no focus of its own: the graph's keys move in it."""

    DEFAULT_CSS = """
    Legend { height: auto; width: 1fr; }
    """

    @dataclass
    class Picked(Message):
        """A click on the row of this series."""

        key: int

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii_only
        self._rows: Sequence[LegendRow] = ()
        self._headings: tuple[str, ...] = ()
        self._cursor: int | None = None
        self._top = 0
        self._inline = False
        self._widths: list[int] = []

    def __repr__(self) -> str:
        return f"Legend({len(self._rows)} rows)"

    def show(
        self,
        rows: Sequence[LegendRow],
        headings: tuple[str, ...],
        cursor: int | None,
        *,
        inline: bool,
    ) -> None:
        """`cursor` is a position in `rows`; `inline` names each figure where there is no header."""
        self._rows, self._headings, self._cursor = rows, headings, cursor
        self._inline = inline
        self._settle()
        self.refresh()

    @property
    def _head(self) -> int:
        return 0 if self._inline else 1

    def _settle(self) -> None:
        height = max(self.size.height - self._head, 1)
        if self._cursor is not None:
            self._top = min(self._top, self._cursor)
            self._top = max(self._top, self._cursor - height + 1)
        self._top = max(min(self._top, len(self._rows) - height), 0)
        seen = self._rows[self._top : self._top + height]
        self._widths = [
            max([width_of(row.figures[n]) for row in seen] + [0 if self._inline else len(heading)])
            for n, heading in enumerate(self._headings)
        ]

    def on_resize(self) -> None:
        self._settle()
        self.refresh()

    def text(self, width: int = 100) -> str:
        """All rows, for a picture in a ticket."""
        lines = []
        for row in self._rows[:_TEXT_ROWS_MAX]:
            letter = " " if row.pen is None or row.hidden else row.pen.letter
            pairs = zip(self._headings, row.figures, strict=False)
            figures = "  ".join(f"{name.lower()} {figure}" for name, figure in pairs)
            note = "hidden" if row.hidden else row.note
            lines.append(f" {letter}  {inert(row.name)}  {figures}  {inert(note)}".rstrip()[:width])
        return "\n".join(lines)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        colours = colours_of(self.app)
        if not self._inline:
            if y == 0:
                return self._header_line(width, colours) if self._rows else Strip.blank(width)
            y -= 1
        index = self._top + y
        if index >= len(self._rows):
            return Strip.blank(width)
        return self._row_line(self._rows[index], index == self._cursor, width, colours)

    def _cells(self, number: int) -> int:
        """How wide a figure is with its gap, and with its name where that stands beside it."""
        name = len(self._headings[number]) + 1 if self._inline else 0
        return self._widths[number] + name + _GAP

    def _layout(self, width: int) -> tuple[int, int, int]:
        """(cells of the name, how many figures fit, cells of the sparkline)."""
        figures = len(self._headings)
        used = 7
        spark = max((len(row.spark) for row in self._rows[:1]), default=0)

        def total(count: int) -> int:
            return sum(self._cells(n) for n in range(count))

        spark_cells = spark + _GAP if spark else 0
        if used + _NAME_MIN + total(figures) + spark_cells > width:
            spark_cells = 0
        while figures and used + _NAME_MIN + total(figures) > width:
            figures -= 1
        measured = self._rows[self._top : self._top + _MEASURED]
        longest = max((width_of(row.name) for row in measured), default=0)
        room = width - used - total(figures) - spark_cells
        return max(min(room, max(longest, 6)), 1), figures, spark_cells

    def _header_line(self, width: int, colours: Colours) -> Strip:
        name, figures, spark = self._layout(width)
        text = "      " + fit("SERIES", name) + " "
        for number in range(figures):
            text += " " * (_GAP - 1) + self._headings[number].rjust(self._widths[number] + 1)
        if spark:
            text += "  SPARK"
        return _strip([Segment(cut(text, width), colours.header)], width)

    def _row_line(self, row: LegendRow, here: bool, width: int, colours: Colours) -> Strip:
        name_cells, figures, spark = self._layout(width)
        over = colours.cursor if here else None
        samples = _ASCII_SAMPLES if self._ascii else _SAMPLES
        if row.pen is None or row.hidden:
            sample, letter = ("  " if row.hidden else "::" if self._ascii else "░░"), " "
            ink = colours.graph_muted
        else:
            sample, letter = samples[row.pen.dash], row.pen.letter
            ink = colours.series[row.pen.colour % len(colours.series)]
        text_style = colours.muted if row.hidden else colours.text
        name = fit(inert(row.name), name_cells, middle=True, ascii_only=self._ascii)
        segments = [
            Segment(" " + sample + " ", _over(ink, over)),
            Segment(letter + "  ", _over(ink + Style(bold=True), over)),
            Segment(name, _over(colours.strong if here else text_style, over)),
        ]
        note = inert("hidden" if row.hidden else row.note)
        if note:
            # Rather no average than half a note.
            used = 7 + name_cells + sum(self._cells(n) for n in range(figures))
            while figures > 1 and used + (spark if row.spark else 0) + len(note) + _GAP > width:
                figures -= 1
                used -= self._cells(figures)
        for number in range(figures):
            if self._inline:
                label = " " * _GAP + self._headings[number].lower() + " "
                segments.append(Segment(label, _over(colours.muted, over)))
                figure = row.figures[number].ljust(self._widths[number])
            else:
                figure = " " * _GAP + row.figures[number].rjust(self._widths[number])
            segments.append(Segment(figure, _over(text_style, over)))
        if spark and row.spark:
            segments.append(Segment("  " + row.spark, _over(ink, over)))
        if note:
            segments.append(Segment("  " + note, _over(colours.muted, over)))
        return _strip(segments, width, over)

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y - self.gutter.top - self._head
        if 0 <= index < len(self._rows):
            self.post_message(self.Picked(self._rows[index].key))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._top += 3
        self._cursor = None
        self._settle()
        self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._top -= 3
        self._cursor = None
        self._settle()
        self.refresh()


def _over(style: Style, over: Style | None) -> Style:
    return style if over is None else style + over


def _strip(segments: list[Segment], width: int, tail: Style | None = None) -> Strip:
    return Strip(segments).adjust_cell_length(width, tail)
