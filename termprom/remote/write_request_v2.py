"""`io.prometheus.write.v2.Request`, the message of remote write 2.0, as arrays.

    Request      4: repeated string, the symbols, of which the first is empty
                 5: repeated TimeSeries
    TimeSeries   1: label references, pairs of name and value   2: samples   3: histograms
                 4: exemplars   5: metadata
    Sample       1: value double   2: timestamp int64   3: start timestamp int64, not looked at
    Exemplar     1: label references   2: value double   3: timestamp int64
    Metadata     1: type enum   3: reference to help   4: reference to unit

Unlike 1.0 a series with a mistake is left out and told of; the others are taken.
Source: prometheus/prompb, "Remote write 2.0 specification".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from termprom.errors import ExpositionError
from termprom.exposition.wire import BYTES, FIXED64, VARINT, Field, double, fields, signed, varints
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.model.values import STALE_BITS
from termprom.remote.histogram_message import parse_histogram
from termprom.remote.message_writer import block
from termprom.remote.series_memory import INVALID, SeriesMemory
from termprom.remote.write_request import BadMessage, WrittenSamples
from termprom.storage import Exemplar

_SYMBOL: Final = 4 << 3 | BYTES
_SERIES: Final = 5 << 3 | BYTES
_TYPES: Final = (
    MetricType.UNKNOWN, MetricType.COUNTER, MetricType.GAUGE, MetricType.HISTOGRAM,
    MetricType.GAUGE_HISTOGRAM, MetricType.SUMMARY, MetricType.INFO, MetricType.STATESET,
)  # fmt: skip
_STALE: Final = np.uint64(STALE_BITS)


class _Mistake(Exception):
    """A series that is left out."""


@dataclass(slots=True)
class _Series:
    """The parts of one TimeSeries message."""

    references: list[int] = field(default_factory=list)
    samples: list[Field] = field(default_factory=list)
    histograms: list[Field] = field(default_factory=list)
    exemplars: list[Field] = field(default_factory=list)
    metadata: Field | None = None


def decode_write_request_v2(
    body: bytes, memory: SeriesMemory
) -> tuple[WrittenSamples, Sequence[str]]:
    """What a request holds, and what is wrong with the series that were left out.

    Raises BadMessage.
    """
    try:
        return _Reader(body, memory).read()
    except (ExpositionError, UnicodeDecodeError) as problem:
        raise BadMessage(f"proto: {problem}") from problem


class _Reader:
    def __init__(self, body: bytes, memory: SeriesMemory) -> None:
        self._body = body
        self._memory = memory
        self._symbols: list[bytes] = []
        self._series: list[int] = []
        self._times: list[int] = []
        self._values = bytearray()
        self._histograms: list[tuple[int, int, FloatHistogram]] = []
        self._exemplars: list[tuple[int, Exemplar]] = []
        self._metadata: dict[str, Metadata] = {}
        self._mistakes: list[str] = []

    def read(self) -> tuple[WrittenSamples, Sequence[str]]:
        body = self._body
        messages: list[Field] = []
        for one in fields(body, 0, len(body)):
            if one.tag == _SYMBOL:
                self._symbols.append(body[one.first : one.end])
            elif one.tag == _SERIES:
                messages.append(one)
        for message in messages:
            try:
                self._take(self._parts(message))
            except _Mistake as mistake:
                self._mistakes.append(str(mistake))
        written = WrittenSamples(
            self._memory,
            np.array(self._series, dtype=np.int64),
            np.array(self._times, dtype=np.int64),
            np.frombuffer(bytes(self._values), dtype="<f8").astype(np.float64, copy=False),
            self._histograms,
            self._exemplars,
            self._metadata,
            len(self._mistakes),
        )
        return written, self._mistakes

    def _parts(self, message: Field) -> _Series:
        found = _Series()
        lists = {2: found.samples, 3: found.histograms, 4: found.exemplars}
        for one in fields(self._body, message.first, message.end):
            number, kind = one.tag >> 3, one.tag & 7
            if number == 1 and kind in (VARINT, BYTES):
                found.references += varints(self._body, one)
            elif kind == BYTES and number in lists:
                lists[number].append(one)
            elif kind == BYTES and number == 5:
                found.metadata = one
        return found

    def _take(self, one: _Series) -> None:
        """Raises _Mistake."""
        pairs = self._pairs(one.references, "series")
        number = self._number(pairs)
        if not one.samples and not one.histograms:
            raise _Mistake(
                "TimeSeries must contain at least one sample or histogram for series "
                f"{_shown(pairs)}"
            )
        for message in one.samples:
            self._sample(number, message)
        for message in one.histograms:
            self._histogram(number, message)
        for message in one.exemplars:
            self._exemplar(number, message)
        if one.metadata is not None:
            self._metadata_of(pairs, one.metadata)

    def _pairs(self, references: Sequence[int], what: str) -> list[tuple[bytes, bytes]]:
        """Raises _Mistake."""
        symbols = self._symbols
        shown = "[" + " ".join(map(str, references)) + "]"
        if len(references) % 2:
            raise _Mistake(f"parsing labels for {what} {shown}: invalid labelRefs length")
        try:
            texts = [symbols[one] for one in references]
        except IndexError:
            raise _Mistake(
                f"parsing labels for {what} {shown}: a reference is outside of "
                f"{len(symbols)} symbols"
            ) from None
        return list(zip(texts[::2], texts[1::2], strict=True))

    def _number(self, pairs: Sequence[tuple[bytes, bytes]]) -> int:
        """Raises _Mistake."""
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise _Mistake(
                f"invalid labels for series, labels {_shown(pairs)}, "
                f"duplicated label {_text(twice)}"
            )
        number = self._memory.number_of(
            b"".join(block(1, block(1, name) + block(2, value)) for name, value in pairs)
        )
        if number == INVALID:
            raise _Mistake(f"invalid metric name or labels, got {_shown(pairs)}")
        return number

    def _sample(self, number: int, message: Field) -> None:
        value, time_ms = bytes(8), 0
        for one in fields(self._body, message.first, message.end):
            if one.tag == 1 << 3 | FIXED64:
                value = self._body[one.first : one.end]
            elif one.tag == 2 << 3 | VARINT:
                time_ms = signed(one.first)
        self._put(number, value, time_ms)

    def _put(self, number: int, value: bytes, time_ms: int) -> None:
        self._series.append(number)
        self._times.append(time_ms)
        self._values += value

    def _histogram(self, number: int, message: Field) -> None:
        time_ms, histogram = parse_histogram(self._body, message.first, message.end)
        total = np.float64(histogram.sum)
        if total.view(np.uint64) == _STALE:
            self._put(number, total.tobytes(), time_ms)
        else:
            self._histograms.append((number, time_ms, histogram))

    def _exemplar(self, number: int, message: Field) -> None:
        """Raises _Mistake."""
        value, time_ms, references = 0.0, 0, list[int]()
        for one in fields(self._body, message.first, message.end):
            if one.tag >> 3 == 1 and one.tag & 7 in (VARINT, BYTES):
                references += varints(self._body, one)
            elif one.tag == 2 << 3 | FIXED64:
                value = double(self._body, one.first)
            elif one.tag == 3 << 3 | VARINT:
                time_ms = signed(one.first)
        pairs = self._pairs(references, "exemplar")
        labels = Labels.of({name.decode(): value.decode() for name, value in pairs})
        self._exemplars.append((number, Exemplar(labels, value, time_ms)))

    def _metadata_of(self, pairs: Sequence[tuple[bytes, bytes]], message: Field) -> None:
        """Raises _Mistake."""
        numbers = {1: 0, 3: 0, 4: 0}
        for one in fields(self._body, message.first, message.end):
            if one.tag & 7 == VARINT and one.tag >> 3 in numbers:
                numbers[one.tag >> 3] = one.first
        if max(numbers[3], numbers[4]) >= len(self._symbols):
            raise _Mistake(f"parsing metadata for series {_shown(pairs)}: a reference is outside")
        texts = (_text(self._symbols[numbers[one]]) for one in (3, 4))
        kind = _TYPES[numbers[1]] if numbers[1] < len(_TYPES) else MetricType.UNKNOWN
        told = Metadata(kind, *texts)
        if told != Metadata(MetricType.UNKNOWN, "", ""):
            self._metadata[dict(pairs)[b"__name__"].decode()] = told


def _shown(pairs: Sequence[tuple[bytes, bytes]]) -> str:
    return str(Labels((_text(name), _text(value)) for name, value in pairs))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
