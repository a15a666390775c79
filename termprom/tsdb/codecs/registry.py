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
_RUNS_PER_CLASS: Final = 6
_CLASS_MIN: Final = 2048  # numbers of one class: fewer are coded with their neighbours


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


def encode_runs(numbers: AnyArray, lengths: Ints, classes: Ints, *, level: int = 8) -> bytes:
    """A coded array of runs of numbers, the r-th of `lengths[r]`; shapes (N,), (R,), (R,).

    All in one, or runs of one class together, or each for itself: the smallest.
    """
    best = encode_array(numbers, level=level)
    if lengths.size < 2:
        return best
    ends = np.cumsum(lengths)
    changes = ends[np.flatnonzero(np.diff(classes))]
    tries = [_wide(changes, int(ends[-1]))] if changes.size else []
    # Apart, a run has to pay for tables of its own: worth it where classes are short.
    if lengths.size <= _RUNS_PER_CLASS * (changes.size + 1):
        tries.append(ends[:-1])
    for cuts in tries:
        parts = [encode_array(part, level=level) for part in np.split(numbers, cuts)]
        joined = join_parts(parts)
        if _HEADER.size + len(joined) < len(best):
            best = _HEADER.pack(Joined.id, numbers.size) + joined
    return best


def _wide(cuts: Ints, total: int) -> Ints:
    """The cuts less those that would leave few numbers on a side: a frame has a fixed price."""
    kept: list[int] = []
    for cut in cuts.tolist():
        if cut - (kept[-1] if kept else 0) >= _CLASS_MIN and total - cut >= _CLASS_MIN:
            kept.append(cut)
    return np.array(kept, dtype=np.int64)


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
    except (RuntimeError, TypeError, MemoryError) as problem:
        raise ValueError(f"codec {number}: {problem}") from problem


RAW: Final = Raw()
CODECS: Final[dict[int, Codec]] = {
    one.id: one for one in (RAW, Constant(), Regular(), Pco(), Joined(decode_array))
}
