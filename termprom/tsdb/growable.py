"""An array that grows at its end while others read what was there before."""

from __future__ import annotations

import numpy as np

from termprom.model.values import AnyArray


class Growable:
    """Append-only numbers. One writer; readers keep the views they took.

    Growth moves to a new buffer and never changes a cell that was handed out.
    """

    __slots__ = ("_buffer", "size")

    def __init__(self, dtype: str, room: int = 16) -> None:
        self._buffer: AnyArray = np.empty(room, dtype=dtype)
        self.size = 0

    def __len__(self) -> int:
        return self.size

    def view(self) -> AnyArray:
        """What is there now, (N,); read only by agreement, except for the owner."""
        return self._buffer[: self.size]

    def append(self, number: int) -> None:
        self._reserve(1)
        self._buffer[self.size] = number
        self.size += 1

    def extend(self, numbers: AnyArray) -> None:
        self._reserve(len(numbers))
        self._buffer[self.size : self.size + len(numbers)] = numbers
        self.size += len(numbers)

    def _reserve(self, more: int) -> None:
        needed = self.size + more
        if needed <= self._buffer.size:
            return
        bigger = np.empty(max(needed, self._buffer.size * 2), dtype=self._buffer.dtype)
        bigger[: self.size] = self._buffer[: self.size]
        self._buffer = bigger
