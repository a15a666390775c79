"""Coded arrays: the smallest codec for an array of 8-byte numbers, and the way back.

    array := codec <u1> | count <u4> | body

Example, the int64 [7, 7, 7]:  01  03 00 00 00  07 00 00 00 00 00 00 00
"""

from __future__ import annotations

import struct
from typing import Final, Protocol

import numpy as np

from termprom.model.values import AnyArray
from termprom.tsdb.codecs.constant import Constant
from termprom.tsdb.codecs.pco import Pco
from termprom.tsdb.codecs.raw import Raw
from termprom.tsdb.codecs.regular import Regular

_HEADER: Final = struct.Struct("<BI")


class Codec(Protocol):
    """One way to write an array; `encode` answers None where it does not apply."""

    @property
    def id(self) -> int: ...
    def encode(self, numbers: AnyArray) -> bytes | None: ...
    def decode(self, body: memoryview, count: int, dtype: np.dtype[np.generic]) -> AnyArray: ...
    def is_exact_size(self, body_bytes: int, count: int) -> bool: ...


RAW: Final = Raw()
CODECS: Final[dict[int, Codec]] = {one.id: one for one in (RAW, Constant(), Regular(), Pco())}
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
