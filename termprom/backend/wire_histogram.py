"""Native histograms in query results.

    {"count":"42","sum":"34593.34","buckets":[[3,"-0.001","0.001","3"],[0,"0.25","0.5","12"]]}

A bucket is [rule, lower bound, upper bound, count]; rule 0 is (lo, hi], 1 [lo, hi), 2 (lo, hi),
3 [lo, hi]. Buckets ascend: negative ones, the zero bucket, positive ones; empty ones are left out,
and `buckets` itself where none remains. The layout (schema, spans) does not travel: a decoded
histogram has custom buckets with the bounds that were sent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from termprom.backend.wire_numbers import format_value
from termprom.backend.wire_text import Json
from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.promql.histograms.bounds import exponential_bound

CUSTOM_SCHEMA: Final = -53

Bucket = tuple[int, float, float, float]


def histogram_object(histogram: FloatHistogram) -> dict[str, Json]:
    found: dict[str, Json] = {
        "count": format_value(histogram.count),
        "sum": format_value(histogram.sum),
    }
    buckets = [
        [rule, format_value(lower), format_value(upper), format_value(count)]
        for rule, lower, upper, count in buckets_of(histogram)
        if count != 0
    ]
    if buckets:
        found["buckets"] = buckets
    return found


def buckets_of(histogram: FloatHistogram) -> Iterator[Bucket]:
    """All buckets with a count, lowest first."""
    if histogram.schema == CUSTOM_SCHEMA:
        yield from _custom(histogram)
        return
    zero = histogram.zero_threshold
    negative = list(_indexed(histogram.negative_spans, histogram.negative_buckets))
    for index, count in reversed(negative):
        lower, upper = _bounds(index, histogram.schema)
        yield 1, -upper, -max(lower, zero) if upper > zero else -lower, count
    if histogram.zero_count > 0:
        yield 3, -zero, zero, histogram.zero_count
    for index, count in _indexed(histogram.positive_spans, histogram.positive_buckets):
        lower, upper = _bounds(index, histogram.schema)
        yield 0, max(lower, zero) if upper > zero else lower, upper, count


def _bounds(index: int, schema: int) -> tuple[float, float]:
    """Lower and upper bound of a positive bucket, the very doubles that the original prints."""
    return exponential_bound(index - 1, schema), exponential_bound(index, schema)


def _custom(histogram: FloatHistogram) -> Iterator[Bucket]:
    bounds = histogram.custom_values
    for index, count in _indexed(histogram.positive_spans, histogram.positive_buckets):
        lower = bounds[index - 1] if index else -math.inf
        upper = bounds[index] if index < len(bounds) else math.inf
        yield 0 if index else 3, lower, upper, count


def _indexed(
    spans: tuple[BucketSpan, ...], counts: tuple[float, ...]
) -> Iterator[tuple[int, float]]:
    index, remaining = 0, iter(counts)
    for span in spans:
        index += span.offset
        for _ in range(span.length):
            yield index, next(remaining)
            index += 1


def histogram_from(value: Json) -> FloatHistogram:
    """A histogram with custom buckets at the bounds of the message. Raises ValueError."""
    try:
        count, total = float(value["count"]), float(value["sum"])
        buckets = [(float(b[1]), float(b[2]), float(b[3])) for b in value.get("buckets", ())]
    except (TypeError, KeyError, IndexError) as problem:
        raise ValueError("not a histogram") from problem
    bounds = sorted({edge for low, high, _ in buckets for edge in (low, high)} - {-math.inf})
    places = {edge: place for place, edge in enumerate(bounds)}
    counts = [0.0] * (len(bounds) + 1)
    for _, high, inside in buckets:
        counts[places[high]] += inside
    if bounds and bounds[-1] == math.inf:
        bounds.pop()
        counts.pop()
    return FloatHistogram(
        schema=CUSTOM_SCHEMA,
        count=count,
        sum=total,
        positive_spans=(BucketSpan(0, len(counts)),),
        positive_buckets=tuple(counts),
        custom_values=tuple(bounds),
    )
