"""Lines of a dataset as remote write requests, to load them into a real Prometheus.

Field numbers: prometheus/prompb, types.proto.
"""

from __future__ import annotations

import struct
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import cramjam

from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram
from termprom.model.values import STALE, STALE_BITS, bits_of
from tests.promql.differential.dataset import Line, Sample

_LONG_MS = 60 * 60_000
_SLICE_MS = 20 * 60_000  # what a head takes at once without refusing anything as too old


def send(url: str, lines: Sequence[Line]) -> None:
    """Everything, in slices of time, so that no sample is older than the head allows."""
    end = max(time_ms for line in lines for time_ms, _ in line.samples)
    start = min(time_ms for line in lines for time_ms, _ in line.samples)
    # A marker long before makes all series known in the order of their labels, which then is the
    # order in which selectors find them.
    _post(url, [Line(line.labels, [(start - _LONG_MS, float(STALE[0]))]) for line in lines])
    for low in range(start, end + 1, _SLICE_MS):
        parts = [
            Line(line.labels, [one for one in line.samples if low <= one[0] < low + _SLICE_MS])
            for line in lines
        ]
        runs = [list(_runs(part)) for part in parts]
        # Of one request all floats are stored before all histograms: one kind at a time.
        for number in range(max(map(len, runs))):
            _post(url, [of_line[number] for of_line in runs if number < len(of_line)])


def _post(url: str, lines: Sequence[Line]) -> None:
    body = b"".join(_field(1, _series(line)) for line in lines)
    request = urllib.request.Request(
        f"{url}/api/v1/write",
        data=bytes(cramjam.snappy.compress_raw(body)),
        headers={
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status in (200, 204), answer.status


def _runs(line: Line) -> Iterator[Line]:
    """The line cut where its kind changes, or a marker comes."""
    for _, run in groupby(line.samples, lambda one: (_is_histogram(one[1]), _is_stale(one[1]))):
        yield Line(line.labels, list(run))


def _is_histogram(one: Sample) -> bool:
    return isinstance(one, FloatHistogram)


def _is_stale(one: Sample) -> bool:
    return bits_of(one.sum if isinstance(one, FloatHistogram) else one) == STALE_BITS


def _series(line: Line) -> bytes:
    labels = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, value.encode()))
        for name, value in line.labels
    )
    return labels + b"".join(_sample(time_ms, one) for time_ms, one in line.samples)


def _sample(time_ms: int, one: Sample) -> bytes:
    if isinstance(one, FloatHistogram):
        return _field(4, _histogram(time_ms, one))
    return _field(2, _double(1, one) + _number(2, time_ms))


def _histogram(time_ms: int, one: FloatHistogram) -> bytes:
    # A marker must not look like a histogram of its own kind: upstream writes a bare one.
    stale = _is_stale(one)
    return b"".join(
        (
            _double(2, one.count),
            _double(3, one.sum),
            _number(4, _zigzag(one.schema)),
            _double(5, one.zero_threshold),
            _double(7, one.zero_count),
            *(_field(8, _span(span)) for span in one.negative_spans),
            _field(10, _doubles(one.negative_buckets)),
            *(_field(11, _span(span)) for span in one.positive_spans),
            _field(13, _doubles(one.positive_buckets)),
            _number(14, int(CounterResetHint.UNKNOWN if stale else one.hint)),
            _number(15, time_ms),
            _field(16, _doubles(one.custom_values)),
        )
    )


def _span(span: BucketSpan) -> bytes:
    return _number(1, _zigzag(span.offset)) + _number(2, span.length)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _doubles(values: Iterable[float]) -> bytes:
    return b"".join(struct.pack("<d", value) for value in values)
