"""Runs of numbers that have little in common, each coded for itself.

    body := part*      part := length <u4> | coded array

For columns of different scale or rhythm: on the scrapes of one host a seventh smaller than one
frame for all. Who encodes knows where the runs end, so it is not tried by `encode_array`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from termprom.model.values import AnyArray

_LENGTH: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Joined:
    """`decode_part` decodes a coded array."""

    decode_part: Callable[[memoryview, str], AnyArray]

    id: ClassVar[int] = 4  # On disk for ever: never renumber, only append.

    def encode(self, numbers: AnyArray) -> bytes | None:
        return None

    def decode(self, body: memoryview, count: int, dtype: np.dtype[np.generic]) -> AnyArray:
        # Integers all the way: what is moved as bits cannot be quieted.
        words = np.empty(count, dtype=np.uint64)
        offset = filled = 0
        while offset < len(body):
            if offset + _LENGTH.size > len(body):
                raise ValueError("joined arrays end inside a length")
            (length,) = _LENGTH.unpack_from(body, offset)
            offset += _LENGTH.size
            part = body[offset : offset + length]
            if len(part) != length or (length and part[0] == self.id):
                raise ValueError("joined arrays are torn or nested")
            numbers = self.decode_part(part, dtype.str)
            if filled + numbers.size > count:
                raise ValueError(f"joined arrays hold more than {count} numbers")
            words[filled : filled + numbers.size] = numbers.view(np.uint64)
            filled += numbers.size
            offset += length
        if filled != count:
            raise ValueError(f"joined arrays do not hold {count} numbers")
        return words.view(dtype)

    def is_exact_size(self, body_bytes: int, count: int) -> bool:
        return body_bytes > 0


def join_parts(parts: Sequence[bytes]) -> bytes:
    """The body for these coded arrays."""
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)
