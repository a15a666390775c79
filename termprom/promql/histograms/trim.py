"""The trim operators: a histogram less what lies above, or below, a value.

Source: reference 7.11.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from termprom.promql.histograms.quantile import exponential_share, linear_share
from termprom.promql.histograms.value import Histogram, compacted, side_bounds

_Kept = tuple[float, float]  # how many observations stay, and the middle of where they lie


@dataclass(frozen=True, slots=True)
class _Cut:
    """One trim: `</` keeps what is below `at`, `>/` what is above."""

    at: float
    below: bool
    linear: bool

    def keep(self, lower: float, upper: float, count: float) -> _Kept:
        """What stays of one bucket."""
        at = self.at
        whole, gone = (upper <= at, not lower < at) if self.below else (lower >= at, not upper > at)
        if whole:
            return count, self._middle(lower, upper)
        if gone:
            return 0.0, 0.0
        if math.isinf(lower):
            return self._open_below(upper, count)
        if math.isinf(upper):
            return (0.0, 0.0) if self.below else (count, at)
        share = linear_share if self.linear or lower < 0 < upper else exponential_share
        under = count * share(lower, upper, at)
        if self.below:
            return under, self._middle(lower, at)
        return count - under, self._middle(at, upper)

    def _open_below(self, upper: float, count: float) -> _Kept:
        at = self.at
        if self.below:
            if at > 0 and 0 < upper < math.inf:
                return count * at / upper, at / 2
            return (count, at) if upper <= 0 else (0.0, 0.0)
        if at >= 0 and at < upper < math.inf:
            return count * (1 - at / upper), (at + upper) / 2
        return 0.0, 0.0

    def _middle(self, lower: float, upper: float) -> float:
        if math.isinf(lower) and math.isinf(upper):
            return 0.0
        if math.isinf(lower):
            return upper / 2 if upper > 0 else upper
        if math.isinf(upper):
            return lower
        if self.linear:
            return (lower + upper) / 2
        return math.copysign(math.sqrt(abs(lower * upper)), upper if upper > 0 else lower)

    def keep_zero(self, lower: float, upper: float, count: float) -> _Kept:
        """What stays of the zero bucket."""
        at = self.at
        if math.isnan(at):
            return 0.0, 0.0
        whole = count, (lower + upper) / 2
        if at <= lower:
            return (0.0, 0.0) if self.below else whole
        if at >= upper:
            return whole if self.below else (0.0, 0.0)
        under = count * linear_share(lower, upper, at)
        if self.below:
            return under, (lower + at) / 2
        return count - under, (at + upper) / 2


def trimmed(histogram: Histogram, at: float, *, below: bool) -> Histogram:
    """`histogram </ at` with `below`, else `histogram >/ at`."""
    cut = _Cut(at, below, histogram.custom)
    total = count = 0.0

    def side(
        held: dict[int, float], edges: Callable[[int], tuple[float, float]]
    ) -> dict[int, float]:
        nonlocal total, count
        found = {}
        for index, number in held.items():
            if number == 0:
                continue
            kept, middle = cut.keep(*edges(index), number)
            found[index] = kept
            count += kept
            total += kept * middle if kept else 0.0
        return found

    def mirrored(index: int) -> tuple[float, float]:
        lower, upper = side_bounds(histogram, index)
        return -upper, -lower

    positive = side(dict(histogram.positive), lambda index: side_bounds(histogram, index))
    negative = side(dict(histogram.negative), mirrored)
    zero_count = 0.0
    if histogram.zero_count > 0:
        lower, upper = _zero_edges(histogram)
        zero_count, middle = cut.keep_zero(lower, upper, histogram.zero_count)
        count += zero_count
        total += zero_count * middle if zero_count else 0.0
    changed = (
        zero_count != histogram.zero_count
        or any(kept != histogram.positive[index] for index, kept in positive.items())
        or any(kept != histogram.negative[index] for index, kept in negative.items())
    )
    if not changed:
        return histogram
    return compacted(
        replace(
            histogram,
            count=count,
            sum=total,
            zero_count=zero_count,
            positive=positive,
            negative=negative,
        )
    )


def _zero_edges(histogram: Histogram) -> tuple[float, float]:
    edge = histogram.zero_threshold
    above = any(histogram.positive.values())
    under = any(histogram.negative.values())
    return (0.0 if above and not under else -edge), (0.0 if under and not above else edge)
