"""The lines of a list as cells, and which of its columns are in sight."""

from __future__ import annotations

from dataclasses import fields
from operator import itemgetter

import pytest
from rich.style import Style

from termprom.tui.colours import Colours
from termprom.tui.filters import parse_filter
from termprom.tui.glyphs import glyphs
from termprom.tui.widgets.column_window import ColumnWindow
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.line_editor import LineEditor
from termprom.tui.widgets.list_lines import (
    filter_strip,
    group_strip,
    header_strip,
    place_text,
    row_strip,
    title_text,
)
from termprom.tui.widgets.row_order import GroupLine, RowOrder

Row = tuple[str, ...]

SIGNS = glyphs(False)
ROLES = Colours(**{one.name: Style(link=one.name) for one in fields(Colours)
                   if one.name != "series"})  # fmt: skip


def _order(*rows: Row, columns: int = 2) -> RowOrder[Row]:
    made: tuple[Column[Row], ...] = tuple(
        Column(f"c{n}", f"Title{n}", itemgetter(n), rank=n, right=n == 1) for n in range(columns)
    )
    order = RowOrder(RowModel(made, key=lambda row: row[0]))
    order.put(rows, hold=False)
    return order


def test_a_row_is_exactly_as_wide_as_the_list_and_inert() -> None:
    order = _order(("a\x1b[2J", "7"))
    layout = ColumnWindow[Row]().layout(order, 0, 24)
    strip = row_strip(("a\x1b[2J", "7"), layout, ">", None, 24, ROLES, gone=False, ascii_only=False)
    assert strip.cell_length == 24
    assert strip.text.startswith(">a")
    assert "\x1b" not in strip.text
    gone = row_strip(("a", "7"), layout, " ", None, 24, ROLES, gone=True, ascii_only=False)
    assert {one.style.link for one in list(gone)[1:3] if one.style} == {"muted"}


def test_the_heading_of_a_column_stands_over_its_values() -> None:
    order = _order(("alpha", "7"))
    order.sort_id, order.descending = "c1", True
    layout = ColumnWindow[Row]().layout(order, 0, 40)
    head = header_strip(order, layout, 40, ROLES, SIGNS, ascii_only=False).text
    row = row_strip(("alpha", "7"), layout, " ", None, 40, ROLES, gone=False, ascii_only=False).text
    assert head.index("Title0") == row.index("alpha")
    sign = SIGNS.sort_down
    assert head.rstrip().endswith(sign)
    assert len(head.rstrip()) == len(row.rstrip()), "both end where a right-hand column ends"


def test_a_heading_of_a_group() -> None:
    strip = group_strip(GroupLine("job=api", 3, True), None, 20, ROLES, SIGNS, ascii_only=False)
    assert strip.text == f"{SIGNS.folded} job=api (3)".ljust(20)


@pytest.mark.parametrize("typing", [True, False])
def test_the_filter_says_how_many_pass(typing: bool) -> None:
    order = _order(("a", "1"), ("b", "2"))
    order.filter = parse_filter("a")
    order.apply()
    editor = LineEditor("a") if typing else None
    strip = filter_strip(order, "a", editor, 30, ROLES)
    assert strip.cell_length == 30
    assert strip.text.startswith(" / a ")
    assert strip.text.rstrip().endswith(" 1 of 2")
    assert any(one.style is not None and one.style.reverse for one in strip) is typing


def test_what_stands_in_the_border() -> None:
    order = _order(*((str(n), "") for n in range(9)))
    assert title_text(order, "Rows [all]", "") == r"Rows \[all]  9"
    assert title_text(_order(), "Rows", "note") == "Rows  note"
    assert place_text(order, 0, 9, SIGNS) == ""
    assert place_text(order, 2, 4, SIGNS) == "3-6 of 9"
    order.sort_id = "c0"
    assert place_text(order, 2, 4, SIGNS) == f"sort: title0{SIGNS.sort_up}  3-6 of 9"


def test_a_wide_list_moves_sideways_and_its_first_column_stays() -> None:
    order, window = _order(("alpha", "b", "c", "d"), columns=4), ColumnWindow[Row]()

    def shown() -> list[str]:
        return [column.id for column, _ in window.layout(order, 0, 20)]

    narrow = shown()
    assert narrow[0] == "c0"
    assert len(narrow) < 4
    window.shift(1)
    assert shown() == narrow, "what fits needs no moving"
    window.widen()
    assert shown() == ["c0", "c1", "c2", "c3"]
    window.shift(1)
    assert shown() == ["c0", "c2", "c3"]
    window.shift(9)
    assert shown() == ["c0", "c3"], "one column besides the first is always in sight"
    window.shift(-9)
    assert shown() == ["c0", "c1", "c2", "c3"]
    window.widen()
    assert shown() == narrow
