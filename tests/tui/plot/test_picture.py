"""Whole pictures: what is where, and what changes when data does."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from termprom.model.labels import Labels
from termprom.tui.plot.cells import Cells, Ink
from termprom.tui.plot.chart import Chart, Mark, Matrix, Mode, Threshold, fit
from termprom.tui.plot.identity import Pens, common_labels, letter
from termprom.tui.plot.picture import draw, lay_out
from termprom.tui.plot.sparkline import sparkline
from termprom.tui.plot.symbols import ASCII
from termprom.tui.plot.units import Kind, Unit
from termprom.tui.plot.yaxis import YAxis

STEP = 15_000
END = 1_777_723_470_000
WINDOW = (END - 3_600_000, END + 300_000)


def _chart(series: int = 3, **changes: object) -> Chart:
    steps = 241
    times = END - (steps - 1 - np.arange(steps, dtype=np.int64)) * STEP
    turn = np.linspace(0, 6, steps)
    values = np.array([0.01 * (k + 1) + 0.004 * np.sin(turn + k) for k in range(series)])
    matrix = Matrix(times, STEP, values, np.ones(values.shape, bool))
    labels = [Labels.of(job=f"j{k}") for k in range(series)]
    chart = Chart(
        lines=matrix,
        pens=tuple(Pens().assign(labels)),
        window=WINDOW,
        axis=fit([matrix], WINDOW, YAxis(unit=Unit(Kind.RATIO))),
        now_ms=END,
    )
    return replace(chart, **changes)


def test_axes_lines_letters_and_times_are_there():
    rows = draw(_chart(), 80, 20).text().splitlines()
    assert len(rows) <= 20
    assert any("3 % ┤" in row for row in rows)
    assert sum(row.rstrip().endswith(("a", "b", "c")) for row in rows[:17]) == 3
    assert "└" in rows[17]
    assert "┬" in rows[17]
    assert "11:30" in rows[18]


def test_the_line_stops_where_the_data_does():
    cells = draw(_chart(1), 80, 20)
    frame = lay_out(_chart(1), 80, 20)
    end = frame.column_of(END, WINDOW)
    lines = cells.inks[: frame.rows, frame.left : frame.left + frame.columns] >= Ink.SERIES
    used = np.flatnonzero(lines.any(axis=0))
    assert used.max() <= end + 2, "the letter and nothing else stands in the part to come"


def test_a_threshold_lies_where_no_data_is():
    chart = _chart(1, thresholds=(Threshold(0.012, "limit"),))
    cells = draw(chart, 80, 20)
    text = cells.text()
    assert " limit ╌╌" in text
    assert (cells.inks == Ink.THRESHOLD).sum() > 30


def test_a_threshold_far_away_is_named_with_an_arrow():
    chart = _chart(1, thresholds=(Threshold(5.0, "500 %"),))
    assert " 500 % ^" in draw(chart, 80, 20).text().splitlines()[0]


def test_crosshair_runs_through_free_cells_and_says_when():
    at = END - 1_200_000
    cells = draw(_chart(crosshair_ms=at), 80, 20)
    rows = cells.text().splitlines()
    assert "at 11:44:30 (-20m)" in rows[-1]
    assert (cells.inks == Ink.CROSSHAIR).sum() >= 10


def test_a_tick_changes_only_a_few_rows():
    """What keeps a live graph cheap: the same window with one more sample."""
    before = _chart(1)
    short = replace(before, lines=_upto(before.lines, 230))
    longer = replace(before, lines=_upto(before.lines, 231))
    assert draw(longer, 80, 30).changed_rows(draw(short, 80, 30)).size <= 3
    assert draw(longer, 80, 30).changed_rows(None).size == 30


def _upto(matrix: Matrix, steps: int) -> Matrix:
    return Matrix(
        matrix.times_ms[:steps], matrix.step_ms, matrix.values[:, :steps], matrix.present[:, :steps]
    )


def test_the_highlighted_series_is_drawn_strong_and_on_top():
    cells = draw(_chart(highlight=1), 80, 20)
    strong = (cells.inks >= Ink.SERIES_STRONG) & (cells.inks < Ink.SERIES_DIM)
    assert strong.any()


def test_marks_stand_at_their_times_and_yield_to_the_note():
    marks = (Mark(END - 3_000_000, "▾", "restart api", int(Ink.MARK)),)
    rows = draw(_chart(marks=marks, crosshair_ms=END), 80, 20).text().splitlines()
    assert "▾restart api" in rows[-1]


def test_a_selection_is_laid_over_everything():
    cells = draw(_chart(selection=(END - 1_200_000, END - 600_000)), 80, 20)
    selected = (cells.inks & Ink.SELECTED) > 0
    assert 5 < np.flatnonzero(selected.any(axis=0)).size < 20


def test_ascii_pictures_are_ascii():
    chart = _chart(
        thresholds=(Threshold(0.02, "limit"),),
        crosshair_ms=END,
        mode=Mode.LINES,
        rest=_chart().lines,
    )
    assert draw(chart, 100, 30, ASCII).text().isascii()


def test_all_modes_draw_something():
    for mode in (Mode.LINES, Mode.POINTS, Mode.BARS, Mode.STACKED):
        assert (draw(_chart(mode=mode), 80, 20).inks >= Ink.SERIES).sum() > 20


def test_no_size_is_too_small():
    for width in (0, 1, 11, 12, 40):
        for height in (0, 1, 3, 4, 10):
            cells = draw(_chart(), width, height)
            assert (cells.height, cells.width) == (height, width)


def test_rows_are_runs_of_one_ink_that_join_to_the_row():
    cells = draw(_chart(5, highlight=2), 90, 24)
    for y in range(24):
        runs = cells.row(y)
        assert "".join(text for text, _ in runs) == cells.chars[y].tobytes().decode("utf-32-le")
        assert all(a[1] != b[1] for a, b in pairwise(runs))


def test_put_is_cut_at_the_edges():
    cells = Cells(2, 5)
    cells.put(0, -2, "abcdefghij", 1)
    cells.put(5, 0, "x")
    cells.put(1, 4, "zz", 2, sparing=True)
    assert cells.text() == "cdefg\n    z"


def test_colours_stay_with_their_series():
    pens = Pens()
    many = [Labels.of(job=f"j{n}") for n in range(8)]
    first = {labels: pen.colour for labels, pen in zip(many, pens.assign(many), strict=True)}
    assert sorted(first.values()) == list(range(8)), "as long as there are enough, all differ"
    fewer = many[2:6]
    again = {labels: pen.colour for labels, pen in zip(fewer, pens.assign(fewer), strict=True)}
    assert again == {labels: first[labels] for labels in fewer}


def test_common_labels():
    one, two = Labels.of(a="1", b="2"), Labels.of(a="1", b="3")
    assert common_labels([one, two]) == Labels.of(a="1")
    assert common_labels([one]) == one
    assert common_labels([]) == Labels()
    assert [letter(0), letter(25), letter(26), letter(99)] == ["a", "z", "A", " "]


def test_sparklines_show_the_shape_and_the_gaps():
    values = np.arange(16.0)
    everywhere = np.ones(16, bool)
    assert sparkline(values, everywhere, 8) == "▁▂▃▄▅▆▇█"
    gone = everywhere.copy()
    gone[4:8] = False
    assert sparkline(values, gone, 8) == "▁▂  ▅▆▇█"
    assert sparkline(values, everywhere, 8, ascii_only=True).isascii()
    assert sparkline(np.ones(4), np.ones(4, bool), 4) == "▁▁▁▁"
    assert sparkline(values[:0], everywhere[:0], 3) == "   "
    assert sparkline(values, everywhere, 4, low=0, high=30)[-1] in "▃▄▅"
