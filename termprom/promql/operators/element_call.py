"""Functions that map each element by itself; they pass batches through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from termprom.model.grid import Grid
from termprom.model.values import Mask, Values
from termprom.promql import notices
from termprom.promql.histograms import quantile
from termprom.promql.histograms.combine import scale
from termprom.promql.histograms.value import Histogram
from termprom.promql.kernels import calendar, elementwise
from termprom.promql.kernels.arithmetic import ARITHMETIC, COMPARISONS
from termprom.promql.operators import histogram_cells
from termprom.promql.operators.histogram_binary import TRIMS, Remarks, element_binary
from termprom.promql.operators.histogram_cells import Cells
from termprom.promql.operators.stream import Batch, Stream
from termprom.promql.operators.unique import merged_over_time
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span

FloatCells = tuple[Values, Mask]

ELEMENT_FUNCTIONS: Final = frozenset(elementwise.FUNCTIONS) | {
    "clamp",
    "clamp_max",
    "clamp_min",
    "round",
}
# Of floats they give nothing; native histograms are what they are for.
HISTOGRAM_ONLY: Final = frozenset(
    {
        "histogram_avg",
        "histogram_count",
        "histogram_stddev",
        "histogram_stdvar",
        "histogram_sum",
    }
)
_MEASURES: Final[dict[str, Callable[[Histogram], float]]] = {
    "histogram_avg": quantile.average,
    "histogram_count": lambda one: one.count,
    "histogram_stddev": quantile.deviation,
    "histogram_stdvar": quantile.variance,
    "histogram_sum": lambda one: one.sum,
}


def element_call(run: Run, func: str, stream: Stream, params: list[Values], grid: Grid) -> Stream:
    """`func` of every element; `params` are its scalar arguments, (S,) each."""
    infinite = np.full(grid.count, np.inf)

    def cells(values: Values, present: Mask) -> FloatCells:
        match func, params:
            case "clamp", [low, high]:
                return elementwise.clamp(values, low, high), present & ~(high < low)
            case "clamp_max", [high]:
                return elementwise.clamp(values, -infinite, high), present
            case "clamp_min", [low]:
                return elementwise.clamp(values, low, infinite), present
            case "round", []:
                return elementwise.round_to(values, np.ones(grid.count)), present
            case "round", [nearest]:
                return elementwise.round_to(values, nearest), present
            case _ if func in calendar.PARTS:
                seconds = calendar.whole_seconds(values)
                return calendar.PARTS[func](seconds).astype(np.float64), present
            case _:
                return elementwise.FUNCTIONS[func](values), present

    return _mapped(run, stream, cells, grid, drops_name=True)


def histogram_only(run: Run, func: str, stream: Stream, grid: Grid) -> Stream:
    """A number of every native histogram; of floats nothing."""
    measure = _MEASURES[func]

    def change(batch: Batch) -> Batch:
        values = np.zeros(batch.values.shape)
        present = np.zeros(batch.present.shape, dtype=np.bool_)
        for place, cells in batch.local().items():
            for step, histogram in cells.items():
                values[place, step] = measure(histogram)
                present[place, step] = True
        return Batch(batch.rows, values, present)

    return _changed(run, stream, change, grid, drops_name=True)


def negated(run: Run, stream: Stream, grid: Grid) -> Stream:
    """-v"""

    def change(batch: Batch) -> Batch:
        cells = histogram_cells.mapped(batch.histograms, lambda one: scale(one, -1.0))
        return Batch(batch.rows, -batch.values, batch.present, cells)

    return _changed(run, stream, change, grid, drops_name=True)


def step_times(run: Run, stream: Stream, grid: Grid) -> Stream:
    """timestamp() of anything but a selector: the time of the step, in seconds."""
    times = grid.steps_ms() / 1000

    def change(batch: Batch) -> Batch:
        return Batch(batch.rows, np.broadcast_to(times, batch.values.shape), batch.held())

    return _changed(run, stream, change, grid, drops_name=True)


def with_scalar(
    run: Run,
    op: str,
    stream: Stream,
    scalar: Values,
    grid: Grid,
    span: Span,
    *,
    scalar_left: bool,
    return_bool: bool,
) -> Stream:
    """vector op scalar, or scalar op vector; scalar (S,). A filter keeps the vector's values."""
    if op in TRIMS:
        return _trimmed(run, op, stream, scalar, grid, span, scalar_left=scalar_left)
    compare = COMPARISONS.get(op)
    operation: Callable[[Values, Values], Values] = compare or ARITHMETIC[op]

    def cells(values: Values, present: Mask) -> FloatCells:
        result = operation(scalar, values) if scalar_left else operation(values, scalar)
        if compare is None:
            return result, present
        if return_bool:
            return result.astype(np.float64), present
        return values, present & result.astype(np.bool_)

    def change(batch: Batch) -> Batch:
        values, present = cells(batch.values, batch.present)
        kept = _with_scalar(run, op, batch.histograms, scalar, span, scalar_left=scalar_left)
        return Batch(batch.rows, values, present, kept)

    return _changed(run, stream, change, grid, drops_name=compare is None or return_bool)


def _trimmed(
    run: Run,
    op: str,
    stream: Stream,
    scalar: Values,
    grid: Grid,
    span: Span,
    *,
    scalar_left: bool,
) -> Stream:
    """Native histograms less a part; of floats there is none."""

    def change(batch: Batch) -> Batch:
        if batch.present.any():
            run.notices.inform(notices.incompatible_types(op, "float", "float"), span)
        kept = _with_scalar(run, op, batch.histograms, scalar, span, scalar_left=scalar_left)
        return Batch(batch.rows, batch.values, np.zeros_like(batch.present), kept)

    return _changed(run, stream, change, grid, drops_name=False)


def _with_scalar(
    run: Run, op: str, cells: Cells, scalar: Values, span: Span, *, scalar_left: bool
) -> Cells:
    if not cells:
        return cells
    remarks = Remarks()
    kept: dict[int, dict[int, Histogram]] = {}
    for row, held in cells.items():
        for step, one in held.items():
            number = float(scalar[step])
            left, right = (number, one) if scalar_left else (one, number)
            found = element_binary(op, left, right, step, remarks)
            if isinstance(found, Histogram):
                kept.setdefault(row, {})[step] = found
    remarks.report(run, span)
    return kept


def _mapped(
    run: Run,
    stream: Stream,
    cells: Callable[[Values, Mask], FloatCells],
    grid: Grid,
    *,
    drops_name: bool,
) -> Stream:
    """Functions of floats alone: they give nothing for histograms."""

    def change(batch: Batch) -> Batch:
        return Batch(batch.rows, *cells(batch.values, batch.present))

    return _changed(run, stream, change, grid, drops_name=drops_name)


def _changed(
    run: Run, stream: Stream, change: Callable[[Batch], Batch], grid: Grid, *, drops_name: bool
) -> Stream:
    series = stream.series
    if drops_name:
        series = series.dropping_name(delayed=run.delayed_name_removal)
    mapped = stream.changed(series, change)
    # Labels change, and so can collide, only where the name goes at once.
    return merged_over_time(run, mapped, grid.count) if series.nameless else mapped
