"""Straight lines and smoothing through the samples of windows; values and present are (K, S)."""

from __future__ import annotations

import numpy as np

from termprom.model.values import Mask, TimesMs, Values
from termprom.promql.kernels.compensated import kahan_step
from termprom.promql.kernels.over_time import LOOP_MAX, ROUGH, samples_in_order
from termprom.promql.kernels.rate import changes
from termprom.promql.kernels.runs import join_lines, over_runs
from termprom.promql.kernels.windows import Windows


def slope(windows: Windows) -> tuple[Values, Mask]:
    """deriv: the slope per second of the least-squares line."""
    origin = windows.pick_times(windows.first)
    slopes, _ = _line(windows, origin)
    return slopes, windows.spread(windows.counts >= 2)


def predict(windows: Windows, steps_ms: TimesMs, ahead: Values) -> tuple[Values, Mask]:
    """predict_linear: the line's value `ahead` (S,) seconds after the step itself.

    The line is laid around the step, whatever offset or `@` moved the window.
    """
    slopes, intercepts = _line(windows, steps_ms)
    return slopes * ahead + intercepts, windows.spread(windows.counts >= 2)


def _line(windows: Windows, origin_ms: TimesMs) -> tuple[Values, Values]:
    """Slope and intercept at the origin; (K, S) each. Source: reference 6.9."""
    if int(windows.counts.max(initial=0)) <= LOOP_MAX:
        return _line_in_order(windows, origin_ms)
    slopes, intercepts, rough = _line_of_runs(windows, origin_ms)
    rows = np.flatnonzero((rough & windows.held).any(axis=1))
    if rows.size:
        origins = origin_ms if origin_ms.ndim == 1 else origin_ms[rows]
        slopes[rows], intercepts[rows] = _line_in_order(windows.of_rows(rows), origins)
    return slopes, intercepts


def _line_in_order(windows: Windows, origin_ms: TimesMs) -> tuple[Values, Values]:
    shape = windows.shape
    names = ("x", "y", "xy", "xx")
    sums = {name: np.zeros(shape) for name in names}
    rests = {name: np.zeros(shape) for name in names}
    first_values = windows.pick(windows.first)
    constant = np.ones(shape, dtype=np.bool_)
    for number, y, have in samples_in_order(windows):
        times = windows.pick_times(windows.first + number)
        x = np.broadcast_to((times - origin_ms) / 1000, shape)
        constant &= ~have | (y == first_values)
        for name, addend in (("x", x), ("y", y), ("xy", x * y), ("xx", x * x)):
            new_sum, new_rest = kahan_step(addend, sums[name], rests[name])
            np.copyto(sums[name], new_sum, where=have)
            np.copyto(rests[name], new_rest, where=have)
    n = windows.counts.astype(np.float64)
    x, y, xy, xx = (sums[name] + rests[name] for name in names)
    covariance = xy - x * y / n
    deviation = xx - x * x / n
    slopes = covariance / deviation
    intercepts = y / n - slopes * x / n
    flat_value = np.where(np.isinf(first_values), np.nan, first_values)
    flat_slope = np.where(np.isinf(first_values), np.nan, 0.0)
    return np.where(constant, flat_slope, slopes), np.where(constant, flat_value, intercepts)


def _line_of_runs(windows: Windows, origin_ms: TimesMs) -> tuple[Values, Values, Mask]:
    """Slope and intercept of long windows, and where they are rough.

    Times count from the first of all, which is near them. A line is rough where the sums that the
    original takes apart are so much larger than what is left that its answer is rounding.
    """
    base_ms = windows.times_ms[0]
    x = (windows.times_ms - base_ms) / 1000
    # No line goes through infinity.
    products = np.where(np.isfinite(windows.values), 0.0, np.nan)
    # Shared times are worked out once for all series.
    of_times = windows.counts.shape
    leaves = x, np.zeros(x.shape), windows.values, products
    empty = tuple(np.zeros(shape) for shape in (of_times, of_times, windows.shape, windows.shape))
    mean_x, squares, mean_y, products = over_runs(windows, leaves, empty, join_lines)
    slopes = products / squares
    from_origin = mean_x - (origin_ms - base_ms) / 1000
    apart = np.abs(mean_y * from_origin) * windows.counts
    rough: Mask = (apart > ROUGH * np.abs(products)) | (
        from_origin * from_origin * windows.counts > ROUGH * squares
    )
    level = products == 0
    if level.any():
        # Of equal values nothing is left in any order; otherwise it was rounded away.
        changed, _ = changes(windows)
        rough = (rough | level) & ~(level & (changed == 0))
    return slopes, mean_y - slopes * from_origin, rough


def smooth(windows: Windows, smoothing: Values, trend: Values) -> tuple[Values, Mask]:
    """double_exponential_smoothing; both factors (S,), inside (0, 1). Source: reference 6.10."""
    before = np.zeros(windows.shape)
    level = windows.pick(windows.first)
    slopes = windows.pick(windows.first + 1) - level
    for number, values, have in samples_in_order(windows):
        if number == 0:
            continue
        if number > 1:
            turned = trend * (level - before) + (1 - trend) * slopes
            np.copyto(slopes, turned, where=have)
        carried = (1 - smoothing) * (level + slopes)
        np.copyto(before, level, where=have)
        np.copyto(level, smoothing * values + carried, where=have)
    return level, windows.spread(windows.counts >= 2)
