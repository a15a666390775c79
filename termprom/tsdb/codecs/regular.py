"""Integers at an unbroken step: the times of a healthy scrape loop.

    body := first <i8> | step <i8>                 16 bytes for any number of samples

Example, three times 15 s apart from 1000 on (15000 = 0x3a98):
    e8 03 00 00 00 00 00 00  98 3a 00 00 00 00 00 00
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from termprom.model.values import AnyArray


@dataclass(frozen=True, slots=True)
class Regular:
    """An arithmetic progression of int64 or uint64."""

    id: ClassVar[int] = 2  # On disk for ever: never renumber, only append.

    def encode(self, numbers: AnyArray) -> bytes | None:
        if numbers.dtype.kind == "f" or numbers.size < 2:
            return None
        steps = np.diff(numbers.view(np.int64))
        if bool((steps != steps[0]).any()):
            return None
        return numbers[:1].tobytes() + steps[:1].tobytes()

    def decode(self, body: memoryview, count: int, dtype: np.dtype[np.generic]) -> AnyArray:
        first, step = np.frombuffer(body, dtype="<i8", count=2)
        numbers: AnyArray = first + step * np.arange(count, dtype=np.int64)
        return numbers.view(dtype)

    def is_exact_size(self, body_bytes: int, count: int) -> bool:
        return body_bytes == 16
