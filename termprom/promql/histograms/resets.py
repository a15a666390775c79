"""Whether two native histograms are the same, and whether a counter was reset between them."""

from __future__ import annotations

from collections.abc import Iterator

from termprom.model.histogram import CounterResetHint
from termprom.model.values import bits_of
from termprom.promql.histograms.bounds import exponential_bound
from termprom.promql.histograms.layout import common_bounds, reduced, zero_count_for
from termprom.promql.histograms.value import Histogram, Side, side_bounds


def equal(left: Histogram, right: Histogram) -> bool:
    """Bit for bit, empty buckets included; only the hint does not count. Source: reference 7.7."""
    return (
        left.schema == right.schema
        and left.zero_threshold == right.zero_threshold
        and left.custom_values == right.custom_values
        and bits_of(left.count) == bits_of(right.count)
        and bits_of(left.sum) == bits_of(right.sum)
        and bits_of(left.zero_count) == bits_of(right.zero_count)
        and _equal_sides(left.positive, right.positive)
        and _equal_sides(left.negative, right.negative)
    )


def _equal_sides(left: Side, right: Side) -> bool:
    return left.keys() == right.keys() and all(
        bits_of(count) == bits_of(right[index]) for index, count in left.items()
    )


def was_reset(current: Histogram, previous: Histogram) -> bool:
    """What `current` says of itself, or else what its numbers say. Source: reference 7.8."""
    if current.hint is CounterResetHint.RESET:
        return True
    if current.hint is CounterResetHint.NOT_RESET:
        return False
    return shrank(current, previous)


def shrank(current: Histogram, previous: Histogram) -> bool:
    """Whether any count is lower than before, hints aside; the sum may fall without a reset."""
    if current.count < previous.count:
        return True
    if current.custom:
        return not previous.custom or _custom_shrank(current, previous)
    if current.schema > previous.schema or current.zero_threshold < previous.zero_threshold:
        return True
    count, threshold = zero_count_for(previous, current.zero_threshold)
    if threshold != current.zero_threshold or current.zero_count < count:
        return True
    previous = reduced(previous, current.schema)
    return _side_shrank(current, current.positive, previous.positive) or _side_shrank(
        current, current.negative, previous.negative
    )


def _side_shrank(histogram: Histogram, current: Side, previous: Side) -> bool:
    edge, schema = histogram.zero_threshold, histogram.schema
    return any(
        current.get(index, 0.0) < count
        for index, count in previous.items()
        if exponential_bound(index, schema) > edge
    )


def _custom_shrank(current: Histogram, previous: Histogram) -> bool:
    if current.custom_values == previous.custom_values:
        return any(
            current.positive.get(index, 0.0) < count for index, count in previous.positive.items()
        )
    bounds = common_bounds(current.custom_values, previous.custom_values)
    pairs = zip(_rolled_up(current, bounds), _rolled_up(previous, bounds), strict=True)
    return any(now < before for now, before in pairs)


def _rolled_up(histogram: Histogram, bounds: tuple[float, ...]) -> Iterator[float]:
    """Counts per interval between `bounds`, the last one open."""
    edges = (*bounds, float("inf"))
    counts = [0.0] * len(edges)
    for index, count in histogram.positive.items():
        upper = side_bounds(histogram, index)[1]
        counts[next(at for at, edge in enumerate(edges) if edge >= upper)] += count
    yield from counts
