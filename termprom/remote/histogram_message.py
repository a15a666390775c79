"""`prometheus.Histogram`, as remote write carries native histograms.

    1 count_int  2 count_float  3 sum  4 schema (sint)  5 zero_threshold  6 zero_count_int
    7 zero_count_float  8/11 negative/positive spans {1 offset sint, 2 length}
    9/12 negative/positive deltas (sint)  10/13 negative/positive counts (double)
    14 reset_hint  15 timestamp  16 custom_values (double)

Integer histograms have deltas, float histograms absolute counts; here all become floats.
Source: prometheus/prompb, types.proto; model/histogram, `Validate`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

from termprom.exposition.wire import (
    BYTES,
    FIXED64,
    VARINT,
    Field,
    double,
    doubles,
    fields,
    signed,
    varints,
    zigzag,
)
from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram

_CUSTOM: Final = -53
_SCHEMAS: Final = range(-4, 9)
_BUCKETS_MAX: Final = 100_000  # of one side; a span of 2**32 buckets costs eight bytes to claim

_COUNT_INT: Final = 1 << 3 | VARINT
_COUNT_FLOAT: Final = 2 << 3 | FIXED64
_SUM: Final = 3 << 3 | FIXED64
_SCHEMA: Final = 4 << 3 | VARINT
_ZERO_THRESHOLD: Final = 5 << 3 | FIXED64
_ZERO_INT: Final = 6 << 3 | VARINT
_ZERO_FLOAT: Final = 7 << 3 | FIXED64
_RESET_HINT: Final = 14 << 3 | VARINT
_TIMESTAMP: Final = 15 << 3 | VARINT


def parse_histogram(data: bytes, at: int, end: int) -> tuple[int, FloatHistogram]:
    """Unix milliseconds and the histogram in data[at:end]. Raises ExpositionError."""
    ints = dict.fromkeys((_COUNT_INT, _SCHEMA, _ZERO_INT, _RESET_HINT, _TIMESTAMP), 0)
    floats = dict.fromkeys((_COUNT_FLOAT, _SUM, _ZERO_THRESHOLD, _ZERO_FLOAT), 0.0)
    is_float = False
    spans: dict[int, list[BucketSpan]] = {8: [], 11: []}
    deltas: dict[int, list[int]] = {9: [], 12: []}
    counts: dict[int, list[float]] = {10: [], 13: [], 16: []}
    for field in fields(data, at, end):
        number, tag = field.tag >> 3, field.tag
        if tag in ints:
            ints[tag] = field.first
        elif tag in floats:
            floats[tag] = double(data, field.first)
            is_float = is_float or tag == _COUNT_FLOAT
        elif number in spans and tag & 7 == BYTES:
            spans[number].append(_span(data, field))
        elif number in deltas and tag & 7 in (VARINT, BYTES):
            deltas[number] += map(zigzag, varints(data, field))
        elif number in counts and tag & 7 in (FIXED64, BYTES):
            counts[number] += doubles(data, field)
    negative = counts[10] if is_float else [float(one) for one in accumulate(deltas[9])]
    positive = counts[13] if is_float else [float(one) for one in accumulate(deltas[12])]
    hint = ints[_RESET_HINT]
    return signed(ints[_TIMESTAMP]), FloatHistogram(
        schema=zigzag(ints[_SCHEMA]),
        zero_threshold=floats[_ZERO_THRESHOLD],
        zero_count=floats[_ZERO_FLOAT] if is_float else float(ints[_ZERO_INT]),
        count=floats[_COUNT_FLOAT] if is_float else float(ints[_COUNT_INT]),
        sum=floats[_SUM],
        positive_spans=tuple(spans[11]),
        positive_buckets=tuple(positive),
        negative_spans=tuple(spans[8]),
        negative_buckets=tuple(negative),
        custom_values=tuple(counts[16]),
        hint=CounterResetHint(hint) if hint <= max(CounterResetHint) else CounterResetHint.UNKNOWN,
    )


def _span(data: bytes, message: Field) -> BucketSpan:
    offset = length = 0
    for field in fields(data, message.first, message.end):
        if field.tag == 1 << 3 | VARINT:
            offset = zigzag(field.first)
        elif field.tag == 2 << 3 | VARINT:
            length = field.first & 0xFFFFFFFF
    return BucketSpan(offset, length)


def problem_of(histogram: FloatHistogram) -> str:
    """Why it is no sound histogram, in upstream's words; empty for a sound one."""
    custom = histogram.schema == _CUSTOM
    if not custom and histogram.schema not in _SCHEMAS:
        return (
            "histogram has an invalid schema, which must be between -4 and 8 for exponential "
            f"buckets, or -53 for custom buckets, got schema {histogram.schema}"
        )
    sides = (
        ("negative", histogram.negative_spans, histogram.negative_buckets),
        ("positive", histogram.positive_spans, histogram.positive_buckets),
    )
    for side, spans, buckets in sides:
        problem = _side_problem(spans, buckets)
        if problem:
            return f"{side} side: {problem}"
    if custom:
        return _custom_problem(histogram)
    if histogram.custom_values:
        return "histogram with exponential schema must not have custom bounds"
    seen = histogram.zero_count + sum(histogram.negative_buckets) + sum(histogram.positive_buckets)
    # Observations that are NaN are in no bucket, so a NaN sum allows for more of them.
    if math.isnan(histogram.sum):
        fits = seen <= histogram.count
    else:
        fits = math.isclose(seen, histogram.count, rel_tol=1e-9)
    return (
        ""
        if fits
        else f"{seen:g} observations found in buckets, but the Count field is {histogram.count:g}"
    )


def _side_problem(spans: Sequence[BucketSpan], buckets: Sequence[float]) -> str:
    needed = sum(span.length for span in spans)
    for number, span in enumerate(spans):
        if number and span.offset < 0:
            return f"span number {number + 1} with offset {span.offset}: negative span offset"
    if needed != len(buckets):
        return (
            f"spans need {needed} buckets, have {len(buckets)} buckets: histogram spans specify "
            "different number of buckets than provided"
        )
    if needed > _BUCKETS_MAX:
        return f"more than {_BUCKETS_MAX} buckets"
    if any(count < 0 for count in buckets):
        return "observation count of a bucket is negative"
    return ""


def _custom_problem(histogram: FloatHistogram) -> str:
    bounds = histogram.custom_values
    if histogram.zero_count or histogram.zero_threshold:
        return "custom buckets: must have zero count and threshold of 0"
    if histogram.negative_buckets:
        return "custom buckets: must not have negative buckets"
    if any(not after > before for before, after in pairwise(bounds)):
        return "custom buckets: bounds must be in strictly ascending order"
    last, spans = -1, histogram.positive_spans
    for span in spans:
        last += span.offset + span.length
    if spans and (last > len(bounds) or spans[0].offset < 0):
        return (
            f"only {len(bounds)} custom bounds defined which is insufficient to cover the buckets"
        )
    return ""
