"""The samples of a protobuf body: MetricFamily messages of io.prometheus.client, each behind its
length as a varint.

Decoded by hand from `proto_messages`: generated modules need a runtime that costs 40 ms of every
start, and build objects for labels that are known from the last scrape anyway.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from termprom.errors import ExpositionError
from termprom.exposition import proto_messages as proto
from termprom.exposition.custom_buckets import from_classic
from termprom.exposition.entries import Exemplar, LabelPairs
from termprom.exposition.numbers import format_openmetrics_number
from termprom.exposition.wire import fields, varint
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import METRIC_NAME
from termprom.model.metadata import Metadata, MetricType

_LENGTH_BYTES_MAX: Final = 5
_LABEL: Final = 1
_GAUGE: Final = 2
_COUNTER: Final = 3
_SUMMARY: Final = 4
_UNTYPED: Final = 5
_HISTOGRAM: Final = 7
_VALUE_PARTS: Final = {
    MetricType.COUNTER: _COUNTER,
    MetricType.GAUGE: _GAUGE,
    MetricType.UNKNOWN: _UNTYPED,
}
_HISTOGRAMS: Final = frozenset({MetricType.HISTOGRAM, MetricType.GAUGE_HISTOGRAM})


@dataclass(frozen=True, slots=True)
class HistogramForms:
    """Which forms of a histogram a target's samples take."""

    native: bool = False  # as it is, where it has native buckets
    convert: bool = False  # classic buckets as one native histogram with custom bounds
    keep_classic: bool = False  # classic series beside these


@dataclass(frozen=True, slots=True)
class ProtoFamily:
    """The header of a family that has metrics."""

    name: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class ProtoSample:
    """One sample. `key` is the same for the same series of the same body, and only for that."""

    family: bytes
    suffix: str
    labels: bytes
    bound: tuple[str, str] | None
    value: float
    time_ms: int | None
    start_ms: int = 0
    exemplars: tuple[Exemplar, ...] = ()
    histogram: FloatHistogram | None = None

    @property
    def key(self) -> tuple[bytes, str, bytes, tuple[str, str] | None, bool]:
        return self.family, self.suffix, self.labels, self.bound, self.histogram is not None

    def pairs(self) -> LabelPairs:
        """The labels as exposed. Raises ExpositionError."""
        name = (METRIC_NAME, self.family.decode("utf-8") + self.suffix)
        labels = proto.read_labels(self.labels)
        return (name, *labels, self.bound) if self.bound is not None else (name, *labels)


def read_protobuf(body: bytes, forms: HistogramForms) -> Iterator[ProtoFamily | ProtoSample]:
    """What a body says, in its order. Raises ExpositionError at the first mistake."""
    for start, end in messages(body):
        yield from read_family(body, start, end, forms)


def messages(body: bytes) -> Iterator[tuple[int, int]]:
    """The bounds of the families' messages. Raises ExpositionError where one is cut off."""
    at = 0
    while at < len(body):
        start, at = _message(body, at)
        yield start, at


def read_family(
    body: bytes, start: int, end: int, forms: HistogramForms
) -> Iterator[ProtoFamily | ProtoSample]:
    """The header and the samples of the family in body[start:end]; nothing if it has no metrics."""
    family = proto.read_family(body, start, end)
    if not family.metrics:
        return
    header = _header(family)
    yield header
    kind = header.metadata.type
    for first, stop in family.metrics:
        metric = proto.read_metric(body, first, stop)
        yield from _samples(header.name, family.name, kind, metric, forms)


def value_places(body: bytes, start: int, end: int) -> list[int] | None:
    """Where the values of a family's metrics stand, if each is one float64 and nothing else.

    Between two scrapes such a family changes in these places only.
    """
    family = proto.read_family(body, start, end)
    if family.type >= len(proto.TYPES):
        return None
    field = _VALUE_PARTS.get(proto.TYPES[family.type])
    if field is None:
        return None
    places: list[int] = []
    for first, stop in family.metrics:
        found = [one for one in fields(body, first, stop) if one.tag >> 3 != _LABEL]
        if [one.tag >> 3 for one in found] != [field]:
            return None
        if found[0].end - found[0].first != 9 or body[found[0].first] != 0x09:
            return None
        places.append(found[0].first + 1)
    return places


def _message(body: bytes, at: int) -> tuple[int, int]:
    """The bounds of the message whose length stands at `at`."""
    try:
        size, start = varint(body, at, min(at + _LENGTH_BYTES_MAX, len(body)))
    except ExpositionError as problem:
        raise ExpositionError("clientpb: invalid varint encountered") from problem
    if start + size > len(body):
        raise ExpositionError(
            "clientpb: insufficient length of buffer, "
            f"expected at least {start - at + size} bytes, got {len(body) - at} bytes"
        )
    return start, start + size


