"""The lines of a list as strips, and the texts in its border: from what is shown to cells. Pure.

Text comes from outside and is made inert here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from termprom.tui.cells import cut, fit, inert, pad, width_of
from termprom.tui.colours import Colours
from termprom.tui.glyphs import Glyphs
from termprom.tui.widgets.columns import GAP, Column
from termprom.tui.widgets.line_editor import LineEditor
from termprom.tui.widgets.row_order import GroupLine, RowOrder

R = TypeVar("R")

Layout = Sequence[tuple[Column[R], int]]  # columns from left to right, with their cells


def one_text(text: str, style: Style, width: int) -> Strip:
    """A strip of one text in one style, exactly `width` cells."""
    return Strip([Segment(fit(text, width), style)], width)


def title_text(order: RowOrder[R], title: str, note: str) -> str:
    """For the upper border, in markup: title, count, note."""
    count = f"{order.shown} of {order.total}" if order.shown != order.total else f"{order.total}"
    parts = [part for part in (title, count if order.total else "", note) if part]
    return _unmarked(parts)


def place_text(order: RowOrder[R], top: int, height: int, signs: Glyphs) -> str:
    """For the lower border, in markup: changes that are held, the sorting, what is in sight."""
    below = []
    if order.pending:
        below.append(f"{signs.changed} {order.pending} changes, r to apply")
    column = order.model.column(order.sort_id)
    if column is not None:
        mark = signs.sort_down if order.descending else signs.sort_up
        below.append(f"sort: {column.title.lower()}{mark}")
    if len(order.lines) > height > 0:
        last = min(top + height, len(order.lines))
        below.append(f"{top + 1}-{last} of {len(order.lines)}")
    return _unmarked(below)


def filter_strip(
    order: RowOrder[R], typed: str, editor: LineEditor | None, width: int, colours: Colours
) -> Strip:
    """The filter, with a caret while it is typed, and how many rows pass it."""
    error = order.filter.error
    count = f" {order.shown} of {order.total}"
    if error:
        count = f" {inert(error)}"
    count = cut(count, max(width - 12, 1))
    room = max(width - 3 - width_of(count), 1)
    style = colours.warning if error else colours.muted
    if editor is None:
        chips: list[Segment] = [Segment(" / ", colours.accent)]
        shown = cut(inert(typed), room - 1)
        chips.append(Segment(pad(shown, room - 1), colours.strong))
    else:
        text, caret = editor.window(room - 1)
        text = pad(text, room - 1)
        chips = [
            Segment(" / ", colours.accent),
            Segment(text[:caret], colours.strong),
            Segment(text[caret : caret + 1] or " ", colours.strong + Style(reverse=True)),
            Segment(text[caret + 1 :], colours.strong),
        ]
    return Strip([*chips, Segment(count, style)]).adjust_cell_length(width)


def header_strip(
    order: RowOrder[R],
    layout: Layout[R],
    width: int,
    colours: Colours,
    signs: Glyphs,
    *,
    ascii_only: bool,
) -> Strip:
    parts = [" "]
    for column, cells in layout:
        title = column.title
        if column.id == order.sort_id:
            title += signs.sort_down if order.descending else signs.sort_up
        title = cut(title, cells, ascii_only=ascii_only)
        blank = " " * (cells - width_of(title))
        parts.append((blank + title if column.right else title + blank) + " " * GAP)
    return one_text("".join(parts).rstrip(), colours.header, width)


def group_strip(
    line: GroupLine,
    over: Style | None,
    width: int,
    colours: Colours,
    signs: Glyphs,
    *,
    ascii_only: bool,
) -> Strip:
    """A heading. `over` is laid over the line that the cursor is on."""
    mark = signs.folded if line.folded else signs.unfolded
    text = f"{mark} {inert(line.name)} ({line.count})"
    style = colours.strong + over if over else colours.strong
    return one_text(fit(text, width, ascii_only=ascii_only), style, width)


def row_strip(
    row: R,
    layout: Layout[R],
    mark: str,
    over: Style | None,
    width: int,
    colours: Colours,
    *,
    gone: bool,
    ascii_only: bool,
) -> Strip:
    """A row behind its `mark`. `gone`: it is there only until held changes happen."""
    segments = [Segment(mark, colours.accent + over if over else colours.accent)]
    for column, cells in layout:
        text = cut(inert(column.text(row)), cells, middle=column.middle, ascii_only=ascii_only)
        blank = " " * (cells - width_of(text))
        style = colours.text if column.style is None else column.style(row, colours)
        if gone:
            style = colours.muted
        text = blank + text if column.right else text + blank
        segments.append(Segment(text + " " * GAP, style + over if over else style))
    return Strip(segments).adjust_cell_length(width, over)


def _unmarked(parts: Sequence[str]) -> str:
    return inert("  ".join(parts)).replace("[", r"\[")
