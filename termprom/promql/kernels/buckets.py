"""Quantiles and fractions of classic histograms: cumulative counts per upper bound.

Shapes: G histograms, B buckets at most, S steps. Buckets ascend by bound; cells past a histogram's
last bucket are absent. `present` (G, B, S) says which buckets exist at which step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from termprom.model.values import Ints, Mask, Values

_TOLERANCE = 1e-12  # differences of counts below this, relatively, are rounding
_SMALLEST_NORMAL = 2.2250738585072014e-308


@dataclass(frozen=True, slots=True)
class Buckets:
    """Present buckets moved to the front; shapes (G, B, S), sizes (G, S)."""

    bounds: Values
    counts: Values
    sizes: Ints


@dataclass(frozen=True, slots=True)
class Repair:
    """Where counts fell from one bucket to the next; all (G, S), of use only where `forced`."""

    forced: Mask
    lowest_bound: Values
    highest_bound: Values
    largest_difference: Values


def pack(bounds: Values, counts: Values, present: Mask) -> Buckets:
    """Absent buckets removed, equal bounds added up. `bounds` (G, B) ascends, NaN as padding."""
    spread = np.broadcast_to(bounds[:, :, np.newaxis], counts.shape)
    if not present.all():
        order = np.argsort(~present, axis=1, kind="stable")
        spread = np.take_along_axis(spread, order, axis=1)
        counts = np.take_along_axis(counts, order, axis=1)
    sizes = present.sum(axis=1)
    return Buckets(spread, counts, sizes)


def quantile(buckets: Buckets, q: Values) -> tuple[Values, Repair]:
    """histogram_quantile; q (S,) -> (G, S). Source: reference 6.11."""
    bounds, sizes = buckets.bounds, buckets.sizes
    counts, repair = _monotonic(buckets)
    last = np.maximum(sizes - 1, 0)
    top, total = _at(bounds, last), _at(counts, last)
    rank = q * total
    inside = np.arange(bounds.shape[1])[np.newaxis, :, np.newaxis] < last[:, np.newaxis, :]
    reached: Mask = (counts >= rank[:, np.newaxis, :]) & inside
    found = np.where(reached.any(axis=1), reached.argmax(axis=1), last)
    upper, count = _at(bounds, found), _at(counts, found)
    below = np.maximum(found - 1, 0)
    lower = np.where(found > 0, _at(bounds, below), 0.0)
    before = np.where(found > 0, _at(counts, below), 0.0)
    result = lower + (upper - lower) * ((rank - before) / (count - before))
    result = np.where((found == 0) & (upper <= 0), upper, result)
    result = np.where(found == last, _at(bounds, np.maximum(sizes - 2, 0)), result)
    answerless: Mask = (sizes < 2) | (total == 0) | ~np.isposinf(top)
    result = np.where(answerless, np.nan, result)
    result = np.where(q < 0, -np.inf, result)
    result = np.where(q > 1, np.inf, result)
    # Where the answer does not come from the buckets, nobody is told of their repair.
    told: Mask = repair.forced & ~answerless & (q >= 0) & (q <= 1)
    return np.where(np.isnan(q), np.nan, result), replace(repair, forced=told)


def _at(cells: Values, index: Ints) -> Values:
    """cells (G, B, S) at index (G, S)."""
    return np.take_along_axis(cells, index[:, np.newaxis, :], axis=1)[:, 0, :]


def _monotonic(buckets: Buckets) -> tuple[Values, Repair]:
    """Counts in which no bucket is below the one before it."""
    counts = buckets.counts.copy()
    groups, width, steps = counts.shape
    forced = np.zeros((groups, steps), dtype=np.bool_)
    lowest = np.full((groups, steps), np.inf)
    highest = np.full((groups, steps), -np.inf)
    largest = np.zeros((groups, steps))
    previous = counts[:, 0, :]
    for number in range(1, width):
        current, bound = counts[:, number, :], buckets.bounds[:, number, :]
        held = number < buckets.sizes
        close = _almost_equal(current, previous)
        fell: Mask = held & ~close & (current < previous)
        np.copyto(lowest, np.minimum(lowest, bound), where=fell)
        np.copyto(highest, np.maximum(highest, bound), where=fell)
        np.copyto(largest, np.maximum(largest, previous - current), where=fell)
        forced |= fell
        counts[:, number, :] = np.where(held & (close | fell), previous, current)
        previous = np.where(held, counts[:, number, :], previous)
    return counts, Repair(forced, lowest, highest, largest)


def _almost_equal(left: Values, right: Values) -> Mask:
    size = np.abs(left) + np.abs(right)
    difference = np.abs(left - right)
    tiny = (left == 0) | (right == 0) | (size < _SMALLEST_NORMAL)
    near = np.where(
        tiny,
        difference < _TOLERANCE * _SMALLEST_NORMAL,
        difference / np.minimum(size, np.finfo(np.float64).max) < _TOLERANCE,
    )
    equal: Mask = (left == right) | (np.isnan(left) & np.isnan(right)) | near
    return equal


def fraction(buckets: Buckets, low: Values, high: Values) -> Values:
    """histogram_fraction between low and high (S,) -> (G, S). Source: reference 6.11."""
    bounds, counts, sizes = buckets.bounds, buckets.counts, buckets.sizes
    last = np.maximum(sizes - 1, 0)
    top, total = _at(bounds, last), _at(counts, last)
    low_rank, high_rank = _rank(buckets, low, total), _rank(buckets, high, total)
    result = (high_rank - low_rank) / total
    result = np.where(low >= high, 0.0, result)
    unknown = (total == 0) | np.isnan(total) | np.isnan(low) | np.isnan(high)
    return np.where(unknown | (sizes < 1) | ~np.isposinf(top), np.nan, result)


def _rank(buckets: Buckets, edge: Values, total: Values) -> Values:
    """How many observations lie at or below `edge` (S,), interpolated; (G, S)."""
    bounds, counts = buckets.bounds, buckets.counts
    rank = np.full(total.shape, np.nan)
    below_count = np.zeros(total.shape)
    below_bound = np.where(bounds[:, 0, :] > 0, 0.0, -np.inf)
    for number in range(bounds.shape[1]):
        upper, until = bounds[:, number, :], counts[:, number, :]
        open_cells: Mask = np.isnan(rank) & (number < buckets.sizes)
        inside = open_cells & (below_bound < edge) & (edge < upper)
        share = (edge - below_bound) / (upper - below_bound)
        within = np.where(
            np.isneginf(below_bound), until, below_count + (until - below_count) * share
        )
        np.copyto(rank, within, where=inside)
        np.copyto(rank, below_count, where=open_cells & (below_bound >= edge))
        held = number < buckets.sizes
        below_count = np.where(held, until, below_count)
        below_bound = np.where(held, upper, below_bound)
    return np.where(np.isnan(rank) | (rank > total), total, rank)
