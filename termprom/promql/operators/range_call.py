"""Functions of a range vector: one kernel per function, applied to lane after lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.grid import Grid
from termprom.model.values import Mask, Values
from termprom.promql import notices
from termprom.promql.kernels import over_time, quantile, rate, regression
from termprom.promql.kernels.windows import Samples, Windows, windows_of
from termprom.promql.operators.edge_call import check_modifier, edge_batches
from termprom.promql.operators.lanes import Lane
from termprom.promql.operators.mixed_range import with_histograms
from termprom.promql.operators.select import RangeSource
from termprom.promql.operators.started_call import STARTED, with_starts
from termprom.promql.operators.stream import Batch, Stream
from termprom.promql.operators.unique import never_equal
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span

Kernel = Callable[[Windows], tuple[Values, Mask]]

# Functions of nothing but the windows.
_PLAIN: Final[dict[str, Kernel]] = {
    "avg_over_time": over_time.average,
    "changes": rate.changes,
    "count_over_time": over_time.count,
    "deriv": regression.slope,
    "first_over_time": over_time.first,
    "last_over_time": over_time.last,
    "mad_over_time": quantile.deviation_over,
    "max_over_time": over_time.largest,
    "min_over_time": over_time.smallest,
    "present_over_time": over_time.present,
    "resets": rate.resets,
    "stddev_over_time": over_time.deviation,
    "stdvar_over_time": over_time.variance,
    "sum_over_time": over_time.total,
    "ts_of_first_over_time": over_time.time_of_first,
    "ts_of_last_over_time": over_time.time_of_last,
    "ts_of_max_over_time": over_time.time_of_largest,
    "ts_of_min_over_time": over_time.time_of_smallest,
}
RANGE_FUNCTIONS: Final = frozenset(_PLAIN) | {
    "delta",
    "double_exponential_smoothing",
    "idelta",
    "increase",
    "irate",
    "predict_linear",
    "quantile_over_time",
    "rate",
}
_KEEPS_NAME: Final = frozenset({"first_over_time", "last_over_time"})
_COUNTERS: Final = frozenset({"rate", "increase"})


def range_call(
    run: Run,
    func: str,
    source: RangeSource,
    params: list[Values],
    grid: Grid,
    span: Span,
    param_span: Span,
) -> Stream:
    """`func` over windows of `source`. `params` are its scalar arguments, (S,) each."""
    check_modifier(func, source)
    kernel = _kernel(run, func, source, params, grid, param_span)
    names = _CounterNames(source) if func in _COUNTERS else None

    def computed(lane: Lane) -> tuple[Batch, Samples]:
        rows, samples = lane
        windows = windows_of(samples, source.references, source.range_ms, run.check)
        if samples.since_ms is not None and func in STARTED:
            metrics = [source.series.metric_of(row) for row in rows.tolist()]
            values, present = with_starts(
                run, func, windows, samples.since_ms, source.range_seconds, metrics, span
            )
        else:
            values, present = kernel(windows)
        return Batch(rows, values, present), samples

    def noted(batch: Batch) -> Batch:
        if names is not None:
            names.note(run, batch.rows.tolist(), batch.present, span)
        return batch

    series = source.series
    if func not in _KEEPS_NAME:
        series = series.dropping_name(delayed=run.delayed_name_removal)
    if source.edges is not None:
        stream = Stream(series, map(noted, edge_batches(run, func, source, span)))
    elif source.histograms:
        # Of a quantile upstream says at its first argument what it means of the second.
        place = param_span if func == "quantile_over_time" else span
        batches = with_histograms(run, func, source, map(computed, source.lanes), place)
        stream = Stream(series, map(noted, batches))
    else:
        stream = Stream(series, source.lanes, lambda lane: noted(computed(lane)[0]))
    return never_equal(run, stream, grid.count)


def _kernel(
    run: Run, func: str, source: RangeSource, params: list[Values], grid: Grid, param_span: Span
) -> Kernel:
    match func:
        case "rate":
            seconds = source.range_seconds
            return lambda windows: rate.extrapolated(windows, counter=True, per_second=seconds)
        case "increase":
            return lambda windows: rate.extrapolated(windows, counter=True, per_second=None)
        case "delta":
            return lambda windows: rate.extrapolated(windows, counter=False, per_second=None)
        case "irate":
            return lambda windows: rate.instantaneous(windows, counter=True)
        case "idelta":
            return lambda windows: rate.instantaneous(windows, counter=False)
        case "predict_linear":
            steps_ms = grid.steps_ms()
            return lambda windows: regression.predict(windows, steps_ms, params[0])
        case "quantile_over_time":

            def quantiles(windows: Windows) -> tuple[Values, Mask]:
                values, held = quantile.quantile_over(windows, params[0])
                warn_of_each_quantile(run, params[0][held.any(axis=0)], param_span)
                return values, held

            return quantiles
        case "double_exponential_smoothing":
            if source.histograms:
                _check_factor("smoothing", params[0])
                _check_factor("trend", params[1])

            def smoothed(windows: Windows) -> tuple[Values, Mask]:
                # As upstream, where there is nothing to smooth nobody looks at the factors.
                used = windows.held.any(axis=0)
                _check_factor("smoothing", params[0][used])
                _check_factor("trend", params[1][used])
                return regression.smooth(windows, params[0], params[1])

            return smoothed
        case _:
            return _PLAIN[func]


def warn_of_quantiles(run: Run, q: Values, span: Span) -> None:
    """One warning for each side on which a quantile leaves [0, 1], and one for NaN."""
    if np.isnan(q).any():
        run.notices.warn(notices.quantile_out_of_range(float("nan")), span)
    largest, least = float(np.fmax.reduce(q)), float(np.fmin.reduce(q))
    if largest > 1:
        run.notices.warn(notices.quantile_out_of_range(largest), span)
    if least < 0:
        run.notices.warn(notices.quantile_out_of_range(least), span)


def warn_of_each_quantile(run: Run, q: Values, span: Span) -> None:
    """One warning for each of `q` that is none; functions look at every step by itself."""
    for value in np.unique(q[~((q >= 0) & (q <= 1))]).tolist():
        run.notices.warn(notices.quantile_out_of_range(value), span)


def _check_factor(name: str, factors: Values) -> None:
    for factor in factors[~((factors > 0) & (factors < 1))][:1].tolist():
        raise EvaluationError(
            f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {factor:f}"
        )


class _CounterNames:
    """Which rows' names do not look like a counter's, to say so once per name that has a value."""

    def __init__(self, source: RangeSource) -> None:
        labels = [] if source.series.nameless else source.series.raw
        suspects = labels[:1] if source.series.same_name else labels
        names = [one.metric for one in suspects]
        odd = [name if name and not notices.looks_like_counter(name) else "" for name in names]
        self._one = odd[0] if source.series.same_name and odd else None
        self._names = odd if any(odd) and self._one is None else []
        self._quiet = not any(odd)

    def note(self, run: Run, rows: list[int], present: Mask, span: Span) -> None:
        if self._quiet:
            return
        if self._one is not None:
            if present.any():
                run.notices.inform(notices.not_a_counter(self._one), span)
                self._quiet = True
            return
        held = np.flatnonzero(np.any(present, axis=1)).tolist()
        found = {self._names[rows[number]] for number in held}
        for name in sorted(found - {""}):
            run.notices.inform(notices.not_a_counter(name), span)
