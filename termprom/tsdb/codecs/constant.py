"""One number, many times.

    body := number <8 bytes, little-endian>

Example, the int64 [7, 7, 7]:  07 00 00 00 00 00 00 00
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from termprom.model.values import AnyArray


@dataclass(frozen=True, slots=True)
class Constant:
    """All numbers have the same bits."""

    id: ClassVar[int] = 1  # On disk for ever: never renumber, only append.

    def encode(self, numbers: AnyArray) -> bytes | None:
        bits = numbers.view(np.uint64)
        if bits.size == 0 or bool((bits != bits[0]).any()):
            return None
        return bits[:1].tobytes()

    def decode(self, body: memoryview, count: int, dtype: np.dtype[np.generic]) -> AnyArray:
        # Through integers: a float fill would quiet a signalling NaN.
        bits = np.frombuffer(body, dtype="<u8", count=1)
        return np.repeat(bits, count).view(dtype)

    def is_exact_size(self, body_bytes: int, count: int) -> bool:
        return body_bytes == 8
