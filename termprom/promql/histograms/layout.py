"""Bringing histograms to one layout: coarser schemas, wider zero buckets, common custom bounds."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace

from termprom.promql.histograms.value import Histogram, Side, compacted, side_bounds


def reduced(histogram: Histogram, schema: int) -> Histogram:
    """At a coarser schema. Custom bounds are never reduced."""
    if histogram.custom or schema >= histogram.schema:
        return histogram
    shift = histogram.schema - schema
    return replace(
        histogram,
        schema=schema,
        positive=_reduced_side(histogram.positive, shift),
        negative=_reduced_side(histogram.negative, shift),
    )


def _reduced_side(side: Side, shift: int) -> Side:
    found: dict[int, float] = {}
    for index, count in side.items():
        target = ((index - 1) >> shift) + 1
        found[target] = found.get(target, 0.0) + count
    return found


def zero_count_for(histogram: Histogram, threshold: float) -> tuple[float, float]:
    """(count, threshold) of a zero bucket grown to `threshold`, or to the outer edge of the
    populated bucket in which that lies. Source: reference 7.4."""
    if threshold == histogram.zero_threshold:
        return histogram.zero_count, threshold
    while True:
        count, start = histogram.zero_count, threshold
        for side in (histogram.positive, histogram.negative):
            for index, held in side.items():
                lower, upper = side_bounds(histogram, index)
                if lower >= threshold:
                    break
                count += held
                if upper > threshold:
                    if held != 0:
                        threshold = upper
                    break
        # Where the negative side moved the edge, the positive one must be looked at again.
        if threshold == start:
            return count, threshold


def with_zero_threshold(histogram: Histogram, threshold: float) -> Histogram:
    """The zero bucket grown; what it absorbed is gone from the sides."""
    count, threshold = zero_count_for(histogram, threshold)

    def outside(side: Side) -> Side:
        return {
            index: held
            for index, held in side.items()
            if side_bounds(histogram, index)[0] >= threshold
        }

    return compacted(
        replace(
            histogram,
            zero_count=count,
            zero_threshold=threshold,
            positive=outside(histogram.positive),
            negative=outside(histogram.negative),
        )
    )


def common_bounds(left: tuple[float, ...], right: tuple[float, ...]) -> tuple[float, ...]:
    """The bounds that both have."""
    held = set(right)
    return tuple(bound for bound in left if bound in held)


def with_bounds(histogram: Histogram, bounds: tuple[float, ...]) -> Histogram:
    """A custom histogram on fewer bounds: each bucket goes to the first one that covers it."""
    if histogram.custom_values == bounds:
        return histogram
    found: dict[int, float] = {}
    for target, count in _targets(histogram, bounds):
        found[target] = found.get(target, 0.0) + count
    kept = {index: count for index, count in sorted(found.items()) if count != 0}
    return replace(histogram, custom_values=bounds, positive=kept)


def _targets(histogram: Histogram, bounds: tuple[float, ...]) -> Iterator[tuple[int, float]]:
    for index, count in histogram.positive.items():
        upper = side_bounds(histogram, index)[1]
        yield len(bounds) if math.isinf(upper) else bisect_left(bounds, upper), count
