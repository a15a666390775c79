"""The dots of a graph: series on a grid of steps, rastered into cells that know their owner.

Everything works on whole matrices; there is no Python per sample or per dot. In words:

    centre   each dot column samples every line in its middle, by linear interpolation
    points   the lowest and highest sample inside a column widen its run: spikes never vanish
    links    where a line crosses from one column to the next, the two runs are made to touch
    gaps     a line breaks wherever neighbouring samples are more than 1.5 steps apart
    owner    a cell that several lines cross belongs to the one drawn last

Shapes: K series, S steps, W dot columns, H dot rows. Rows count from the top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from termprom.model.values import Ints, Mask, TimesMs, Values
from termprom.tui.plot.symbols import Bits, Symbols

GAP_STEPS: Final = 1.5
NOBODY: Final = -1

Owners = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Raster:
    """Cells of a canvas, shape (rows, columns): dots as bits of the symbol set, and the owner.

    `owners` holds the position of the series drawn last in the cell, NOBODY where there is none.
    """

    bits: Bits
    owners: Owners


@dataclass(frozen=True, slots=True)
class Runs:
    """Per series and dot column one vertical run [top, bottom] of dots; empty: top > bottom.

    Shapes: both (K, W) int64.
    """

    top: Ints
    bottom: Ints

    @property
    def filled(self) -> Mask:
        filled: Mask = self.top <= self.bottom
        return filled


# (on, off, on, off) in dot columns; solid, dashed, dotted, dash-dot.
DASHES: Final[tuple[tuple[int, ...], ...]] = ((1, 0), (6, 2), (2, 2), (6, 2, 2, 2))
_SHORT_RUN: Final = 2  # dots; a dash gap never hides a taller run, which may be a spike


def columns_of(times_ms: TimesMs, window: tuple[int, int], width: int) -> Values:
    """Where moments lie in dot columns, as floats; the window [start, end] spans [0, width]."""
    start, end = window
    placed: Values = ((times_ms - start) * (width / max(end - start, 1))).astype(np.float64)
    return placed


def line_runs(
    times_ms: TimesMs,
    places: Values,
    present: Mask,
    *,
    step_ms: int,
    window: tuple[int, int],
    width: int,
    height: int,
) -> Runs:
    """Lines through the samples.

    Shapes: times_ms (S,) ascending; places (K, S), 0 at the bottom and 1 at the top, NaN where
    the axis cannot show the value; present (K, S) -> runs (K, W).
    """
    series_count, step_count = places.shape
    top = np.full((series_count, width), height, dtype=np.int64)
    bottom = np.full((series_count, width), -1, dtype=np.int64)
    if step_count == 0 or series_count == 0:
        return Runs(top, bottom)
    seen: Mask = present & np.isfinite(places)
    rows = np.where(seen, (1.0 - places) * (height - 1), np.nan)
    x = columns_of(times_ms, window, width)

    low, high = _points(x, rows, seen, width)
    linked = np.zeros((series_count, max(width - 1, 0)), dtype=np.bool_)
    if step_count > 1:
        near: Mask = np.diff(times_ms) <= GAP_STEPS * step_ms
        joined: Mask = seen[:, :-1] & seen[:, 1:] & near
        centre = _centres(x, rows, joined, width)
        low, high = np.fmin(low, centre), np.fmax(high, centre)
        linked = _links(x, joined, width)

    has = ~np.isnan(low)
    # Far outside the canvas a run still keeps its direction, so links leave through the edge.
    top[has] = np.clip(np.rint(low[has]), -1, height).astype(np.int64)
    bottom[has] = np.clip(np.rint(high[has]), -1, height).astype(np.int64)
    return _touching(Runs(top, bottom), linked & has[:, :-1] & has[:, 1:])


def _points(x: Values, rows: Values, seen: Mask, width: int) -> tuple[Values, Values]:
    """The topmost and lowest sample row within each dot column, NaN where there is no sample."""
    low = np.full((rows.shape[0], width), np.nan)
    high = low.copy()
    # The window's right end belongs to the last column; everything else is [c, c + 1).
    column = np.floor(np.where(x == width, width - 1, x)).astype(np.int64)
    inside = np.flatnonzero((column >= 0) & (column < width))
    if inside.size == 0:
        return low, high
    # Times ascend, so the samples of a column are neighbours: one reduceat serves all series.
    columns, starts = np.unique(column[inside], return_index=True)
    picked = rows[:, inside]
    low[:, columns] = np.fmin.reduceat(picked, starts, axis=1)
    high[:, columns] = np.fmax.reduceat(picked, starts, axis=1)
    return low, high


def _centres(x: Values, rows: Values, joined: Mask, width: int) -> Values:
    """Every line at the middle of every dot column, NaN where no line passes."""
    middles = np.arange(width) + 0.5
    left = np.searchsorted(x, middles, side="right") - 1
    within = (left >= 0) & (left < x.size - 1)
    left = np.clip(left, 0, x.size - 2)
    gap = x[left + 1] - x[left]
    share = np.where(gap > 0, (middles - x[left]) / np.where(gap > 0, gap, 1.0), 0.0)
    values = rows[:, left] * (1 - share) + rows[:, left + 1] * share
    centres: Values = np.where(joined[:, left] & within, values, np.nan)
    return centres


def _links(x: Values, joined: Mask, width: int) -> Mask:
    """Whether a line crosses from column c to c + 1, shape (K, W - 1)."""
    borders = np.arange(1, width, dtype=np.float64)
    left = np.searchsorted(x, borders, side="left") - 1
    within = (left >= 0) & (left < x.size - 1)
    left = np.clip(left, 0, x.size - 2)
    linked: Mask = joined[:, left] & within
    return linked


def _touching(runs: Runs, linked: Mask) -> Runs:
    """The runs, grown so that linked neighbours meet half way between them."""
    top, bottom = runs.top.copy(), runs.bottom.copy()
    falling = linked & (runs.top[:, 1:] > runs.bottom[:, :-1] + 1)
    middle = (runs.bottom[:, :-1] + runs.top[:, 1:]) // 2
    bottom[:, :-1] = np.where(falling, np.maximum(bottom[:, :-1], middle), bottom[:, :-1])
    top[:, 1:] = np.where(falling, np.minimum(top[:, 1:], middle + 1), top[:, 1:])
    rising = linked & (runs.bottom[:, 1:] < runs.top[:, :-1] - 1)
    middle = (runs.top[:, :-1] + runs.bottom[:, 1:]) // 2
    top[:, :-1] = np.where(rising, np.minimum(top[:, :-1], middle + 1), top[:, :-1])
    bottom[:, 1:] = np.where(rising, np.maximum(bottom[:, 1:], middle), bottom[:, 1:])
    return Runs(top, bottom)


def point_runs(
    times_ms: TimesMs,
    places: Values,
    present: Mask,
    *,
    window: tuple[int, int],
    width: int,
    height: int,
) -> Runs:
    """Samples alone, nothing between them; a column with several shows their span."""
    seen: Mask = present & np.isfinite(places)
    rows = np.where(seen, (1.0 - places) * (height - 1), np.nan)
    low, high = _points(columns_of(times_ms, window, width), rows, seen, width)
    has = ~np.isnan(low)
    top = np.full(low.shape, height, dtype=np.int64)
    bottom = np.full(low.shape, -1, dtype=np.int64)
    top[has] = np.clip(np.rint(low[has]), -1, height).astype(np.int64)
    bottom[has] = np.clip(np.rint(high[has]), -1, height).astype(np.int64)
    return Runs(top, bottom)


def grounded(runs: Runs, ground: int) -> Runs:
    """The runs stretched to the row `ground`: bars from lines or points."""
    filled = runs.filled
    return Runs(
        np.where(filled, np.minimum(runs.top, ground), runs.top),
        np.where(filled, np.maximum(runs.bottom, ground), runs.bottom),
    )


def paint(
    runs: Runs,
    *,
    dashes: tuple[int, ...],
    order: tuple[int, ...],
    symbols: Symbols,
    rows: int,
    columns: int,
) -> Raster:
    """The runs as cells; series are drawn in `order`, positions in the runs, the last on top.

    Dash gaps hide only short runs. Shapes: -> (rows, columns).
    """
    height, width = rows * symbols.tall, columns * symbols.wide
    bits = np.zeros(rows * columns, dtype=np.uint8)
    owners = np.full(rows * columns, NOBODY, dtype=np.int16)
    if order and runs.top.size:
        picked = np.array(order, dtype=np.int64)
        top = np.maximum(runs.top[picked], 0)
        bottom = np.minimum(runs.bottom[picked], height - 1)
        tall = np.maximum(bottom - top + 1, 0)
        tall *= _inked(tuple(dashes[number] for number in order), width) | (tall > _SHORT_RUN)
        flat = tall.ravel()
        total = int(flat.sum())
        if total:
            which = np.repeat(np.arange(flat.size), flat)
            first = np.cumsum(flat) - flat
            row = top.ravel()[which] + np.arange(total) - first[which]
            series, column = np.divmod(which, width)
            cell = row // symbols.tall * columns + column // symbols.wide
            dot = symbols.bit[row % symbols.tall, column % symbols.wide]
            np.bitwise_or.at(bits, cell, dot)
            owners[cell] = picked[series]
    return Raster(bits.reshape(rows, columns), owners.reshape(rows, columns))


def _inked(dashes: tuple[int, ...], width: int) -> Mask:
    """Which dot columns each dash pattern draws, shape (K, W)."""
    columns = np.arange(width)
    inked = np.ones((len(dashes), width), dtype=np.bool_)
    for number, dash in enumerate(dashes):
        pattern = DASHES[dash % len(DASHES)]
        if pattern[1]:
            ink = np.repeat(np.arange(len(pattern)) % 2 == 0, pattern)
            inked[number] = ink[columns % ink.size]
    return inked
