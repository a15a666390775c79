"""`prometheus.WriteRequest`, the message of remote write 1.0, as arrays.

    WriteRequest   1: repeated TimeSeries   3: repeated MetricMetadata
    TimeSeries     1: repeated Label   2: repeated Sample   3: repeated Exemplar
                   4: repeated Histogram
    Label          1: name string      2: value string
    Sample         1: value double     2: timestamp int64, Unix milliseconds
    Exemplar       1: repeated Label   2: value double   3: timestamp int64
    MetricMetadata 1: type enum   2: family string   4: help string   5: unit string

    0a 22  0a 0e 0a 08 "__name__" 12 02 "up"  12 10 09 <8 bytes> 10 <6 bytes>      up, one sample

Senders put one sample into each TimeSeries, behind its labels. Of that shape only the length is
read and the labels are looked up as bytes; all values and times are then taken in one go. What has
another shape is read field by field. Values are copied as bits: a stale marker stays one.
Source: prometheus/prompb, "Remote write 1.0 specification".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from termprom.errors import ExpositionError, TermpromError
from termprom.exposition.wire import BYTES, FIXED64, VARINT, Field, double, fields, signed
from termprom.model.histogram import FloatHistogram
from termprom.model.metadata import Metadata, MetricType
from termprom.model.values import STALE_BITS, AnyArray, Ints, TimesMs, Values, float_from_bits
from termprom.remote.histogram_message import parse_histogram
from termprom.remote.series_memory import INVALID, LABEL, SeriesMemory, parse_labels
from termprom.storage import Exemplar

_SERIES: Final = 1 << 3 | BYTES
_METADATA: Final = 3 << 3 | BYTES
_SAMPLE: Final = 2 << 3 | BYTES
_EXEMPLAR: Final = 3 << 3 | BYTES
_HISTOGRAM: Final = 4 << 3 | BYTES
_DOUBLE_1: Final = 1 << 3 | FIXED64
_DOUBLE_2: Final = 2 << 3 | FIXED64
_VARINT_2: Final = 2 << 3 | VARINT
_VARINT_3: Final = 3 << 3 | VARINT

# How a TimeSeries with one sample ends: sample, 16 bytes, value, ...; without the value where that
# is 0, which protobuf leaves out. The time takes six bytes from 2004 to 2109.
_WITH_VALUE: Final = b"\x12\x10\x09"
_WITHOUT_VALUE: Final = b"\x12\x07\x10"
_TIME_BYTES: Final = 6

_TYPES: Final = (
    MetricType.UNKNOWN, MetricType.COUNTER, MetricType.GAUGE, MetricType.HISTOGRAM,
    MetricType.GAUGE_HISTOGRAM, MetricType.SUMMARY, MetricType.INFO, MetricType.STATESET,
)  # fmt: skip


@dataclass
class BadMessage(TermpromError):
    """Bytes that are no message of the expected kind."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class WrittenSamples:
    """What a request holds, in its order. Series are numbers in `memory`.

    Shapes: series, times_ms, values (N,).
    histograms: number of the series, Unix milliseconds, value. A stale one is among the samples.
    invalid_series: how many were left out because their labels are no series' labels.
    """

    memory: SeriesMemory
    series: Ints
    times_ms: TimesMs
    values: Values
    histograms: list[tuple[int, int, FloatHistogram]] = field(default_factory=list)
    exemplars: list[tuple[int, Exemplar]] = field(default_factory=list)
    metadata: dict[str, Metadata] = field(default_factory=dict)
    invalid_series: int = 0


def decode_write_request(body: bytes, memory: SeriesMemory) -> WrittenSamples:
    """Raises BadMessage."""
    try:
        found = _Reader(body, memory).read(trusting=True)
        # Of what looked like a sample some was not: once more, without guessing.
        return found or _Reader(body, memory).read(trusting=False)  # type: ignore[return-value]
    except ExpositionError as problem:
        text = str(problem)
        raise BadMessage(text if text.startswith("proto:") else f"proto: {text}") from problem


