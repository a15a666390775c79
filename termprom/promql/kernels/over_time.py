"""The over-time family: one number for the samples of each window.

All take Windows and give values and present, both (K, S). Sums, averages, minima and maxima of long
windows come from tables of runs of 1, 2, 4, ... samples, so that their cost does not follow the
window's length; nothing is ever subtracted from a sum, so no precision is lost.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from termprom.model.values import Ints, Mask, Values
from termprom.promql.kernels.compensated import add_pairs, kahan_step, may_overflow, settle
from termprom.promql.kernels.runs import State, join_spreads, over_runs
from termprom.promql.kernels.windows import Windows

# Up to here adding one sample after the other is cheaper than the tables, and equal to upstream's
# order to the last bit.
LOOP_MAX = 24
_CHECK_EVERY = 64  # samples of each window


def samples_in_order(windows: Windows) -> Iterator[tuple[int, Values, Mask]]:
    """The k-th sample of all windows at once: (k, values (K, S), who has it (S,) or (K, S)).

    For recurrences that depend on the order.
    """
    for number in range(int(windows.counts.max(initial=0))):
        if number % _CHECK_EVERY == 0:
            windows.check()
        index = windows.first + number
        yield number, windows.pick(index), index < windows.end


def count(windows: Windows) -> tuple[Values, Mask]:
    return windows.spread_ints(windows.counts).astype(np.float64), windows.held


def present(windows: Windows) -> tuple[Values, Mask]:
    """1 where there is any sample."""
    return np.ones(windows.shape), windows.held


def first(windows: Windows) -> tuple[Values, Mask]:
    return windows.pick(windows.first), windows.held


def last(windows: Windows) -> tuple[Values, Mask]:
    return windows.pick(windows.end - 1), windows.held


def time_of_first(windows: Windows) -> tuple[Values, Mask]:
    """In seconds."""
    times = windows.spread_ints(windows.pick_times(windows.first))
    return times / 1000, windows.held


def time_of_last(windows: Windows) -> tuple[Values, Mask]:
    """In seconds."""
    times = windows.spread_ints(windows.pick_times(windows.end - 1))
    return times / 1000, windows.held


# --- Sums -------------------------------------------------------------------------------------


def total(windows: Windows) -> tuple[Values, Mask]:
    """sum_over_time: compensated."""
    return settle(*_sum_pairs(windows)), windows.held


def average(windows: Windows) -> tuple[Values, Mask]:
    """avg_over_time; falls back to a running mean where the sum would overflow."""
    held = windows.held
    if may_overflow(windows.values, int(windows.counts.max(initial=0))):
        return _running_mean(windows), held
    sums, rests = _sum_pairs(windows)
    counts = windows.counts
    return settle(sums / counts, rests / counts), held


def _sum_pairs(windows: Windows) -> tuple[Values, Values]:
    longest = int(windows.counts.max(initial=0))
    if longest <= LOOP_MAX or may_overflow(windows.values, longest):
        sums, rests = np.zeros(windows.shape), np.zeros(windows.shape)
        for number, values, have in samples_in_order(windows):
            if number == 0:
                sums = values
            elif have.all():
                sums, rests = kahan_step(values, sums, rests)
            else:
                new_sums, new_rests = kahan_step(values, sums, rests)
                np.copyto(sums, new_sums, where=have)
                np.copyto(rests, new_rests, where=have)
        return sums, rests
    return _sum_runs(windows)


def _sum_runs(windows: Windows) -> tuple[Values, Values]:
    shape = windows.shape

    def join(_m: Ints | int, left: State, _n: Ints | int, right: State) -> State:
        return add_pairs(left[0], left[1], right[0], right[1])

    leaves = windows.values, np.zeros(windows.values.shape)
    sums, rests = over_runs(windows, leaves, (np.full(shape, -0.0), np.zeros(shape)), join)
    return sums, rests


def _running_mean(windows: Windows) -> Values:
    """Sum until it overflows, from there on a mean that is carried along."""
    sums, rests = np.zeros(windows.shape), np.zeros(windows.shape)
    running = np.zeros(windows.shape, dtype=np.bool_)
    for number, values, have in samples_in_order(windows):
        sums, rests, running = mean_step(values, have, number + 1.0, sums, rests, running)
    return np.where(running, settle(sums, rests), sums / windows.counts + rests / windows.counts)


def mean_step(
    values: Values, have: Mask, number: Values | float, sums: Values, rests: Values, running: Mask
) -> tuple[Values, Values, Mask]:
    """One more value of an average: the `number`-th, where `have`.

    `sums`, `rests` are a sum where not `running`, a mean where `running`. Source: reference 4.2.
    """
    plain, plain_rests = kahan_step(values, sums, rests)
    plain = np.where(np.equal(number, 1), values, plain)
    overflowing: Mask = np.isinf(plain) & ~running & np.greater(number, 1) & have
    before = np.maximum(np.subtract(number, 1.0), 1.0)
    sums = np.where(overflowing, sums / before, sums)
    rests = np.where(overflowing, rests / before, rests)
    running = running | overflowing
    share = np.subtract(number, 1.0) / number
    mean, mean_rests = kahan_step(values / number, share * sums, share * rests)
    new_sums = np.where(running, mean, plain)
    new_rests = np.where(running, mean_rests, plain_rests)
    return np.where(have, new_sums, sums), np.where(have, new_rests, rests), running


# --- Extremes ---------------------------------------------------------------------------------


def largest(windows: Windows) -> tuple[Values, Mask]:
    """max_over_time: NaN only where all are."""
    return _extreme(windows, np.fmax)


def smallest(windows: Windows) -> tuple[Values, Mask]:
    """min_over_time: NaN only where all are."""
    return _extreme(windows, np.fmin)


def _extreme(windows: Windows, better: np.ufunc) -> tuple[Values, Mask]:
    """Two overlapping runs of the largest power of two that fits cover a window."""
    counts = windows.counts
    result = np.empty(windows.shape)
    runs = windows.values
    for digit in range(int(counts.max(initial=0)).bit_length()):
        width = 1 << digit
        fits: Mask = (counts >= width) & (counts < 2 * width)
        if fits.any():
            early = np.take(runs, windows.first, axis=-1, mode="clip")
            late = np.take(runs, windows.end - width, axis=-1, mode="clip")
            better(early, late, out=result, where=fits)
        if runs.shape[-1] > width:
            runs = better(runs[..., :-width], runs[..., width:])
    return result, windows.spread(counts > 0)


def time_of_largest(windows: Windows) -> tuple[Values, Mask]:
    """In seconds; the latest of equals."""
    return _time_of_extreme(windows, np.greater_equal)


def time_of_smallest(windows: Windows) -> tuple[Values, Mask]:
    """In seconds; the latest of equals."""
    return _time_of_extreme(windows, np.less_equal)


def _time_of_extreme(windows: Windows, wins: np.ufunc) -> tuple[Values, Mask]:
    """Values and their times side by side, through tables of runs."""

    def join(_m: Ints | int, left: State, _n: Ints | int, right: State) -> State:
        # The right one is the later one.
        better: Mask = wins(right[0], left[0]) | np.isnan(left[0])
        return np.where(better, right[0], left[0]), np.where(better, right[1], left[1])

    times = np.broadcast_to(windows.times_ms / 1000, windows.values.shape)
    empty = np.full(windows.shape, np.nan), np.zeros(windows.shape)
    found = over_runs(windows, (windows.values, times), empty, join)
    return found[1], windows.held


# --- Spread -----------------------------------------------------------------------------------


def variance(windows: Windows) -> tuple[Values, Mask]:
    """stdvar_over_time: population variance; of short windows compensated and in order."""
    held = windows.held
    if int(windows.counts.max(initial=0)) <= LOOP_MAX:
        return _spread_in_order(windows), held
    result, rough = _spread_of_runs(windows)
    rows = np.flatnonzero((rough & held).any(axis=1))
    if rows.size:
        result[rows] = _spread_in_order(windows.of_rows(rows))
    return result, held


def _spread_in_order(windows: Windows) -> Values:
    shape = windows.shape
    mean, mean_rest = np.zeros(shape), np.zeros(shape)
    squares, squares_rest = np.zeros(shape), np.zeros(shape)
    for number, values, have in samples_in_order(windows):
        off = values - (mean + mean_rest)
        new_mean, new_mean_rest = kahan_step(off / (number + 1), mean, mean_rest)
        product = off * (values - (new_mean + new_mean_rest))
        new_squares, new_squares_rest = kahan_step(product, squares, squares_rest)
        for old, new in (
            (mean, new_mean),
            (mean_rest, new_mean_rest),
            (squares, new_squares),
            (squares_rest, new_squares_rest),
        ):
            np.copyto(old, new, where=have)
    return (squares + squares_rest) / windows.counts


# Where values are this many times further from zero than from each other, what the original
# answers is rounding to the tenth digit: then only its own order of operations gives the same.
ROUGH = 1e5


def _spread_of_runs(windows: Windows) -> tuple[Values, Mask]:
    """The variance, and where it is rough.

    Around a value of each series: what is far from zero would lose the digits that differ.
    """
    centers = _centers(windows)
    values = windows.values - centers
    spread = np.where(np.isfinite(values), 0.0, np.nan)
    empty = np.zeros(windows.shape), np.zeros(windows.shape)
    means, squares = over_runs(windows, (values, spread), empty, join_spreads)
    result = squares / windows.counts
    if windows.first.ndim == 2:
        centers = np.take(centers, windows.first, mode="clip")
    rough: Mask = np.abs(means + centers) > ROUGH * np.sqrt(result)
    # Equal values have no spread in any order.
    return result, rough & (squares > 0)


def _centers(windows: Windows) -> Values:
    """The first sample of each series that any window sees, at all its samples; 0 if not finite."""
    if windows.first.ndim == 1:
        at = min(int(windows.first[0]), windows.values.shape[-1] - 1)
        centers = windows.values[:, at : at + 1]
    else:
        owner = np.searchsorted(windows.first[:, 0], np.arange(windows.values.size), "right") - 1
        centers = windows.pick(windows.first[:, 0])[np.maximum(owner, 0)]
    return np.where(np.isfinite(centers), centers, 0.0)


def deviation(windows: Windows) -> tuple[Values, Mask]:
    """stddev_over_time."""
    squares, held = variance(windows)
    return np.sqrt(squares), held
