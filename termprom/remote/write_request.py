"""`prometheus.WriteRequest`, the message of remote write 1.0, as arrays.

    WriteRequest   1: repeated TimeSeries          (3: metadata, not looked at, as upstream)
    TimeSeries     1: repeated Label   2: repeated Sample   (3: exemplars, 4: histograms)
    Label          1: name string      2: value string
    Sample         1: value double     2: timestamp int64, Unix milliseconds

    0a 1c  0a 0e 0a 08 "__name__" 12 02 "up"  12 0a 09 <8 bytes> 10 01      up = ... at 1 ms

A sender repeats its series in every request, so the bytes of a series' labels are looked up whole
and their text is read only once. Values are copied as bits: a stale marker stays one.
Source: prometheus/prompb, "Remote write 1.0 specification".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.errors import TermpromError
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.values import Ints, TimesMs, Values

# Label blocks that are remembered; beyond it the memory is emptied and fills again.
KNOWN_SERIES_MAX: Final = 1_000_000

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LABEL: Final = 1 << 3 | _BYTES
_SAMPLE: Final = 2 << 3 | _BYTES
_HISTOGRAM: Final = 4 << 3 | _BYTES
_ZERO: Final = bytes(8)

KnownSeries = dict[bytes, Labels | None]


@dataclass
class BadMessage(TermpromError):
    """Bytes that are no message of the expected kind."""

    reason: str

    def __str__(self) -> str:
        return f"proto: {self.reason}"


@dataclass(frozen=True, slots=True)
class WrittenSamples:
    """All float samples of a request, in its order.

    Shapes: labels K; series (N,) positions in `labels`; times_ms, values (N,).
    invalid_series: how many were left out because their labels are no series' labels.
    histograms: how many native histograms there were; they are not among the samples.
    """

    labels: list[Labels]
    series: Ints
    times_ms: TimesMs
    values: Values
    invalid_series: int = 0
    histograms: int = 0


def decode_write_request(body: bytes, known: KnownSeries | None = None) -> WrittenSamples:
    """`known` remembers label sets from one call to the next. Raises BadMessage."""
    known = {} if known is None else known
    if len(known) > KNOWN_SERIES_MAX:
        known.clear()
    reader = _Reader(body, known)
    at = 0
    while at < len(body):
        tag, at = _varint(body, at)
        if tag == _LABEL:  # the same number and kind: field 1, a TimeSeries
            size, at = _varint(body, at)
            end = _end(body, at, size)
            reader.series(at, end)
            at = end
        else:
            at = _skip(body, at, tag)
    return reader.result()


class _Reader:
    """Collects the columns of a result."""

    def __init__(self, body: bytes, known: KnownSeries) -> None:
        self._body = body
        self._known = known
        self._labels: list[Labels] = []
        self._counts: list[int] = []
        self._times: list[int] = []
        self._values = bytearray()
        self._invalid = self._histograms = 0
        # Most samples of a request carry the same time: its bytes and what they say.
        self._time_bytes, self._time = b"\0", 0

    def series(self, at: int, end: int) -> None:
        body = self._body
        first, last = at, at
        before = len(self._times)
        pieces: list[bytes] = []
        while at < end:
            began = at
            tag, at = _varint(body, at)
            if tag not in (_LABEL, _SAMPLE, _HISTOGRAM):
                at = _skip(body, at, tag)
                continue
            size, at = _varint(body, at)
            inner_end = _end(body, at, size, within=end)
            if tag == _LABEL:
                if began > last:
                    pieces.append(body[first:last])  # labels in several runs: allowed, never seen
                    first = began
                last = inner_end
            elif tag == _SAMPLE:
                self._sample(at, inner_end)
            else:
                self._histograms += 1
            at = inner_end
        if at != end:
            raise BadMessage("a field ends outside of its message")
        labels = self._labels_of(b"".join([*pieces, body[first:last]]))
        if labels is None:
            self._invalid += 1
            del self._times[before:]
            del self._values[before * 8 :]
            return
        self._labels.append(labels)
        self._counts.append(len(self._times) - before)

    def _sample(self, at: int, end: int) -> None:
        body = self._body
        value, time = _ZERO, 0
        while at < end:
            tag, at = _varint(body, at)
            if tag == (1 << 3 | _FIXED64):
                value = body[at : at + 8]
                at += 8
            elif tag == (2 << 3 | _VARINT):
                known = self._time_bytes
                if body.startswith(known, at):
                    time, at = self._time, at + len(known)
                else:
                    began = at
                    time, at = _varint(body, at)
                    self._time_bytes, self._time = body[began:at], time
            else:
                at = _skip(body, at, tag)
        if at != end:
            raise BadMessage("a sample ends outside of its message")
        self._values += value
        self._times.append(time - (1 << 64) if time >= 1 << 63 else time)

    def _labels_of(self, block: bytes) -> Labels | None:
        if block not in self._known:
            self._known[block] = _parse_labels(block)
        return self._known[block]

    def result(self) -> WrittenSamples:
        counts = np.array(self._counts, dtype=np.int64)
        return WrittenSamples(
            self._labels,
            np.repeat(np.arange(len(self._labels), dtype=np.int64), counts),
            np.array(self._times, dtype=np.int64),
            np.frombuffer(bytes(self._values), dtype="<f8").astype(np.float64, copy=False),
            self._invalid,
            self._histograms,
        )


def _parse_labels(block: bytes) -> Labels | None:
    """None where they are no series' labels: no name, a name twice, or no UTF-8."""
    pairs: dict[str, str] = {}
    at = 0
    while at < len(block):
        tag, at = _varint(block, at)
        if tag != _LABEL:
            at = _skip(block, at, tag)
            continue
        size, at = _varint(block, at)
        end = _end(block, at, size)
        texts = {1: b"", 2: b""}
        while at < end:
            tag, at = _varint(block, at)
            if tag in (1 << 3 | _BYTES, 2 << 3 | _BYTES):
                size, at = _varint(block, at)
                inner_end = _end(block, at, size, within=end)
                texts[tag >> 3] = block[at:inner_end]
                at = inner_end
            else:
                at = _skip(block, at, tag)
        try:
            name, value = texts[1].decode(), texts[2].decode()
        except UnicodeDecodeError:
            return None
        if not name or name in pairs:
            return None
        pairs[name] = value
    return Labels.of(pairs) if pairs.get(METRIC_NAME) else None


# --- Protobuf ---------------------------------------------------------------------------------


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, at most 64 bits, and where it ends."""
    try:
        byte = body[at]
        if byte < 0x80:
            return byte, at + 1
        number, shift = byte & 0x7F, 7
        while True:
            at += 1
            byte = body[at]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number & 0xFFFFFFFFFFFFFFFF, at + 1
            shift += 7
            if shift > 63:
                raise BadMessage("a varint is longer than 64 bits")
    except IndexError:
        raise BadMessage("unexpected end of the message") from None


def _end(body: bytes, at: int, size: int, *, within: int | None = None) -> int:
    end = at + size
    if end > (len(body) if within is None else within):
        raise BadMessage("unexpected end of the message")
    return end


def _skip(body: bytes, at: int, tag: int) -> int:
    """Behind the field that `tag` has begun."""
    if not tag >> 3:
        raise BadMessage("illegal field number 0")
    match tag & 7:
        case 0:
            return _varint(body, at)[1]
        case 1:
            return _end(body, at, 8)
        case 2:
            size, at = _varint(body, at)
            return _end(body, at, size)
        case 5:
            return _end(body, at, 4)
    raise BadMessage(f"wrong wire type {tag & 7}")
