"""Coded arrays: the smallest codec for an array of 8-byte numbers, and the way back.

    array := codec <u1> | count <u4> | body

Example, the int64 [7, 7, 7]:  01  03 00 00 00  07 00 00 00 00 00 00 00
"""

from __future__ import annotations

import struct
from typing import Final, Protocol

import numpy as np

from termprom.model.values import AnyArray, Ints
from termprom.tsdb.codecs.constant import Constant
from termprom.tsdb.codecs.joined import Joined, join_parts
from termprom.tsdb.codecs.pco import Pco
from termprom.tsdb.codecs.raw import Raw
from termprom.tsdb.codecs.regular import Regular

_HEADER: Final = struct.Struct("<BI")
_PROBE_RUNS: Final = 12


class Codec(Protocol):
    """One way to write an array; `encode` answers None where it does not apply."""

    @property
    def id(self) -> int: ...
    def encode(self, numbers: AnyArray) -> bytes | None: ...
    def decode(self, body: memoryview, count: int, dtype: np.dtype[np.generic]) -> AnyArray: ...
    def is_exact_size(self, body_bytes: int, count: int) -> bool: ...


_EXACT: Final[tuple[Codec, ...]] = (Constant(), Regular())  # nothing is smaller where they apply


def encode_array(numbers: AnyArray, *, level: int = 8) -> bytes:
    """A coded array of int64, uint64 or float64 numbers, shape (N,)."""
    assert numbers.dtype.itemsize == 8
    assert numbers.ndim == 1
    numbers = np.ascontiguousarray(numbers)
    for codec in _EXACT:
        body = codec.encode(numbers)
        if body is not None:
            return _HEADER.pack(codec.id, numbers.size) + body
    packed = Pco(level).encode(numbers)
    if packed is not None and len(packed) < 8 * numbers.size:
        return _HEADER.pack(Pco.id, numbers.size) + packed
    return _HEADER.pack(RAW.id, numbers.size) + numbers.tobytes()


def encode_runs(numbers: AnyArray, lengths: Ints, *, level: int = 8) -> bytes:
    """A coded array (N,), each run of `lengths` (R,) coded for itself where that is smaller.

    Of many runs the first few decide for all: they are columns of one metric.
    """
    if lengths.size > _PROBE_RUNS:
        probe = numbers[: int(lengths[:_PROBE_RUNS].sum())]
        if encode_runs(probe, lengths[:_PROBE_RUNS], level=level)[0] != Joined.id:
            return encode_array(numbers, level=level)
    together = encode_array(numbers, level=level)
    if lengths.size < 2:
        return together
    parts = [encode_array(run, level=level) for run in np.split(numbers, np.cumsum(lengths)[:-1])]
    apart = join_parts(parts)
    if _HEADER.size + len(apart) >= len(together):
        return together
    return _HEADER.pack(Joined.id, numbers.size) + apart


def decode_array(data: bytes | memoryview, dtype: str) -> AnyArray:
    """The numbers of a coded array; `dtype` is "<i8", "<u8" or "<f8".

    Raises ValueError where the bytes are not a coded array.
    """
    view = memoryview(data)
    if len(view) < _HEADER.size:
        raise ValueError("a coded array is shorter than its header")
    number, count = _HEADER.unpack_from(view)
    codec = CODECS.get(number)
    if codec is None:
        raise ValueError(f"unknown codec {number}")
    body = view[_HEADER.size :]
    if not codec.is_exact_size(len(body), count):
        raise ValueError(f"codec {number} cannot hold {count} numbers in {len(body)} bytes")
    try:
        return codec.decode(body, count, np.dtype(dtype))
    except (RuntimeError, TypeError) as problem:
        raise ValueError(f"codec {number}: {problem}") from problem


RAW: Final = Raw()
CODECS: Final[dict[int, Codec]] = {
    one.id: one for one in (RAW, Constant(), Regular(), Pco(), Joined(decode_array))
}
