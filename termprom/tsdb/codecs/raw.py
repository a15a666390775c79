"""Numbers as they are.

    body := number <8 bytes, little-endian>*

Example, the int64 [1, 2]:  01 00 00 00 00 00 00 00  02 00 00 00 00 00 00 00
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from termprom.model.values import AnyArray


@dataclass(frozen=True, slots=True)
class Raw:
    """No coding: for what does not compress, and as the fallback that always works."""

    id: ClassVar[int] = 0  # On disk for ever: never renumber, only append.

    def encode(self, numbers: AnyArray) -> bytes | None:
        return numbers.tobytes()

    def decode(self, body: memoryview, count: int, dtype: np.dtype[np.generic]) -> AnyArray:
        return np.frombuffer(body, dtype=dtype, count=count)

    def is_exact_size(self, body_bytes: int, count: int) -> bool:
        return body_bytes == 8 * count
