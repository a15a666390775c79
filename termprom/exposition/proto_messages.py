"""The messages of io.prometheus.client, field by field, out of the wire.

Only what a scrape needs is turned into values at once; labels stay bytes, because nearly all of
them are known from the scrape before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from termprom.errors import ExpositionError
from termprom.exposition.entries import Exemplar, LabelPairs
from termprom.exposition.native import (
    check,
    check_spans,
    compacted,
    within_known_schemas,
)
from termprom.exposition.numbers import NAN
from termprom.exposition.wire import (
    BYTES,
    FIXED64,
    VARINT,
    Field,
    Known,
    check_unknown,
    double,
    doubles,
    fields,
    signed,
    varint,
    varints,
    zigzag,
)
from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram
from termprom.model.metadata import MetricType

TYPES: Final = (
    MetricType.COUNTER,
    MetricType.GAUGE,
    MetricType.SUMMARY,
    MetricType.UNKNOWN,
    MetricType.HISTOGRAM,
    MetricType.GAUGE_HISTOGRAM,
)

# Tags: field number << 3 | wire type.
_FAMILY: Final[Known] = {
    1: ("Name", BYTES),
    2: ("Help", BYTES),
    3: ("Type", VARINT),
    4: ("Metric", BYTES),
    5: ("Unit", BYTES),
}
_METRIC: Final[Known] = {
    1: ("Label", BYTES),
    2: ("Gauge", BYTES),
    3: ("Counter", BYTES),
    4: ("Summary", BYTES),
    5: ("Untyped", BYTES),
    6: ("TimestampMs", VARINT),
    7: ("Histogram", BYTES),
}
_VALUE: Final[Known] = {1: ("Value", FIXED64), 2: ("Exemplar", BYTES), 3: ("StartTimestamp", BYTES)}
_PAIR: Final[Known] = {1: ("Name", BYTES), 2: ("Value", BYTES)}
_TIME: Final[Known] = {1: ("Seconds", VARINT), 2: ("Nanos", VARINT)}
_SUMMARY: Final[Known] = {
    1: ("SampleCount", VARINT),
    2: ("SampleSum", FIXED64),
    3: ("Quantile", BYTES),
    4: ("StartTimestamp", BYTES),
}
_QUANTILE: Final[Known] = {1: ("Quantile", FIXED64), 2: ("Value", FIXED64)}
_EXEMPLAR: Final[Known] = {1: ("Label", BYTES), 2: ("Value", FIXED64), 3: ("Timestamp", BYTES)}
_SPAN: Final[Known] = {1: ("Offset", VARINT), 2: ("Length", VARINT)}
_BUCKET: Final[Known] = {
    1: ("CumulativeCount", VARINT),
    2: ("UpperBound", FIXED64),
    3: ("Exemplar", BYTES),
    4: ("CumulativeCountFloat", FIXED64),
}
_HISTOGRAM: Final[Known] = {
    1: ("SampleCount", VARINT),
    2: ("SampleSum", FIXED64),
    3: ("Bucket", BYTES),
    4: ("SampleCountFloat", FIXED64),
    5: ("Schema", VARINT),
    6: ("ZeroThreshold", FIXED64),
    7: ("ZeroCount", VARINT),
    8: ("ZeroCountFloat", FIXED64),
    9: ("NegativeSpan", BYTES),
    10: ("NegativeDelta", VARINT),
    11: ("NegativeCount", FIXED64),
    12: ("PositiveSpan", BYTES),
    13: ("PositiveDelta", VARINT),
    14: ("PositiveCount", FIXED64),
    15: ("StartTimestamp", BYTES),
    16: ("Exemplars", BYTES),
}

# The most common value message: one double and nothing else.
_LONE_DOUBLE: Final = b"\x09"


@dataclass(slots=True)
class Family:
    """A family's header; `metrics` are where its metrics' messages are in the body."""

    name: bytes = b""
    help: bytes = b""
    unit: bytes = b""
    type: int = 0
    metrics: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Metric:
    """One metric of a family. `labels` are its label fields with their tags, in order.

    `parts` has the content of each value message by field number: a message that comes in pieces
    is its pieces, one after the other.
    """

    labels: bytes = b""
    time_ms: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class ClassicBucket:
    bound: float = 0.0
    count: float = 0.0
    exemplar: Exemplar | None = None


@dataclass(slots=True)
class Summary:
    count: float = 0.0
    sum: float = 0.0
    quantiles: list[tuple[float, float]] = field(default_factory=list)
    start_ms: int = 0


@dataclass(slots=True)
class Histogram:
    """Both views of a histogram: its classic buckets, and what its native parts say."""

    count: int = 0
    count_float: float = 0.0
    sum: float = 0.0
    buckets: list[ClassicBucket] = field(default_factory=list)
    schema: int = 0
    zero_threshold: float = 0.0
    zero_count: int = 0
    zero_count_float: float = 0.0
    negative_spans: list[BucketSpan] = field(default_factory=list)
    negative_deltas: list[int] = field(default_factory=list)
    negative_counts: list[float] = field(default_factory=list)
    positive_spans: list[BucketSpan] = field(default_factory=list)
    positive_deltas: list[int] = field(default_factory=list)
    positive_counts: list[float] = field(default_factory=list)
    start_ms: int = 0
    exemplars: list[Exemplar] = field(default_factory=list)

    @property
    def is_native(self) -> bool:
        """Whether there is more to it than classic buckets."""
        return bool(
            self.positive_spans
            or self.negative_spans
            or self.zero_threshold > 0
            or self.zero_count > 0
        )

    @property
    def total(self) -> float:
        """How many observations, in the classic view."""
        return self.count_float or float(self.count)


def read_family(data: bytes, at: int, end: int) -> Family:
    """The header of the MetricFamily in data[at:end]. Raises ExpositionError."""
    family = Family()
    for tag, first, stop in fields(data, at, end):
        match tag:
            case 0x0A:
                family.name = data[first:stop]
            case 0x12:
                family.help = data[first:stop]
            case 0x18:
                family.type = first
            case 0x22:
                family.metrics.append((first, stop))
            case 0x2A:
                family.unit = data[first:stop]
            case _:
                check_unknown(tag, _FAMILY)
    return family


def read_metric(data: bytes, at: int, end: int) -> Metric:
    """The Metric in data[at:end]. Raises ExpositionError."""
    metric = Metric()
    while at < end and data[at] == 0x0A:
        # Labels come first and are many: their bytes are taken as they are.
        size, first = varint(data, at + 1, end)
        if first + size > end:
            raise ExpositionError("unexpected EOF")
        metric.labels += data[at : first + size]
        at = first + size
    for tag, first, stop in fields(data, at, end):
        match tag:
            case 0x0A:
                metric.labels += b"\x0a" + _varint_bytes(stop - first) + data[first:stop]
            case 0x12 | 0x1A | 0x22 | 0x2A | 0x3A:
                number = tag >> 3
                metric.parts[number] = metric.parts.get(number, b"") + data[first:stop]
            case 0x30:
                metric.time_ms = signed(first)
            case _:
                check_unknown(tag, _METRIC)
    return metric


def read_labels(data: bytes, at: int = 0, end: int | None = None) -> LabelPairs:
    """The pairs of the label fields in data[at:end]. Raises ExpositionError."""
    pairs: list[tuple[str, str]] = []
    for tag, first, stop in fields(data, at, len(data) if end is None else end):
        if tag == 0x0A:
            pairs.append(_read_pair(data, first, stop))
    return tuple(pairs)


def _read_pair(data: bytes, at: int, end: int) -> tuple[str, str]:
    name = value = b""
    for tag, first, stop in fields(data, at, end):
        match tag:
            case 0x0A:
                name = data[first:stop]
            case 0x12:
                value = data[first:stop]
            case _:
                check_unknown(tag, _PAIR)
    label = _text(name, "invalid label name: ")
    if not label:
        raise ExpositionError("invalid label name: ")
    return label, _text(value, "invalid label value: ")


def _text(data: bytes, complaint: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise ExpositionError(complaint + data.decode("utf-8", "backslashreplace")) from problem


def read_value(part: bytes) -> tuple[float, Exemplar | None, int]:
    """Value, exemplar and start in Unix milliseconds of a Counter, Gauge or Untyped message."""
    if len(part) == 9 and part.startswith(_LONE_DOUBLE):
        return plain(double(part, 1)), None, 0
    value, exemplar, start_ms = 0.0, b"", b""
    has_exemplar = False
    for tag, first, stop in fields(part, 0, len(part)):
        match tag:
            case 0x09:
                value = double(part, first)
            case 0x12:
                exemplar, has_exemplar = exemplar + part[first:stop], True
            case 0x1A:
                start_ms += part[first:stop]
            case _:
                check_unknown(tag, _VALUE)
    traced = read_exemplar(exemplar, 0, len(exemplar)) if has_exemplar else None
    return plain(value), traced, _read_time(start_ms, 0, len(start_ms))


def read_summary(part: bytes) -> Summary:
    """The Summary message in `part`. Raises ExpositionError."""
    summary = Summary()
    for tag, first, stop in fields(part, 0, len(part)):
        match tag:
            case 0x08:
                summary.count = float(first)
            case 0x11:
                summary.sum = plain(double(part, first))
            case 0x1A:
                summary.quantiles.append(_read_quantile(part, first, stop))
            case 0x22:
                summary.start_ms = _read_time(part, first, stop)
            case _:
                check_unknown(tag, _SUMMARY)
    return summary


def _read_quantile(data: bytes, at: int, end: int) -> tuple[float, float]:
    quantile = value = 0.0
    for tag, first, _ in fields(data, at, end):
        match tag:
            case 0x09:
                quantile = double(data, first)
            case 0x11:
                value = double(data, first)
            case _:
                check_unknown(tag, _QUANTILE)
    return quantile, plain(value)


def read_histogram(part: bytes) -> Histogram:
    """The Histogram message in `part`. Raises ExpositionError."""
    histogram = Histogram()
    for one in fields(part, 0, len(part)):
        tag, first, stop = one
        match tag:
            case 0x08:
                histogram.count = first
            case 0x11:
                histogram.sum = plain(double(part, first))
            case 0x1A:
                histogram.buckets.append(_read_bucket(part, first, stop))
            case 0x21:
                histogram.count_float = double(part, first)
            case 0x28:
                histogram.schema = _int32(zigzag(first))
            case 0x31:
                histogram.zero_threshold = double(part, first)
            case 0x38:
                histogram.zero_count = first
            case 0x41:
                histogram.zero_count_float = double(part, first)
            case 0x7A:
                histogram.start_ms = _read_time(part, first, stop)
            case 0x82:
                histogram.exemplars.append(read_exemplar(part, first, stop))
            case _:
                _read_side(histogram, part, one)
    return histogram


def _read_side(histogram: Histogram, data: bytes, one: Field) -> None:
    """One field of the native buckets; repeated numbers come packed or one by one."""
    match one.tag:
        case 0x4A:
            histogram.negative_spans.append(_read_span(data, one.first, one.end))
        case 0x62:
            histogram.positive_spans.append(_read_span(data, one.first, one.end))
        case 0x50 | 0x52:
            histogram.negative_deltas.extend(map(zigzag, varints(data, one)))
        case 0x68 | 0x6A:
            histogram.positive_deltas.extend(map(zigzag, varints(data, one)))
        case 0x59 | 0x5A:
            histogram.negative_counts.extend(doubles(data, one))
        case 0x71 | 0x72:
            histogram.positive_counts.extend(doubles(data, one))
        case tag:
            check_unknown(tag, _HISTOGRAM)


def _read_span(data: bytes, at: int, end: int) -> BucketSpan:
    offset = length = 0
    for tag, first, _ in fields(data, at, end):
        match tag:
            case 0x08:
                offset = _int32(zigzag(first))
            case 0x10:
                length = first & 0xFFFFFFFF
            case _:
                check_unknown(tag, _SPAN)
    return BucketSpan(offset, length)


def _read_bucket(data: bytes, at: int, end: int) -> ClassicBucket:
    bucket = ClassicBucket()
    count = 0
    for tag, first, stop in fields(data, at, end):
        match tag:
            case 0x08:
                count = first
            case 0x11:
                bucket.bound = double(data, first)
            case 0x1A:
                bucket.exemplar = read_exemplar(data, first, stop)
            case 0x21:
                bucket.count = double(data, first)
            case _:
                check_unknown(tag, _BUCKET)
    bucket.count = bucket.count or float(count)
    return bucket


def read_exemplar(data: bytes, at: int, end: int) -> Exemplar:
    """The Exemplar message in data[at:end]. Raises ExpositionError."""
    value = 0.0
    time_ms: int | None = None
    for tag, first, stop in fields(data, at, end):
        match tag:
            case 0x0A:
                pass
            case 0x11:
                value = double(data, first)
            case 0x1A:
                time_ms = _read_time(data, first, stop)
            case _:
                check_unknown(tag, _EXEMPLAR)
    return Exemplar(read_labels(data, at, end), plain(value), time_ms)


def _read_time(data: bytes, at: int, end: int) -> int:
    """A Timestamp message in Unix milliseconds; 0 where it is empty."""
    seconds = nanos = 0
    for tag, first, _ in fields(data, at, end):
        match tag:
            case 0x08:
                seconds = signed(first)
            case 0x10:
                nanos = _int32(first)
            case _:
                check_unknown(tag, _TIME)
    # Go's division cuts towards zero.
    return seconds * 1000 + int(nanos / 1_000_000)


def native_histogram(metric: str, message: Histogram, *, gauge: bool) -> FloatHistogram:
    """The native view, compact. Raises ExpositionError for one that does not fit together."""
    integer = not (message.count_float > 0 or message.zero_count_float > 0)
    negative = _absolute(message.negative_deltas) if integer else message.negative_counts
    positive = _absolute(message.positive_deltas) if integer else message.positive_counts
    histogram = FloatHistogram(
        schema=message.schema,
        zero_threshold=message.zero_threshold,
        zero_count=float(message.zero_count) if integer else message.zero_count_float,
        count=float(message.count) if integer else message.count_float,
        sum=message.sum,
        positive_spans=tuple(message.positive_spans),
        positive_buckets=tuple(positive),
        negative_spans=tuple(message.negative_spans),
        negative_buckets=tuple(negative),
        hint=CounterResetHint.GAUGE if gauge else CounterResetHint.UNKNOWN,
    )
    try:
        check_spans(metric, "positive", histogram.positive_spans, len(positive))
        check_spans(metric, "negative", histogram.negative_spans, len(negative))
        histogram = within_known_schemas(histogram)
        check(histogram, integer=integer)
    except ValueError as problem:
        raise ExpositionError(str(problem)) from problem
    return compacted(histogram)


def _absolute(deltas: list[int]) -> list[float]:
    counts: list[float] = []
    count = 0
    for delta in deltas:
        count += delta
        counts.append(float(count))
    return counts


def plain(value: float) -> float:
    """`value`, with the one NaN for all NaNs: none from outside may pass for a marker."""
    return NAN if math.isnan(value) else value


def _int32(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


@lru_cache(maxsize=256)
def _varint_bytes(value: int) -> bytes:
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
