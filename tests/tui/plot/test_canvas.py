"""The raster against a slow twin, and the promises that a picture makes."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from termprom.tui.plot.canvas import (
    GAP_STEPS,
    NOBODY,
    Runs,
    grounded,
    line_runs,
    paint,
    point_runs,
)
from termprom.tui.plot.symbols import ASCII, BRAILLE, SYMBOL_SETS

STEP = 1000


def slow_line_runs(times, places, present, *, step_ms, window, width, height):
    """The same as `line_runs`, a column and a sample at a time."""
    start, end = window
    all_top, all_bottom = [], []
    for row_places, row_present in zip(places, present, strict=True):
        points = [
            ((t - start) * (width / (end - start)), (1.0 - p) * (height - 1), t)
            for t, p, here in zip(times, row_places, row_present, strict=True)
            if here and math.isfinite(p)
        ]
        seen = {t for _, _, t in points}
        pieces = [
            (a, b)
            for a, b in pairwise(points)
            if b[2] - a[2] <= GAP_STEPS * step_ms
            and not any(a[2] < t < b[2] for t in times if t not in seen)
        ]
        spans = []
        for column in range(width):
            rows = [
                y
                for x, y, _ in points
                if math.floor(x) == column or (x == width and column == width - 1)
            ]
            middle = column + 0.5
            for (x0, y0, _), (x1, y1, _) in pieces:
                if x0 <= middle < x1:
                    share = (middle - x0) / (x1 - x0)
                    rows.append(y0 * (1 - share) + y1 * share)
            if rows:
                clipped = [min(max(round(y), -1), height) for y in (min(rows), max(rows))]
                spans.append(clipped)
            else:
                spans.append([height, -1])
        top = [span[0] for span in spans]
        bottom = [span[1] for span in spans]
        for column in range(width - 1):
            crosses = any(x0 < column + 1 <= x1 for (x0, _, _), (x1, _, _) in pieces)
            (t0, b0), (t1, b1) = spans[column], spans[column + 1]
            if not crosses or t0 > b0 or t1 > b1:
                continue
            if t1 > b0 + 1:
                middle_row = (b0 + t1) // 2
                bottom[column] = max(bottom[column], middle_row)
                top[column + 1] = min(top[column + 1], middle_row + 1)
            elif b1 < t0 - 1:
                middle_row = (t0 + b1) // 2
                top[column] = min(top[column], middle_row + 1)
                bottom[column + 1] = max(bottom[column + 1], middle_row)
        all_top.append(top)
        all_bottom.append(bottom)
    return all_top, all_bottom


@st.composite
def matrices(draw):
    steps = draw(st.integers(1, 24))
    series = draw(st.integers(1, 3))
    missing = draw(st.sets(st.integers(0, steps - 1), max_size=4)) if steps > 4 else set()
    times = np.array([n * STEP for n in range(steps) if n not in missing], dtype=np.int64)
    cell = st.one_of(st.integers(-2, 12).map(lambda n: n / 10 + 0.003), st.just(math.nan))
    shape = (series, times.size)
    places = np.array(
        [draw(st.lists(cell, min_size=times.size, max_size=times.size)) for _ in range(series)]
    ).reshape(shape)
    present = np.array(
        [
            draw(st.lists(st.booleans(), min_size=times.size, max_size=times.size))
            for _ in range(series)
        ],
        dtype=bool,
    ).reshape(shape)
    return times, places, present


@given(matrices(), st.integers(1, 17), st.integers(2, 13), st.integers(-3, 3))
def test_runs_equal_the_slow_twin(matrix, width, height, shift):
    times, places, present = matrix
    window = (shift * STEP, shift * STEP + 20 * STEP)
    arguments = {"step_ms": STEP, "window": window, "width": width, "height": height}
    fast = line_runs(times, places, present, **arguments)
    top, bottom = slow_line_runs(times.tolist(), places.tolist(), present.tolist(), **arguments)
    np.testing.assert_array_equal(fast.top, top)
    np.testing.assert_array_equal(fast.bottom, bottom)


def _lines(values, present=None, *, width=40, height=16, step=STEP):
    values = np.atleast_2d(np.asarray(values, dtype=np.float64))
    present = np.ones(values.shape, bool) if present is None else np.atleast_2d(present)
    times = np.arange(values.shape[1], dtype=np.int64) * step
    return line_runs(
        times,
        values,
        present,
        step_ms=step,
        window=(0, int(times[-1]) or step),
        width=width,
        height=height,
    )


def test_a_spike_of_one_sample_among_thousands_is_seen():
    values = np.zeros(10_000)
    values[6_543] = 1.0
    runs = _lines(values)
    assert runs.top.min() == 0, "the spike reaches the top row"


def test_nothing_is_drawn_across_a_gap():
    present = np.ones(41, bool)
    present[20] = False
    runs = _lines(np.full(41, 0.5), present, width=80)
    empty = np.flatnonzero(~runs.filled[0])
    assert empty.size >= 2
    assert empty.min() >= 38
    assert empty.max() <= 42


def test_a_lone_sample_is_one_dot():
    present = np.zeros(21, bool)
    present[10] = True
    runs = _lines(np.full(21, 0.5), present)
    raster = paint(runs, dashes=(0,), order=(0,), symbols=BRAILLE, rows=4, columns=20)
    assert int(np.unpackbits(raster.bits.ravel()).sum()) == 1


def test_steep_lines_have_no_holes():
    runs = _lines([0, 1, 0, 1, 0, 1], width=60, height=80)
    top, bottom = runs.top[0], runs.bottom[0]
    for column in range(59):
        assert top[column + 1] <= bottom[column] + 1
        assert bottom[column + 1] >= top[column] - 1


def test_a_shared_cell_belongs_to_the_series_drawn_last():
    runs = _lines([[0.5] * 5, [0.5] * 5])
    kwargs = {"dashes": (0, 0), "symbols": BRAILLE, "rows": 4, "columns": 20}
    assert set(paint(runs, order=(0, 1), **kwargs).owners.ravel()) == {NOBODY, 1}
    assert set(paint(runs, order=(1, 0), **kwargs).owners.ravel()) == {NOBODY, 0}


def test_a_dash_gap_does_not_hide_a_spike():
    values = np.zeros(400)
    for column in range(0, 400, 7):
        values[column] = 1.0
    runs = _lines(values, width=400, height=40)
    for dash in range(4):
        raster = paint(runs, dashes=(dash,), order=(0,), symbols=BRAILLE, rows=10, columns=200)
        assert np.count_nonzero(raster.bits[0]) >= np.count_nonzero(values) - 1


def test_points_leave_the_space_between_them_empty():
    times = np.array([0, 10_000, 20_000], dtype=np.int64)
    runs = point_runs(
        times,
        np.array([[0.0, 0.5, 1.0]]),
        np.ones((1, 3), bool),
        window=(0, 20_000),
        width=30,
        height=11,
    )
    assert np.flatnonzero(runs.filled[0]).tolist() == [0, 15, 29]
    assert grounded(runs, 10).bottom[0, 29] == 10
    assert grounded(runs, 10).top[0, 29] == 0


def test_no_series_is_a_blank_canvas():
    empty = Runs(np.empty((0, 10), np.int64), np.empty((0, 10), np.int64))
    raster = paint(empty, dashes=(), order=(), symbols=ASCII, rows=2, columns=10)
    assert not raster.bits.any()


def test_every_symbol_set_tells_each_dot_apart():
    for symbols in SYMBOL_SETS.values():
        assert symbols.bit.shape == (symbols.tall, symbols.wide)
        assert symbols.glyphs.size == 1 << (symbols.tall * symbols.wide)
        assert len(set(symbols.glyphs.tolist())) == symbols.glyphs.size
        assert symbols.glyphs[0] == ord(" ")
