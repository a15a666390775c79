"""Sums and averages of many native histograms, with the rounding errors of every field kept.

Each number of the sum has its error in the same place of `rest`, a second histogram; both go
through changes of layout together. Source: reference 7.6.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from termprom.promql.histograms.combine import (
    aligned,
    divide,
    joined_hint,
    outside_zero,
    scale,
)
from termprom.promql.histograms.layout import reduced, with_bounds, with_zero_threshold
from termprom.promql.histograms.value import Histogram, Side, ordered


def kahan(addend: float, total: float, rest: float) -> tuple[float, float]:
    """(total, rest) with one more addend, in Neumaier's variant."""
    new = total + addend
    if math.isinf(new):
        return new, 0.0
    if abs(total) >= abs(addend):
        return new, rest + ((total - new) + addend)
    return new, rest + ((addend - new) + total)


class RunningSum:
    """A sum that grows; remembers whether hints collided and bounds were reconciled."""

    def __init__(self, first: Histogram) -> None:
        self.total = first
        self._rest = _nothing_of(first)
        self.collision = False
        self.reconciled = False

    def add(self, one: Histogram) -> None:
        """Raises IncompatibleSchemas."""
        hint, collision = joined_hint(self.total.hint, one.hint)
        self.collision |= collision
        total, one, reconciled = aligned(self.total, one)
        self.reconciled |= reconciled
        rest = _like(self._rest, total)
        zero = kahan(one.zero_count, total.zero_count, rest.zero_count)
        count = kahan(one.count, total.count, rest.count)
        sums = kahan(one.sum, total.sum, rest.sum)
        above = _added(total.positive, rest.positive, outside_zero(one, one.positive))
        below = _added(total.negative, rest.negative, outside_zero(one, one.negative))
        self.total = replace(
            total,
            zero_count=zero[0],
            count=count[0],
            sum=sums[0],
            positive=above[0],
            negative=below[0],
            hint=hint,
        )
        self._rest = replace(
            rest,
            zero_count=zero[1],
            count=count[1],
            sum=sums[1],
            positive=above[1],
            negative=below[1],
        )

    def scale(self, factor: float) -> None:
        """Total and rest times a factor."""
        self.total, self._rest = scale(self.total, factor), scale(self._rest, factor)

    def result(self, divisor: float = 1.0) -> Histogram:
        """The sum with its errors, each divided by `divisor` first, as averages need it."""
        total, rest = self.total, self._rest
        if divisor != 1:
            total, rest = divide(total, divisor), divide(rest, divisor)
        return replace(
            total,
            zero_count=total.zero_count + rest.zero_count,
            count=total.count + rest.count,
            sum=total.sum + rest.sum,
            positive={i: n + rest.positive.get(i, 0.0) for i, n in total.positive.items()},
            negative={i: n + rest.negative.get(i, 0.0) for i, n in total.negative.items()},
        )


class RunningAverage:
    """A sum by count, and a running mean from where the sum would overflow."""

    def __init__(self, first: Histogram) -> None:
        self._sum = RunningSum(first)
        self._count = 1
        self._running = False

    @property
    def collision(self) -> bool:
        return self._sum.collision

    @property
    def reconciled(self) -> bool:
        return self._sum.reconciled

    def add(self, one: Histogram) -> None:
        """Raises IncompatibleSchemas."""
        self._count += 1
        if not self._running:
            before, rest = self._sum.total, self._sum._rest
            self._sum.add(one)
            if not _overflows(self._sum.total):
                return
            self._sum.total, self._sum._rest = before, rest
            self._running = True
            self._sum.scale(1 / (self._count - 1))
        self._sum.scale((self._count - 1) / self._count)
        self._sum.add(divide(one, self._count))

    def result(self) -> Histogram:
        if self._running or self._count == 1:
            return self._sum.result()
        return self._sum.result(self._count)


def _overflows(histogram: Histogram) -> bool:
    return any(math.isinf(value) for value in _numbers(histogram))


def _numbers(histogram: Histogram) -> Iterator[float]:
    yield histogram.zero_count
    yield histogram.count
    yield histogram.sum
    yield from histogram.positive.values()
    yield from histogram.negative.values()


def _nothing_of(one: Histogram) -> Histogram:
    return replace(
        one,
        zero_count=0.0,
        count=0.0,
        sum=0.0,
        positive=dict.fromkeys(one.positive, 0.0),
        negative=dict.fromkeys(one.negative, 0.0),
    )


def _like(rest: Histogram, total: Histogram) -> Histogram:
    """The rest brought to the layout that the total has by now."""
    if total.custom:
        return with_bounds(rest, total.custom_values)
    if rest.zero_threshold != total.zero_threshold:
        rest = with_zero_threshold(rest, total.zero_threshold)
    return reduced(rest, total.schema)


def _added(total: Side, rest: Side, more: Side) -> tuple[Side, Side]:
    totals, rests = dict(total), dict(rest)
    for index, count in more.items():
        if index in totals:
            totals[index], rests[index] = kahan(count, totals[index], rests.get(index, 0.0))
        else:
            totals[index], rests[index] = count, 0.0
    return ordered(totals), ordered(rests)
