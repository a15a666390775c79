"""Families as delimited protobuf messages of io.prometheus.client: the way back of `protobuf`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import pack
from typing import Final

from termprom.exposition.families import MetricFamily, Sample
from termprom.exposition.numbers import parse_number
from termprom.model.labels import METRIC_NAME
from termprom.model.metadata import MetricType

PROTOBUF_CONTENT_TYPE: Final = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
    "encoding=delimited; escaping=allow-utf-8"
)

# Number of the type, and field of the message that holds a metric's value.
_KINDS: Final = {
    MetricType.COUNTER: (0, 3),
    MetricType.GAUGE: (1, 2),
    MetricType.SUMMARY: (2, 4),
    MetricType.UNKNOWN: (3, 5),
    MetricType.HISTOGRAM: (4, 7),
    MetricType.GAUGE_HISTOGRAM: (5, 7),
    # Protobuf has no word for these two.
    MetricType.INFO: (1, 2),
    MetricType.STATESET: (1, 2),
}
_BOUNDS: Final = {4: "quantile", 7: "le"}
Labels = tuple[tuple[str, str], ...]


def write_protobuf(families: Iterable[MetricFamily]) -> bytes:
    """The families, by name; those without samples are left out."""
    written = sorted((one for one in families if one.samples), key=lambda one: one.name)
    return b"".join(_delimited(_family(family)) for family in written)


def _family(family: MetricFamily) -> bytes:
    number, field = _KINDS[family.metadata.type]
    parts = [_text(1, family.name)]
    if family.metadata.help:
        parts.append(_text(2, family.metadata.help))
    parts.append(_number(3, number))
    bound = _BOUNDS.get(field)
    if bound is None:
        parts += [
            _metric(_labels_of(sample, ""), field, _double(1, sample.value), sample.timestamp_ms)
            for sample in family.samples
        ]
    else:
        write = _summary if bound == "quantile" else _histogram
        parts += _composed(family, field, bound, write)
    if family.metadata.unit:
        parts.append(_text(5, family.metadata.unit))
    return b"".join(parts)


def _composed(
    family: MetricFamily, field: int, bound: str, write: Callable[[str, list[Sample]], bytes]
) -> list[bytes]:
    """The metrics whose samples are several lines, in the order of their first lines."""
    metrics: dict[Labels, list[Sample]] = {}
    for sample in family.samples:
        metrics.setdefault(_labels_of(sample, bound), []).append(sample)
    return [
        _metric(labels, field, write(family.name, samples), samples[0].timestamp_ms)
        for labels, samples in metrics.items()
    ]


def _summary(name: str, samples: list[Sample]) -> bytes:
    parts: list[bytes] = []
    for sample in samples:
        match sample.labels.metric.removeprefix(name):
            case "_count":
                parts.append(_number(1, int(sample.value)))
            case "_sum":
                parts.append(_double(2, sample.value))
            case _:
                quantile = parse_number(sample.labels.get("quantile").encode())
                parts.append(_message(3, _double(1, quantile) + _double(2, sample.value)))
    return b"".join(parts)


def _histogram(name: str, samples: list[Sample]) -> bytes:
    parts: list[bytes] = []
    for sample in samples:
        whole = sample.value.is_integer() and sample.value >= 0
        count = _number(1, int(sample.value)) if whole else _double(4, sample.value)
        match sample.labels.metric.removeprefix(name):
            case "_count":
                parts.append(count)
            case "_sum":
                parts.append(_double(2, sample.value))
            case _:
                bound = parse_number(sample.labels.get("le").encode())
                parts.append(_message(3, count + _double(2, bound)))
    return b"".join(parts)


def _metric(labels: Labels, field: int, value: bytes, time_ms: int | None) -> bytes:
    pairs = [_message(1, _text(1, name) + _text(2, content)) for name, content in labels]
    stamp = b"" if time_ms is None else _number(6, time_ms)
    return _message(4, b"".join(pairs) + _message(field, value) + stamp)


def _labels_of(sample: Sample, bound: str) -> Labels:
    return tuple(pair for pair in sample.labels if pair[0] not in (METRIC_NAME, bound))


# --- The wire format ---------------------------------------------------------------------------


def _delimited(message: bytes) -> bytes:
    return _varint(len(message)) + message


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value & ((1 << 64) - 1))


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + pack("<d", value)


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _delimited(content)


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
