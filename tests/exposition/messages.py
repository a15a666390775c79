"""Protobuf messages by hand, for tests: a second, plain opinion on the wire format."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def message(field: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(data)) + data


def packed_varints(field: int, values: Iterable[int]) -> bytes:
    return message(field, b"".join(map(varint, values)))


def packed_doubles(field: int, values: Sequence[float]) -> bytes:
    return message(field, struct.pack(f"<{len(values)}d", *values))


def label(name: str, value: str | bytes) -> bytes:
    return message(1, message(1, name) + message(2, value))


def span(field: int, offset: int, length: int) -> bytes:
    return message(field, number(1, zigzag(offset)) + number(2, length))


def bucket(bound: float, count: int, extra: bytes = b"") -> bytes:
    return message(3, number(1, count) + double(2, bound) + extra)


def timestamp(field: int, seconds: int, nanos: int = 0) -> bytes:
    return message(field, number(1, seconds) + (number(2, nanos) if nanos else b""))


def exemplar(field: int, value: float, time: bytes = b"", *labels: bytes) -> bytes:
    return message(field, b"".join(labels) + double(2, value) + time)


def metric(*parts: bytes) -> bytes:
    return message(4, b"".join(parts))


def family(name: str | bytes, kind: int | None, *metrics: bytes, help_text: str = "") -> bytes:
    """A delimited MetricFamily.

    Kinds: 0 counter, 1 gauge, 2 summary, 3 untyped, 4 histogram, 5 gauge histogram.
    """
    body = message(1, name)
    if help_text:
        body += message(2, help_text)
    if kind is not None:
        body += number(3, kind)
    body += b"".join(metrics)
    return varint(len(body)) + body
