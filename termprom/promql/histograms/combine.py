"""Adding, subtracting and scaling native histograms. Source: reference 7.5, 7.6."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from termprom.model.histogram import CounterResetHint
from termprom.promql.histograms.bounds import exponential_bound
from termprom.promql.histograms.layout import (
    common_bounds,
    reduced,
    with_bounds,
    with_zero_threshold,
    zero_count_for,
)
from termprom.promql.histograms.value import Histogram, Side, ordered

_HINTS_OF_COUNTERS = {CounterResetHint.RESET, CounterResetHint.NOT_RESET}


class IncompatibleSchemas(Exception):
    """Exponential and custom buckets do not mix."""


@dataclass(frozen=True, slots=True)
class Combined:
    """A sum or difference; `collision` where one side knew of a reset and the other of none,
    `reconciled` where custom bounds differed and only the common ones are left."""

    histogram: Histogram
    collision: bool = False
    reconciled: bool = False


def add(left: Histogram, right: Histogram) -> Combined:
    """left + right. Raises IncompatibleSchemas."""
    return _combine(left, right, lambda a, b: a + b)


def subtract(left: Histogram, right: Histogram) -> Combined:
    """left - right. Raises IncompatibleSchemas."""
    return _combine(left, right, lambda a, b: a - b)


def scale(histogram: Histogram, factor: float) -> Histogram:
    """All counts and the sum times `factor`; with a negative one it is a gauge."""
    result = _mapped(histogram, lambda value: value * factor)
    return result.with_hint(CounterResetHint.GAUGE) if factor < 0 else result


def divide(histogram: Histogram, divisor: float) -> Histogram:
    """All counts and the sum by `divisor`; by zero no bucket is left but the zero bucket."""

    def quotient(value: float) -> float:
        if divisor != 0:
            return value / divisor
        signed = -value if str(divisor).startswith("-") else value
        if signed != signed or signed == 0:
            return float("nan")
        return float("inf") if signed > 0 else float("-inf")

    result = _mapped(histogram, quotient)
    if divisor == 0:
        result = replace(result, positive={}, negative={})
    return result.with_hint(CounterResetHint.GAUGE) if divisor < 0 else result


def _mapped(histogram: Histogram, change: Callable[[float], float]) -> Histogram:
    return replace(
        histogram,
        zero_count=change(histogram.zero_count),
        count=change(histogram.count),
        sum=change(histogram.sum),
        positive={index: change(count) for index, count in histogram.positive.items()},
        negative={index: change(count) for index, count in histogram.negative.items()},
    )


def aligned(left: Histogram, right: Histogram) -> tuple[Histogram, Histogram, bool]:
    """Both on one schema, one zero threshold, one set of bounds; and whether bounds differed.

    Raises IncompatibleSchemas.
    """
    if left.custom != right.custom:
        raise IncompatibleSchemas
    if left.custom:
        if left.custom_values == right.custom_values:
            return left, right, False
        bounds = common_bounds(left.custom_values, right.custom_values)
        return with_bounds(left, bounds), with_bounds(right, bounds), True
    left, right = _one_zero_threshold(left, right)
    schema = min(left.schema, right.schema)
    return reduced(left, schema), reduced(right, schema), False


def _one_zero_threshold(left: Histogram, right: Histogram) -> tuple[Histogram, Histogram]:
    """Zero buckets grown until they are equal.

    The right side keeps its buckets, as upstream's does: those inside are passed over on adding.
    """
    count, threshold = right.zero_count, right.zero_threshold
    while threshold != left.zero_threshold:
        if left.zero_threshold > threshold:
            count, threshold = zero_count_for(right, left.zero_threshold)
        if threshold > left.zero_threshold:
            left = with_zero_threshold(left, threshold)
    return left, replace(right, zero_count=count, zero_threshold=threshold)


def outside_zero(histogram: Histogram, side: Side) -> Side:
    """The buckets of a side less the leading ones inside the zero bucket."""
    if histogram.custom:
        return side
    schema, edge = histogram.schema, histogram.zero_threshold
    inside = True
    found: dict[int, float] = {}
    for index, count in side.items():
        inside = inside and exponential_bound(index, schema) <= edge
        if not inside:
            found[index] = count
    return found


def _combine(left: Histogram, right: Histogram, join: Callable[[float, float], float]) -> Combined:
    hint, collision = joined_hint(left.hint, right.hint)
    left, right, reconciled = aligned(left, right)
    result = replace(
        left,
        zero_count=join(left.zero_count, right.zero_count),
        count=join(left.count, right.count),
        sum=join(left.sum, right.sum),
        positive=_joined(left.positive, outside_zero(right, right.positive), join),
        negative=_joined(left.negative, outside_zero(right, right.negative), join),
        hint=hint,
    )
    return Combined(result, collision, reconciled)


def _joined(left: Side, right: Side, join: Callable[[float, float], float]) -> Side:
    if left.keys() == right.keys():
        return {index: join(count, right[index]) for index, count in left.items()}
    found = dict(left)
    for index, count in right.items():
        found[index] = join(found.get(index, 0.0), count)
    return ordered(found)


def joined_hint(left: CounterResetHint, right: CounterResetHint) -> tuple[CounterResetHint, bool]:
    """What a sum knows of resets, and whether its parts contradict each other."""
    if left is right:
        return left, False
    if CounterResetHint.GAUGE in (left, right):
        return CounterResetHint.GAUGE, False
    return CounterResetHint.UNKNOWN, {left, right} == _HINTS_OF_COUNTERS
