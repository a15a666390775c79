"""Quantiles of sets of floats, NaN ordered before everything else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from termprom.model.values import Ints, Mask, Values
from termprom.promql.kernels.windows import Windows

# Windows are laid out side by side before sorting; this bounds the copy, in cells.
_GATHER_MAX = 1 << 21

# (sorted values (K, s, M), counts (K, s), NaN counts (K, s), which steps) -> (K, s)
_OfSorted = Callable[[Values, Ints, Ints, slice], Values]


def quantile_of_sorted(values: Values, counts: Ints, nans: Ints, q: Values) -> Values:
    """The q-quantile along the last axis.

    Shapes: values (..., M) ascending with NaN and padding last; counts, nans, q broadcast to (...):
    how many of the M are members, and how many members are NaN. Source: reference 4.3.
    """
    rank = q * (counts - 1)
    floor = np.floor(rank)
    lower = np.maximum(np.nan_to_num(floor), 0).astype(np.int64)
    upper = np.minimum(counts - 1, lower + 1)
    weight = rank - floor
    low = _nan_first(values, np.broadcast_to(lower, counts.shape), nans)
    high = _nan_first(values, np.broadcast_to(upper, counts.shape), nans)
    result = low * (1 - weight) + high * weight
    result = np.where(q < 0, -np.inf, result)
    result = np.where(q > 1, np.inf, result)
    return np.where(np.isnan(q) | (counts == 0), np.nan, result)


def _nan_first(values: Values, index: Ints, nans: Ints) -> Values:
    """The index-th of a set that lists its NaNs first, from one that lists them last."""
    at = np.clip(index - nans, 0, values.shape[-1] - 1)
    picked = np.take_along_axis(values, at[..., np.newaxis], axis=-1)[..., 0]
    return np.where(index < nans, np.nan, picked)


def quantile_over(windows: Windows, q: Values) -> tuple[Values, Mask]:
    """quantile_over_time; q (S,) -> (K, S)."""

    def of(values: Values, counts: Ints, nans: Ints, columns: slice) -> Values:
        return quantile_of_sorted(values, counts, nans, q[columns])

    return _over_sorted(windows, of)


def deviation_over(windows: Windows) -> tuple[Values, Mask]:
    """mad_over_time: the median distance from the median; NaN where any sample is."""
    half = np.array(0.5)

    def of(values: Values, counts: Ints, nans: Ints, _columns: slice) -> Values:
        median = quantile_of_sorted(values, counts, nans, half)
        off = np.sort(np.abs(values - median[..., np.newaxis]), axis=-1)
        result = quantile_of_sorted(off, counts, nans, half)
        return np.where(nans > 0, np.nan, result)

    return _over_sorted(windows, of)


def _over_sorted(windows: Windows, of: _OfSorted) -> tuple[Values, Mask]:
    """Apply `of` to slices of steps, so that the sorted copies stay small."""
    series, steps = windows.shape
    longest = max(int(windows.counts.max(initial=0)), 1)
    result = np.empty((series, steps))
    width = max(1, _GATHER_MAX // (series * longest))
    numbers = np.arange(longest)
    # Two passes over the copies, thirty times the samples, that most queries do without.
    may_be_nan = bool(np.isnan(windows.values).any())
    for start in range(0, steps, width):
        windows.check()
        columns = slice(start, start + width)
        index = windows.first[..., columns, np.newaxis] + numbers
        inside: Mask = index < windows.end[..., columns, np.newaxis]
        values = windows.pick(index)
        nans = np.zeros(values.shape[:-1], dtype=np.int64)
        if may_be_nan:
            nans = (np.isnan(values) & inside).sum(axis=-1)
        if not inside.all():
            np.copyto(values, np.nan, where=~inside)
        values.sort(axis=-1)
        counts = np.broadcast_to(windows.counts[..., columns], nans.shape)
        result[:, columns] = of(values, counts, nans, columns)
    return result, windows.held
