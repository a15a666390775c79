"""A classic histogram as one native histogram with custom bounds (NHCB).

    bounds 1, 2, +Inf with 1, 3, 4 observations up to each, sum 6.5
    -> schema -53, custom values [1, 2], buckets [1, 2, 1], count 4, sum 6.5

Source: reference of scraping, section 11.2; the words are the original's.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Sequence

from termprom.exposition.native import CUSTOM_SCHEMA, compacted_side
from termprom.exposition.numbers import format_number
from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram

# Up to this many empty buckets in a row stay, as the original keeps them in integer histograms.
_EMPTY_MAX = 2


def from_classic(
    buckets: Iterable[tuple[float, float]],
    count: float | None,
    total: float | None,
    *,
    gauge: bool = False,
) -> FloatHistogram:
    """The histogram of cumulative `buckets`, (bound, count) each in any order; `total` is its sum.

    Raises ValueError where the counts do not fit together.
    """
    bounds, counts = _sorted_buckets(buckets)
    if count is not None and count < 0:
        raise ValueError(f"count must be non-negative: count={format_number(count)}")
    if count is None:
        count = counts[-1] if counts else 0.0
    if not bounds or bounds[-1] != math.inf:
        bounds.append(math.inf)
        counts.append(count)
    if counts[-1] != count:
        raise ValueError(
            f"count mismatch: count={format_number(count)} != "
            f"le={format_number(bounds[-1])} count={format_number(counts[-1])}"
        )
    each = [counts[0], *(now - before for before, now in itertools.pairwise(counts))]
    whole = all(float(value).is_integer() for value in counts)
    spans, kept = compacted_side((BucketSpan(0, len(each)),), each, _EMPTY_MAX if whole else 0)
    return FloatHistogram(
        schema=CUSTOM_SCHEMA,
        count=count,
        sum=total or 0.0,
        positive_spans=spans,
        positive_buckets=kept,
        custom_values=tuple(bounds[:-1]),
        hint=CounterResetHint.GAUGE if gauge else CounterResetHint.UNKNOWN,
    )


def _sorted_buckets(
    buckets: Iterable[tuple[float, float]],
) -> tuple[list[float], list[float]]:
    """Bounds ascending and the count up to each; of a bound that comes twice the first."""
    bounds: list[float] = []
    counts: list[float] = []
    for bound, count in buckets:
        if math.isnan(bound):
            raise ValueError("bucket boundary must not be NaN")
        if count < 0:
            raise ValueError(
                f"bucket count must be non-negative: le={format_number(bound)}, "
                f"count={format_number(count)}"
            )
        place = bisect.bisect_left(bounds, bound)
        if place < len(bounds) and bounds[place] == bound:
            continue
        _check_cumulative(counts, place, count)
        bounds.insert(place, bound)
        counts.insert(place, count)
    return bounds, counts


def _check_cumulative(counts: Sequence[float], place: int, count: float) -> None:
    if place and count < counts[place - 1]:
        raise ValueError(
            f"count is not cumulative: {format_number(count)} < {format_number(counts[place - 1])}"
        )
    if place < len(counts) and count > counts[place]:
        raise ValueError(
            f"count is not cumulative: {format_number(count)} > {format_number(counts[place])}"
        )
