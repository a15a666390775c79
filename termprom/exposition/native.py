"""Native histograms as they are exposed: checked, compacted, and made coarser where they must be.

A side of a histogram is its spans and the absolute count of each bucket. Integer histograms come
with deltas; they are added up on arrival, for a store of float64 knows no difference.
Source: Prometheus docs, "Native Histograms".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram

CUSTOM_SCHEMA: Final = -53
SCHEMA_MIN: Final = -4
SCHEMA_MAX: Final = 8
_SCHEMA_RESERVED_MAX: Final = 52  # finer schemas that a later version may write; read as 8

Side = tuple[tuple[BucketSpan, ...], tuple[float, ...]]
# Consecutive buckets: the index of the first, and the counts of all.
_Run = tuple[int, list[float]]

_SPANS_MISMATCH: Final = "histogram spans specify different number of buckets than provided"
_NEGATIVE_OFFSET: Final = "histogram has a span whose offset is negative"
_NEGATIVE_BUCKET: Final = "histogram has a bucket whose observation count is negative"
_TOO_FEW: Final = (
    "histogram's observation count should be at least the number of observations found in the "
    "buckets"
)
_NOT_EQUAL: Final = (
    "histogram's observation count should equal the number of observations found in the buckets "
    "(in absence of NaN)"
)


# --- Compaction -------------------------------------------------------------------------------


def compacted(histogram: FloatHistogram, *, empty_max: int = 0) -> FloatHistogram:
    """Without empty buckets, but for up to `empty_max` in a row between others that are not."""
    positive = compacted_side(histogram.positive_spans, histogram.positive_buckets, empty_max)
    negative = compacted_side(histogram.negative_spans, histogram.negative_buckets, empty_max)
    return replace(
        histogram,
        positive_spans=positive[0],
        positive_buckets=positive[1],
        negative_spans=negative[0],
        negative_buckets=negative[1],
    )


def compacted_side(spans: Sequence[BucketSpan], buckets: Sequence[float], empty_max: int) -> Side:
    """The side with empty buckets cut off, and with gaps of up to `empty_max` filled."""
    kept: list[_Run] = []
    for first, counts in _runs(spans, buckets):
        for run in _cut(first, counts, empty_max):
            if kept and run[0] - _behind(kept[-1]) <= empty_max:
                kept[-1][1].extend([0.0] * (run[0] - _behind(kept[-1])))
                kept[-1][1].extend(run[1])
            else:
                kept.append(run)
    return _as_side(kept)


def _runs(spans: Sequence[BucketSpan], buckets: Sequence[float]) -> Iterator[_Run]:
    """The buckets, run by run: spans that touch are one."""
    index = at = 0
    current: _Run | None = None
    for span in spans:
        index += span.offset
        counts = list(buckets[at : at + span.length])
        if current is not None and index == _behind(current):
            current[1].extend(counts)
        else:
            if current is not None and current[1]:
                yield current
            current = (index, counts)
        index += span.length
        at += span.length
    if current is not None and current[1]:
        yield current


def _cut(first: int, counts: Sequence[float], empty_max: int) -> Iterator[_Run]:
    """What is left of a run without the empty buckets at its ends and in long stretches."""
    run: list[float] = []
    start = empty = 0
    for place, count in enumerate(counts):
        if count == 0:
            empty += 1
            continue
        if run and empty > empty_max:
            yield start, run
            run = []
        if run:
            run.extend([0.0] * empty)
        else:
            start = first + place
        run.append(count)
        empty = 0
    if run:
        yield start, run


def _behind(run: _Run) -> int:
    return run[0] + len(run[1])


def _as_side(runs: Sequence[_Run]) -> Side:
    spans: list[BucketSpan] = []
    buckets: list[float] = []
    index = 0
    for first, counts in runs:
        spans.append(BucketSpan(first - index, len(counts)))
        buckets.extend(counts)
        index = first + len(counts)
    return tuple(spans), tuple(buckets)


# --- Resolution -------------------------------------------------------------------------------


def reduced(histogram: FloatHistogram, schema: int) -> FloatHistogram:
    """The same observations in the wider buckets of a lower `schema`."""
    assert SCHEMA_MIN <= schema <= histogram.schema, "resolution is lost, never won"
    shift = histogram.schema - schema
    positive = _reduced_side(histogram.positive_spans, histogram.positive_buckets, shift)
    negative = _reduced_side(histogram.negative_spans, histogram.negative_buckets, shift)
    return replace(
        histogram,
        schema=schema,
        positive_spans=positive[0],
        positive_buckets=positive[1],
        negative_spans=negative[0],
        negative_buckets=negative[1],
    )


def _reduced_side(spans: Sequence[BucketSpan], buckets: Sequence[float], shift: int) -> Side:
    wide: dict[int, float] = {}
    for first, counts in _runs(spans, buckets):
        for index, count in enumerate(counts, start=first):
            # Bucket i ends at base^i, so its wide one is i / 2^shift, rounded up.
            place = -(-index >> shift)
            wide[place] = wide.get(place, 0.0) + count
    runs: list[_Run] = []
    for place, count in sorted(wide.items()):
        if runs and place == _behind(runs[-1]):
            runs[-1][1].append(count)
        else:
            runs.append((place, [count]))
    return _as_side(runs)


def bucket_count(histogram: FloatHistogram) -> int:
    """How many buckets are written down, both sides."""
    return len(histogram.positive_buckets) + len(histogram.negative_buckets)


def limited(histogram: FloatHistogram, bucket_limit: int) -> FloatHistogram | None:
    """As fine as `bucket_limit` buckets allow; None where no resolution is coarse enough."""
    while bucket_count(histogram) > bucket_limit:
        if histogram.schema <= SCHEMA_MIN:
            return None
        histogram = reduced(histogram, histogram.schema - 1)
    return histogram


def schema_of_factor(factor: float) -> int:
    """The finest schema whose buckets grow by at least `factor` each."""
    if factor <= 1:
        return SCHEMA_MAX
    schema = math.floor(-math.log2(math.log2(factor)))
    return min(max(schema, SCHEMA_MIN), SCHEMA_MAX)


def within_known_schemas(histogram: FloatHistogram) -> FloatHistogram:
    """A schema from a later version, read at the finest resolution that is known."""
    if SCHEMA_MAX < histogram.schema <= _SCHEMA_RESERVED_MAX:
        return reduced(histogram, SCHEMA_MAX)
    return histogram


def empty_like(histogram: FloatHistogram) -> FloatHistogram:
    """No observation yet, under the same layout: where a histogram begins to count."""
    return FloatHistogram(
        schema=histogram.schema,
        zero_threshold=histogram.zero_threshold,
        custom_values=histogram.custom_values,
        hint=CounterResetHint.RESET,
    )


# --- Checks -----------------------------------------------------------------------------------


def check_spans(metric: str, side: str, spans: Sequence[BucketSpan], bucket_count: int) -> None:
    """Raises ValueError unless the spans are for that many buckets."""
    wanted = sum(span.length for span in spans)
    if wanted != bucket_count:
        raise ValueError(
            f'histogram "{metric}": {side} side: spans require {wanted} buckets, '
            f"have {bucket_count}"
        )


def check(histogram: FloatHistogram, *, integer: bool) -> None:
    """Raises ValueError, in the store's words, for what no query could make sense of."""
    if histogram.schema != CUSTOM_SCHEMA and not SCHEMA_MIN <= histogram.schema <= SCHEMA_MAX:
        raise ValueError(f"invalid schema {histogram.schema}")
    total = 0.0
    for side, spans, buckets in (
        ("negative", histogram.negative_spans, histogram.negative_buckets),
        ("positive", histogram.positive_spans, histogram.positive_buckets),
    ):
        _check_side(side, spans, buckets)
        total += sum(buckets)
    if not integer:
        if histogram.zero_count < 0:
            raise ValueError(
                f"zero bucket has observation count of {histogram.zero_count:g}: {_NEGATIVE_BUCKET}"
            )
        if histogram.count < 0:
            raise ValueError(
                f"observation count is {histogram.count:g}: "
                "histogram's observation count is negative"
            )
        return
    total += histogram.zero_count
    if total > histogram.count or (total < histogram.count and not math.isnan(histogram.sum)):
        reason = _TOO_FEW if math.isnan(histogram.sum) else _NOT_EQUAL
        raise ValueError(
            f"{total:.0f} observations found in buckets, but the Count field is "
            f"{histogram.count:.0f}: {reason}"
        )


def _check_side(side: str, spans: Sequence[BucketSpan], buckets: Sequence[float]) -> None:
    for number, span in enumerate(spans[1:], start=2):
        if span.offset < 0:
            raise ValueError(
                f"{side} side: span number {number} with offset {span.offset}: {_NEGATIVE_OFFSET}"
            )
    if sum(span.length for span in spans) != len(buckets):
        wanted = sum(span.length for span in spans)
        raise ValueError(
            f"{side} side: spans require {wanted} buckets, have {len(buckets)}: {_SPANS_MISMATCH}"
        )
    for number, count in enumerate(buckets, start=1):
        if not count >= 0:
            raise ValueError(
                f"{side} side: bucket number {number} has observation count of {count:g}: "
                f"{_NEGATIVE_BUCKET}"
            )
