"""Who still reads what maintenance would like to give back.

Time is cut into epochs. A reader belongs to the epoch in which it began; what was taken out of the
readers' sight before an epoch began can be given back once no older reader is left.
"""

from __future__ import annotations

import threading
from collections import Counter


class Readers:
    """Counts of open readers by epoch. Any thread."""

    def __init__(self) -> None:
        self._epoch = 0
        self._open: Counter[int] = Counter()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Readers({self._open.total()} open, epoch {self._epoch})"

    def enter(self) -> int:
        """A reader begins; its epoch, for `leave`."""
        with self._lock:
            self._open[self._epoch] += 1
            return self._epoch

    def leave(self, epoch: int) -> None:
        with self._lock:
            self._open[epoch] -= 1
            if not self._open[epoch]:
                del self._open[epoch]

    def turn(self) -> int:
        """Begin an epoch; readers from now on belong to it."""
        with self._lock:
            self._epoch += 1
            return self._epoch

    def are_past(self, epoch: int) -> bool:
        """Whether every open reader began in `epoch` or later."""
        with self._lock:
            return min(self._open, default=epoch) >= epoch
