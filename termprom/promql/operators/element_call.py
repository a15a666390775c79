"""Functions that map each element by itself; they pass batches through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from termprom.model.grid import Grid
from termprom.model.values import Mask, Values
from termprom.promql.kernels import calendar, elementwise
from termprom.promql.kernels.arithmetic import ARITHMETIC, COMPARISONS
from termprom.promql.operators.stream import Batch, Stream
from termprom.promql.operators.unique import merged_over_time
from termprom.promql.run import Run

Cells = tuple[Values, Mask]

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
        "start_timestamp",
    }
)


def element_call(run: Run, func: str, stream: Stream, params: list[Values], grid: Grid) -> Stream:
    """`func` of every element; `params` are its scalar arguments, (S,) each."""
    infinite = np.full(grid.count, np.inf)

    def cells(values: Values, present: Mask) -> Cells:
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


def histogram_only(run: Run, stream: Stream, grid: Grid) -> Stream:
    """What a function of native histograms gives for floats: nothing."""

    def cells(values: Values, present: Mask) -> Cells:
        return values, np.zeros(present.shape, dtype=np.bool_)

    return _mapped(run, stream, cells, grid, drops_name=True)


def negated(run: Run, stream: Stream, grid: Grid) -> Stream:
    """-v"""

    def cells(values: Values, present: Mask) -> Cells:
        return -values, present

    return _mapped(run, stream, cells, grid, drops_name=True)


def step_times(run: Run, stream: Stream, grid: Grid) -> Stream:
    """timestamp() of anything but a selector: the time of the step, in seconds."""
    times = grid.steps_ms() / 1000

    def cells(values: Values, present: Mask) -> Cells:
        return np.broadcast_to(times, values.shape), present

    return _mapped(run, stream, cells, grid, drops_name=True)


def with_scalar(
    run: Run,
    op: str,
    stream: Stream,
    scalar: Values,
    grid: Grid,
    *,
    scalar_left: bool,
    return_bool: bool,
) -> Stream:
    """vector op scalar, or scalar op vector; scalar (S,). A filter keeps the vector's values."""
    compare = COMPARISONS.get(op)
    operation: Callable[[Values, Values], Values] = compare or ARITHMETIC[op]

    def cells(values: Values, present: Mask) -> Cells:
        result = operation(scalar, values) if scalar_left else operation(values, scalar)
        if compare is None:
            return result, present
        if return_bool:
            return result.astype(np.float64), present
        return values, present & result.astype(np.bool_)

    return _mapped(run, stream, cells, grid, drops_name=compare is None or return_bool)


def _mapped(
    run: Run,
    stream: Stream,
    cells: Callable[[Values, Mask], Cells],
    grid: Grid,
    *,
    drops_name: bool,
) -> Stream:
    def batches() -> Iterator[Batch]:
        for batch in stream.batches:
            run.check()
            values, present = cells(batch.values, batch.present)
            yield Batch(batch.rows, values, present)

    series = stream.series
    if drops_name:
        series = series.dropping_name(delayed=run.delayed_name_removal)
    mapped = Stream(series, batches())
    # Labels change, and so can collide, only where the name goes at once.
    return merged_over_time(run, mapped, grid.count) if series.nameless else mapped
