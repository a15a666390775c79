"""The plain twin of the decoder: remote write 1.0 by its specification, field by field."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from termprom.model.histogram import FloatHistogram
from termprom.model.metadata import Metadata, MetricType
from termprom.storage import Exemplar

Pairs = Sequence[tuple[str, str]]
UP: Pairs = [("__name__", "up"), ("job", "a")]
_TYPES = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info"]


@dataclass(frozen=True)
class Series:
    labels: Pairs
    samples: Sequence[tuple[int, float]] = ()
    histograms: Sequence[tuple[int, FloatHistogram]] = ()
    exemplars: Sequence[Exemplar] = ()


def request(*series: Series, metadata: Mapping[str, Metadata] | None = None) -> bytes:
    told = [_metadata(name, one) for name, one in (metadata or {}).items()]
    return b"".join([*(field(1, series_message(one)) for one in series), *told])


def request_v2(
    *series: Series, metadata: Mapping[str, Metadata] | None = None, start_ms: int = 0
) -> bytes:
    """Remote write 2.0: the same with a table of symbols."""
    symbols: dict[str, int] = {"": 0}

    def references(pairs: Pairs) -> bytes:
        texts = [text for pair in pairs for text in pair]
        return b"".join(varint(symbols.setdefault(text, len(symbols))) for text in texts)

    messages = []
    for one in series:
        start = b"\x18" + varint(start_ms) if start_ms else b""
        parts = [field(1, references(one.labels))]
        parts += [field(2, _sample(at, value) + start) for at, value in one.samples]
        parts += [field(3, histogram_message(at, value)) for at, value in one.histograms]
        for exemplar in one.exemplars:
            rest = _double(2, exemplar.value) + b"\x18" + varint(exemplar.time_ms)
            parts.append(field(4, field(1, references(exemplar.labels)) + rest))
        told = (metadata or {}).get(dict(one.labels).get("__name__", ""))
        if told is not None:
            words = [symbols.setdefault(text, len(symbols)) for text in (told.help, told.unit)]
            kind = b"\x08" + varint(_TYPES.index(told.type))
            parts.append(field(5, kind + b"\x18" + varint(words[0]) + b"\x20" + varint(words[1])))
        messages.append(field(5, b"".join(parts)))
    return b"".join([*(field(4, text.encode()) for text in symbols), *messages])


def varint(number: int) -> bytes:
    number %= 1 << 64
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def field(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def series_message(one: Series) -> bytes:
    return (
        labels_fields(one.labels)
        + b"".join(field(2, _sample(at, value)) for at, value in one.samples)
        + b"".join(field(3, _exemplar(exemplar)) for exemplar in one.exemplars)
        + b"".join(field(4, histogram_message(at, value)) for at, value in one.histograms)
    )


def labels_fields(pairs: Pairs) -> bytes:
    texts = ((name.encode(), value.encode()) for name, value in pairs)
    return b"".join(field(1, field(1, name) + field(2, value)) for name, value in texts)


def _sample(at: int, value: float) -> bytes:
    bits = struct.pack("<d", value)
    # proto3 leaves out what is zero; minus zero is not.
    return (b"" if bits == bytes(8) else b"\x09" + bits) + (b"\x10" + varint(at) if at else b"")


def _double(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


def _exemplar(exemplar: Exemplar) -> bytes:
    return (
        labels_fields(exemplar.labels)
        + _double(2, exemplar.value)
        + b"\x18"
        + varint(exemplar.time_ms)
    )


def _zigzag(number: int) -> int:
    return number << 1 ^ (number >> 63)


def histogram_message(at: int, one: FloatHistogram, *, integer: bool = False) -> bytes:
    """As a float histogram, or with whole counts as deltas."""
    parts = [
        b"\x08" + varint(int(one.count)) if integer else _double(2, one.count),
        _double(3, one.sum),
        b"\x20" + varint(_zigzag(one.schema)),
        _double(5, one.zero_threshold),
        b"\x30" + varint(int(one.zero_count)) if integer else _double(7, one.zero_count),
    ]
    sides = (
        (8, one.negative_spans, one.negative_buckets),
        (11, one.positive_spans, one.positive_buckets),
    )
    for first, spans, buckets in sides:
        for span in spans:
            body = b"\x08" + varint(_zigzag(span.offset)) + b"\x10" + varint(span.length)
            parts.append(field(first, body))
        if integer:
            before = [0, *map(int, buckets)]
            deltas = [int(now) - then for then, now in zip(before, buckets, strict=False)]
            parts.append(field(first + 1, b"".join(varint(_zigzag(delta)) for delta in deltas)))
        else:
            parts.append(field(first + 2, struct.pack(f"<{len(buckets)}d", *buckets)))
    parts.append(b"\x70" + varint(one.hint) + b"\x78" + varint(at))
    if one.custom_values:
        bounds = one.custom_values
        parts.append(varint(16 << 3 | 2) + varint(8 * len(bounds)))
        parts.append(struct.pack(f"<{len(bounds)}d", *bounds))
    return b"".join(parts)


def _metadata(name: str, told: Metadata) -> bytes:
    kind = 7 if told.type is MetricType.STATESET else _TYPES.index(told.type)
    texts = field(2, name.encode()) + field(4, told.help.encode()) + field(5, told.unit.encode())
    return field(3, b"\x08" + varint(kind) + texts)