def _header(family: proto.Family) -> ProtoFamily:
    try:
        name = family.name.decode("utf-8")
    except UnicodeDecodeError:
        name = ""
    if not name:
        shown = family.name.decode("utf-8", "backslashreplace")
        raise ExpositionError(f"invalid metric name: {shown}")
    try:
        text = family.help.decode("utf-8")
    except UnicodeDecodeError as problem:
        shown = family.help.decode("utf-8", "backslashreplace")
        raise ExpositionError(f'invalid help for metric "{name}": {shown}') from problem
    if family.type >= len(proto.TYPES):
        raise ExpositionError(f'unknown metric type for metric "{name}": {family.type}')
    unit = family.unit.decode("utf-8", "replace")
    return ProtoFamily(name, Metadata(proto.TYPES[family.type], text, unit))


def _samples(
    metric_name: str, family: bytes, kind: MetricType, metric: proto.Metric, forms: HistogramForms
) -> Iterator[ProtoSample]:
    labels, time_ms = metric.labels, metric.time_ms or None
    if kind in _VALUE_PARTS:
        part = metric.parts.get(_VALUE_PARTS[kind], b"")
        value, exemplar, start_ms = proto.read_value(part)
        exemplars = (exemplar,) if exemplar is not None else ()
        yield ProtoSample(family, "", labels, None, value, time_ms, start_ms, exemplars)
        return
    if kind in _HISTOGRAMS:
        message = proto.read_histogram(metric.parts.get(_HISTOGRAM, b""))
        gauge = kind is MetricType.GAUGE_HISTOGRAM
        yield from _histogram(metric_name, family, labels, time_ms, message, forms, gauge=gauge)
        return
    summary = proto.read_summary(metric.parts.get(_SUMMARY, b""))
    start_ms = summary.start_ms
    yield ProtoSample(family, "_count", labels, None, summary.count, time_ms, start_ms)
    yield ProtoSample(family, "_sum", labels, None, summary.sum, time_ms, start_ms)
    for quantile, value in summary.quantiles:
        bound = ("quantile", _bound_text(quantile))
        yield ProtoSample(family, "", labels, bound, value, time_ms, start_ms)


def _histogram(
    metric_name: str,
    family: bytes,
    labels: bytes,
    time_ms: int | None,
    message: proto.Histogram,
    forms: HistogramForms,
    *,
    gauge: bool,
) -> Iterator[ProtoSample]:
    """The forms of one histogram that are asked for, the native one first."""
    native = forms.native and message.is_native
    classic = forms.keep_classic and bool(message.buckets) if native else True
    if native:
        histogram = proto.native_histogram(metric_name, message, gauge=gauge)
        exemplars = _native_exemplars(message)
        yield ProtoSample(
            family, "", labels, None, math.nan, time_ms, message.start_ms, exemplars, histogram
        )
    elif forms.convert:
        classic = forms.keep_classic
        exemplars = _native_exemplars(message)
        converted = _converted(message, gauge=gauge)
        yield ProtoSample(
            family, "", labels, None, math.nan, time_ms, message.start_ms, exemplars, converted
        )
    if classic:
        yield from _classic(family, labels, time_ms, message)


def _converted(message: proto.Histogram, *, gauge: bool) -> FloatHistogram:
    pairs = ((bucket.bound, bucket.count) for bucket in message.buckets)
    try:
        return from_classic(pairs, message.total, message.sum, gauge=gauge)
    except ValueError as problem:
        raise ExpositionError(str(problem)) from problem


def _classic(
    family: bytes, labels: bytes, time_ms: int | None, message: proto.Histogram
) -> Iterator[ProtoSample]:
    start_ms = message.start_ms
    yield ProtoSample(family, "_count", labels, None, message.total, time_ms, start_ms)
    yield ProtoSample(family, "_sum", labels, None, message.sum, time_ms, start_ms)
    for bucket in message.buckets:
        bound = ("le", _bound_text(bucket.bound))
        exemplars = (bucket.exemplar,) if bucket.exemplar is not None else ()
        yield ProtoSample(
            family, "_bucket", labels, bound, bucket.count, time_ms, start_ms, exemplars
        )
    if not message.buckets or message.buckets[-1].bound != math.inf:
        yield ProtoSample(
            family, "_bucket", labels, ("le", "+Inf"), message.total, time_ms, start_ms
        )


def _native_exemplars(message: proto.Histogram) -> tuple[Exemplar, ...]:
    """Those with a time: of a whole histogram nothing else says when one was observed."""
    found = message.exemplars or [
        bucket.exemplar for bucket in message.buckets if bucket.exemplar is not None
    ]
    return tuple(exemplar for exemplar in found if exemplar.timestamp_ms is not None)


@lru_cache(maxsize=4096)
def _bound_text(bound: float) -> str:
    return format_openmetrics_number(bound)