class _Reader:
    """Collects the columns of a result."""

    def __init__(self, body: bytes, memory: SeriesMemory) -> None:
        self._body = body
        self._memory = memory
        self._series: list[int] = []
        self._ends: list[int] = []  # where a trusted sample ends; 0 for one that was read
        self._values_at: list[int] = []  # of trusted samples; 0 where there is none
        self._read: list[tuple[int, bytes, int]] = []  # place among the samples, value, time
        self._histograms: list[tuple[int, int, FloatHistogram]] = []
        self._exemplars: list[tuple[int, Exemplar]] = []
        self._metadata: dict[str, Metadata] = {}
        self._invalid = 0

    def read(self, *, trusting: bool) -> WrittenSamples | None:
        """None where trust was misplaced. Raises ExpositionError."""
        body = self._body
        at, size = 0, len(body)
        while at < size:
            if trusting and body[at] == _SERIES:
                at = self._trusted(at)
                if at >= size:
                    break
            at = self._next(at)
        return self._result()

    def _trusted(self, at: int) -> int:
        """Take known series with one sample each, as far as they go; the place behind them."""
        body, size = self._body, len(self._body)
        known = self._memory.numbers.get
        series, ends, values_at = self._series, self._ends, self._values_at
        # The innermost loop of the receiver: half a microsecond per sample.
        while at + 2 < size and body[at] == _SERIES:
            length, start = body[at + 1], at + 2
            if length >= 0x80:
                high = body[start]
                if high >= 0x80:
                    return at
                length, start = length & 0x7F | high << 7, start + 1
            end = start + length
            tail = end - 18
            if tail > start and body[tail : tail + 3] == _WITH_VALUE:
                number = known(body[start:tail])
                value_at = tail + 3
            elif tail + 9 > start and body[tail + 9 : tail + 12] == _WITHOUT_VALUE:
                number = known(body[start : tail + 9])
                value_at = 0
            else:
                return at
            if number is None or end > size:
                return at
            if number == INVALID:
                self._invalid += 1
            else:
                series.append(number)
                ends.append(end)
                values_at.append(value_at)
            at = end
        return at

    def _next(self, at: int) -> int:
        """Read one field of the request; the place behind it."""
        for one in fields(self._body, at, len(self._body)):
            if one.tag == _SERIES:
                self._series_message(one)
            elif one.tag == _METADATA:
                self._metadata_message(one)
            return one.end
        return len(self._body)

    def _series_message(self, message: Field) -> None:
        body = self._body
        labels: list[bytes] = []
        samples: list[Field] = []
        rest: list[Field] = []
        at = message.first
        for one in fields(body, message.first, message.end):
            if one.tag == LABEL:
                labels.append(body[at : one.end])
            elif one.tag == _SAMPLE:
                samples.append(one)
            elif one.tag in (_EXEMPLAR, _HISTOGRAM):
                rest.append(one)
            at = one.end
        number = self._memory.number_of(b"".join(labels)) if labels else INVALID
        # Damage is found even where the series is not taken.
        for one in samples:
            value, time_ms = self._sample(one)
            if number != INVALID:
                self._put(number, value, time_ms)
        for one in rest:
            if one.tag == _HISTOGRAM:
                self._histogram(number, one)
            else:
                self._exemplar(number, one)
        self._invalid += number == INVALID

    def _put(self, number: int, value: bytes, time_ms: int) -> None:
        self._read.append((len(self._series), value, time_ms))
        self._series.append(number)
        self._ends.append(0)
        self._values_at.append(0)

    def _sample(self, message: Field) -> tuple[bytes, int]:
        value, time_ms = bytes(8), 0
        for one in fields(self._body, message.first, message.end):
            if one.tag == _DOUBLE_1:
                value = self._body[one.first : one.end]
            elif one.tag == _VARINT_2:
                time_ms = signed(one.first)
        return value, time_ms

    def _histogram(self, number: int, message: Field) -> None:
        time_ms, histogram = parse_histogram(self._body, message.first, message.end)
        if number == INVALID:
            return
        if np.float64(histogram.sum).view(np.uint64) == np.uint64(STALE_BITS):
            self._put(number, np.float64(float_from_bits(STALE_BITS)).tobytes(), time_ms)
        else:
            self._histograms.append((number, time_ms, histogram))

    def _exemplar(self, number: int, message: Field) -> None:
        value, time_ms = 0.0, 0
        for one in fields(self._body, message.first, message.end):
            if one.tag == _DOUBLE_2:
                value = double(self._body, one.first)
            elif one.tag == _VARINT_3:
                time_ms = signed(one.first)
        labels = parse_labels(self._body, message.first, message.end, LABEL)
        if number != INVALID and labels is not None:
            self._exemplars.append((number, Exemplar(labels, value, time_ms)))

    def _metadata_message(self, message: Field) -> None:
        kind, texts = 0, {2: "", 4: "", 5: ""}
        for one in fields(self._body, message.first, message.end):
            if one.tag == 1 << 3 | VARINT:
                kind = one.first
            elif one.tag & 7 == BYTES and one.tag >> 3 in texts:
                texts[one.tag >> 3] = self._body[one.first : one.end].decode("utf-8", "replace")
        if texts[2]:
            known = _TYPES[kind] if kind < len(_TYPES) else MetricType.UNKNOWN
            self._metadata[texts[2]] = Metadata(known, texts[4], texts[5])

    def _result(self) -> WrittenSamples | None:
        taken = self._taken()
        if taken is None:
            return None
        times_ms, bits = taken
        for place, value, time_ms in self._read:
            times_ms[place] = time_ms
            bits[place] = int.from_bytes(value, "little")
        return WrittenSamples(
            self._memory,
            np.array(self._series, dtype=np.int64),
            times_ms,
            bits.view(np.float64),
            self._histograms,
            self._exemplars,
            self._metadata,
            self._invalid,
        )

    def _taken(self) -> tuple[TimesMs, AnyArray] | None:
        """Times and bits (N,) of all samples, 0 for those that were read; None as `read` says."""
        data = np.frombuffer(self._body, dtype=np.uint8)
        ends = np.array(self._ends, dtype=np.int64)
        values_at = np.array(self._values_at, dtype=np.int64)
        times_ms = np.zeros(ends.size, dtype=np.int64)
        bits = np.zeros(ends.size, dtype=np.uint64)
        trusted = np.flatnonzero(ends)
        if trusted.size:
            at = ends[trusted] - _TIME_BYTES
            time_bytes = data[at[:, None] + np.arange(_TIME_BYTES)]
            goes_on = time_bytes >= 0x80
            if not (
                (data[at - 1] == _VARINT_2).all()
                and goes_on[:, :-1].all()
                and not goes_on[:, -1].any()
            ):
                return None
            shifts = np.arange(0, 7 * _TIME_BYTES, 7)
            times_ms[trusted] = ((time_bytes & 0x7F).astype(np.int64) << shifts).sum(axis=1)
        valued = np.flatnonzero(values_at)
        if valued.size:
            raw = data[values_at[valued][:, None] + np.arange(8)]
            bits[valued] = raw.view("<u8").reshape(-1)
        return times_ms, bits
