"""TimeSeries messages as remote write and remote read exchange them, from arrays."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.values import TimesMs, Values

# A sample whose time takes six bytes, which it does from 1971 to 2109:
#     12 10  09 <value, 8 bytes>  10 <time, 6 bytes>
_SAMPLE_BYTES: Final = 18
_TIMES: Final = (1 << 35, 1 << 42)


def varint(number: int) -> bytes:
    """Of 64 bits; a negative number as protobuf's int64 has it."""
    number &= (1 << 64) - 1
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def block(number: int, body: bytes) -> bytes:
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(body)) + body


def labels_message(labels: Labels) -> bytes:
    """All Label fields of a series."""
    texts = ((name.encode(), value.encode()) for name, value in labels)
    return b"".join(block(1, block(1, name) + block(2, value)) for name, value in texts)


def samples_message(times_ms: TimesMs, values: Values) -> bytes:
    """All Sample fields of a series; values go out bit for bit.

    Shapes: times_ms, values (N,)
    """
    if not times_ms.size:
        return b""
    if int(times_ms.min()) < _TIMES[0] or int(times_ms.max()) >= _TIMES[1]:
        return b"".join(map(_sample, times_ms.tolist(), values))
    rows = np.empty((times_ms.size, _SAMPLE_BYTES), dtype=np.uint8)
    rows[:, :3] = (0x12, 0x10, 0x09)
    rows[:, 3:11] = np.ascontiguousarray(values, dtype="<f8").view(np.uint8).reshape(-1, 8)
    rows[:, 11] = 0x10
    shifts = np.arange(0, 42, 7)
    rows[:, 12:] = times_ms[:, None] >> shifts & 0x7F
    rows[:, 12:17] |= 0x80
    return rows.tobytes()


def _sample(time_ms: int, value: float) -> bytes:
    return block(2, b"\x09" + np.float64(value).tobytes() + b"\x10" + varint(time_ms))


def histograms_message(samples: Iterable[tuple[int, FloatHistogram]]) -> bytes:
    """All Histogram fields of a series, as float histograms."""
    return b"".join(block(4, _histogram(time_ms, one)) for time_ms, one in samples)


def _histogram(time_ms: int, one: FloatHistogram) -> bytes:
    return b"".join(
        [
            _double(2, one.count),
            _double(3, one.sum),
            b"\x20" + varint(_zigzag(one.schema)),
            _double(5, one.zero_threshold),
            _double(7, one.zero_count),
            *(block(8, _span(span)) for span in one.negative_spans),
            _doubles(10, one.negative_buckets),
            *(block(11, _span(span)) for span in one.positive_spans),
            _doubles(13, one.positive_buckets),
            b"\x70" + varint(one.hint),
            b"\x78" + varint(time_ms),
            _doubles(16, one.custom_values),
        ]
    )


def _span(span: BucketSpan) -> bytes:
    return b"\x08" + varint(_zigzag(span.offset)) + b"\x10" + varint(span.length)


def _zigzag(number: int) -> int:
    return number << 1 ^ number >> 63


def _double(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


def _doubles(number: int, values: Sequence[float]) -> bytes:
    """Packed; nothing where there are none."""
    return block(number, struct.pack(f"<{len(values)}d", *values)) if values else b""
