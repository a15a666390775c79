"""What a graph shows, as one immutable value: series, window, axis, and what is laid over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum

import numpy as np

from termprom.model.values import Mask, TimesMs, Values
from termprom.tui.plot.identity import Pen
from termprom.tui.plot.yaxis import ScaleKind, YAxis, fit_axis


class Mode(StrEnum):
    """How series are drawn."""

    LINES = "lines"
    STACKED = "stacked"
    BARS = "bars"
    POINTS = "points"
    STATES = "states"
    HEATMAP = "heatmap"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A horizontal line at `value`; the label is inert text of one-cell characters."""

    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: a glyph under the axis, a text where there is room."""

    at_ms: int
    glyph: str
    text: str
    ink: int


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Series on a grid. Shapes: times_ms (S,) ascending; values, present (K, S)."""

    times_ms: TimesMs
    step_ms: int
    values: Values
    present: Mask

    @property
    def count(self) -> int:
        return int(self.values.shape[0])

    def rows(self, picked: list[int]) -> Matrix:
        """Some of the series, in that order."""
        return Matrix(self.times_ms, self.step_ms, self.values[picked], self.present[picked])

    def inside(self, window: tuple[int, int]) -> Mask:
        """Which cells hold a finite value within [start, end], shape (K, S)."""
        within = (self.times_ms >= window[0]) & (self.times_ms <= window[1])
        seen: Mask = self.present & np.isfinite(self.values) & within
        return seen


def edges_of(matrix: Matrix) -> Matrix:
    """The highest and the lowest finite value at each step, as two series."""
    seen = matrix.present & np.isfinite(matrix.values)
    low = np.min(matrix.values, axis=0, where=seen, initial=np.inf)
    high = np.max(matrix.values, axis=0, where=seen, initial=-np.inf)
    some = seen.any(axis=0)
    values = np.where(some, np.vstack([high, low]), 0.0)
    return Matrix(matrix.times_ms, matrix.step_ms, values, np.vstack([some, some]))


EMPTY_MATRIX = Matrix(
    np.empty(0, np.int64), 1, np.empty((0, 0), np.float64), np.empty((0, 0), np.bool_)
)


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """One picture to draw. `pens` belong to the series of `lines`, in order.

    `highlight` is a position in `lines`. `rest` is what is shown only as a band from its lowest
    to its highest value. `compare` has the same series as `lines`, already moved in time.
    """

    lines: Matrix = EMPTY_MATRIX
    pens: tuple[Pen, ...] = ()
    names: tuple[str, ...] = ()
    window: tuple[int, int] = (0, 1)
    axis: YAxis = field(default_factory=YAxis)
    mode: Mode = Mode.LINES
    highlight: int | None = None
    rest: Matrix | None = None
    compare: Matrix | None = None
    thresholds: tuple[Threshold, ...] = ()
    marks: tuple[Mark, ...] = ()
    crosshair_ms: int | None = None
    selection: tuple[int, int] | None = None
    now_ms: int = 0
    zone: tzinfo = UTC
    heat_bounds: tuple[float, ...] = ()  # upper bounds of the rows of a heatmap


_THRESHOLD_REACH = 4.0  # a threshold this many times the data's size away is named, not shown


def fit(
    matrices: list[Matrix],
    window: tuple[int, int],
    wanted: YAxis,
    *,
    thresholds: tuple[Threshold, ...] = (),
    zero_based: bool = False,
    low: float | None = None,
    high: float | None = None,
    stacked: bool = False,
) -> YAxis:
    """The axis, of the kind and unit of `wanted`, on which all of the data in the window fits.

    Thresholds near the data are included; `low` and `high` are the operator's own ends.
    """
    smallest, lowest, highest = np.inf, np.inf, -np.inf
    for matrix in matrices:
        seen = matrix.inside(window)
        if not seen.any():
            continue
        values = matrix.values
        if stacked:
            values = np.cumsum(np.where(seen, values, 0.0), axis=0)
        lowest = min(lowest, float(np.min(values, where=seen, initial=np.inf)))
        highest = max(highest, float(np.max(values, where=seen, initial=-np.inf)))
        positive = seen & (values > 0)
        smallest = min(smallest, float(np.min(values, where=positive, initial=np.inf)))
    size = max(abs(lowest), abs(highest)) if lowest <= highest else 0.0
    for threshold in thresholds:
        if lowest > highest or size == 0 or abs(threshold.value) <= _THRESHOLD_REACH * size:
            lowest, highest = min(lowest, threshold.value), max(highest, threshold.value)
    axis = fit_axis(
        lowest,
        highest,
        wanted.unit,
        kind=wanted.kind,
        zero_based=zero_based or stacked,
        smallest_positive=0.0 if smallest == np.inf else smallest,
    )
    if low is None and high is None:
        return axis
    bottom = axis.low if low is None else low
    top = axis.high if high is None else high
    if not bottom < top or (axis.kind is ScaleKind.LOG and bottom <= 0):
        return axis
    return YAxis(bottom, top, axis.kind, axis.unit, axis.knee)
