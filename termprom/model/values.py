"""The float64 bit patterns with a meaning, and the array types that carry samples.

    0x7ff0000000000002   stale marker: the series ended here (upstream's own pattern)
    0x7ff8000000000001   an ordinary NaN, as upstream writes it
    0x7ff474657262707d   absent: this cell of a row holds no sample; ours, never shown outside

The first and the last are signalling NaNs, so no arithmetic yields them; but any arithmetic, even
adding 0.0, quiets them. Test bits on stored arrays, before computing.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TimesMs = NDArray[np.int64]  # Unix milliseconds
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
AnyArray = NDArray[Any]

STALE_BITS: Final = 0x7FF0000000000002
NAN_BITS: Final = 0x7FF8000000000001
ABSENT_BITS: Final = 0x7FF474657262707D


def float_from_bits(bits: int) -> float:
    """The float64 with exactly these bits."""
    value: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return value


def bits_of(value: float) -> int:
    """The 64 bits of a float."""
    bits: int = struct.unpack("<Q", struct.pack("<d", value))[0]
    return bits


# numpy scalars and arrays keep the bits; a Python float keeps them too as long as nobody computes.
STALE: Final = np.array([STALE_BITS], dtype=np.uint64).view(np.float64)
ABSENT: Final = np.array([ABSENT_BITS], dtype=np.uint64).view(np.float64)


def is_stale(values: Values) -> Mask:
    """Which cells hold the stale marker; any shape."""
    stale: Mask = values.view(np.uint64) == np.uint64(STALE_BITS)
    return stale


def is_absent(values: Values) -> Mask:
    """Which cells hold no sample; any shape."""
    absent: Mask = values.view(np.uint64) == np.uint64(ABSENT_BITS)
    return absent


def full_of(bits: int, *shape: int) -> Values:
    """An array of `shape` in which every cell has exactly these bits."""
    return np.full(shape, bits, dtype=np.uint64).view(np.float64)
