"""A native histogram as operators compute with it: counts by bucket index.

The model's spans are the stored form; here a side of a histogram is a mapping from index to count,
ascending, so that histograms of different layouts meet by key. Buckets that are there with a count
of zero stay keys: `==` and `changes` tell them from buckets that are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram
from termprom.model.values import STALE_BITS, bits_of
from termprom.promql.histograms.bounds import CUSTOM_SCHEMA, custom_bounds, exponential_bound
from termprom.storage import HistogramFrame

Side = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Histogram:
    """One sample; never changed, so that operators may share it."""

    schema: int
    zero_threshold: float
    zero_count: float
    count: float
    sum: float
    positive: Side
    negative: Side
    custom_values: tuple[float, ...] = ()
    hint: CounterResetHint = CounterResetHint.UNKNOWN

    @property
    def custom(self) -> bool:
        """Whether its bounds are given one by one."""
        return self.schema == CUSTOM_SCHEMA

    @property
    def stale(self) -> bool:
        return bits_of(self.sum) == STALE_BITS

    @property
    def size(self) -> int:
        """What it counts for in the budget of samples; floats count 1. Source: reference 3.7."""
        parts = len(self.positive) + len(self.negative) + len(self.custom_values)
        spans = len(spans_of(self.positive)) + len(spans_of(self.negative))
        return (168 + 8 * (spans + parts) + 8) // 16

    def with_hint(self, hint: CounterResetHint) -> Histogram:
        return self if hint is self.hint else replace(self, hint=hint)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Observations in lower..upper; `zero` marks the zero bucket."""

    lower: float
    upper: float
    count: float
    zero: bool = False


def ascending(histogram: Histogram) -> Iterator[Bucket]:
    """All buckets from the lowest on; the zero bucket only if it holds something.

    An inner edge closer to zero than the zero threshold gives way to it. Source: reference 7.3.
    """
    edge = histogram.zero_threshold
    for index in sorted(histogram.negative, reverse=True):
        lower, upper = side_bounds(histogram, index)
        inner = edge if 0 < lower < edge else lower
        yield Bucket(-upper, -inner, histogram.negative[index])
    if histogram.zero_count > 0:
        yield Bucket(-edge, edge, histogram.zero_count, zero=True)
    for index, count in histogram.positive.items():
        lower, upper = side_bounds(histogram, index)
        yield Bucket(edge if 0 < lower < edge else lower, upper, count)


def descending(histogram: Histogram) -> Iterator[Bucket]:
    return reversed(list(ascending(histogram)))


def side_bounds(histogram: Histogram, index: int) -> tuple[float, float]:
    """(lower, upper) of a bucket of the positive side; mirrored it is one of the negative side."""
    if histogram.custom:
        return custom_bounds(index, histogram.custom_values)
    schema = histogram.schema
    return exponential_bound(index - 1, schema), exponential_bound(index, schema)


def compacted(histogram: Histogram) -> Histogram:
    """Without the buckets that hold nothing."""
    return replace(
        histogram, positive=populated(histogram.positive), negative=populated(histogram.negative)
    )


def populated(side: Side) -> Side:
    return {index: count for index, count in side.items() if count != 0}


def ordered(side: Side) -> Side:
    return dict(sorted(side.items()))


# --- From and to the stored form --------------------------------------------------------------


def indices_of(spans: Iterable[BucketSpan]) -> list[int]:
    found: list[int] = []
    at = 0
    for span in spans:
        at += span.offset
        found += range(at, at + span.length)
        at += span.length
    return found


def spans_of(side: Side) -> tuple[BucketSpan, ...]:
    spans: list[BucketSpan] = []
    end = 0
    for index in side:
        if spans and index == end:
            spans[-1] = BucketSpan(spans[-1].offset, spans[-1].length + 1)
        else:
            spans.append(BucketSpan(index - end, 1))
        end = index + 1
    return tuple(spans)


def from_model(model: FloatHistogram) -> Histogram:
    return Histogram(
        model.schema,
        model.zero_threshold,
        model.zero_count,
        model.count,
        model.sum,
        dict(zip(indices_of(model.positive_spans), model.positive_buckets, strict=True)),
        dict(zip(indices_of(model.negative_spans), model.negative_buckets, strict=True)),
        model.custom_values,
        model.hint,
    )


def to_model(histogram: Histogram) -> FloatHistogram:
    return FloatHistogram(
        schema=histogram.schema,
        zero_threshold=histogram.zero_threshold,
        zero_count=histogram.zero_count,
        count=histogram.count,
        sum=histogram.sum,
        positive_spans=spans_of(histogram.positive),
        positive_buckets=tuple(histogram.positive.values()),
        negative_spans=spans_of(histogram.negative),
        negative_buckets=tuple(histogram.negative.values()),
        custom_values=histogram.custom_values,
        hint=histogram.hint,
    )


def from_frame(frame: HistogramFrame) -> Iterator[Histogram]:
    """One histogram per row, in order of time."""
    positive, negative = indices_of(frame.positive_spans), indices_of(frame.negative_spans)
    # The stale marker must keep its bits: .tolist() and indexing do, arithmetic would not.
    rows = zip(
        frame.hints.tolist(),
        frame.counts.tolist(),
        frame.sums.tolist(),
        frame.zero_counts.tolist(),
        frame.positive.tolist(),
        frame.negative.tolist(),
        strict=True,
    )
    for hint, count, total, zero_count, above, below in rows:
        yield Histogram(
            frame.schema,
            frame.zero_threshold,
            zero_count,
            count,
            total,
            dict(zip(positive, above, strict=True)),
            dict(zip(negative, below, strict=True)),
            frame.custom_values,
            CounterResetHint(hint),
        )
