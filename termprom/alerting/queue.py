"""The bounded queue of one Alertmanager: when it is full, the oldest alerts go."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class NotificationQueue(Generic[T]):
    """First in, first out; at most `capacity` items."""

    def __init__(self, capacity: int) -> None:
        self._items: deque[T] = deque()
        self._capacity = capacity

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"NotificationQueue({len(self)} of {self._capacity})"

    def add(self, items: Iterable[T]) -> int:
        """Append `items`; how many had to go to make room, of these or of those before."""
        self._items.extend(items)
        surplus = max(len(self._items) - self._capacity, 0)
        for _ in range(surplus):
            self._items.popleft()
        return surplus

    def take(self, count: int) -> list[T]:
        """Remove and return up to `count` items from the front."""
        taken = list(islice(self._items, count))
        for _ in taken:
            self._items.popleft()
        return taken

    def clear(self) -> int:
        """Remove everything; how many there were."""
        count = len(self._items)
        self._items.clear()
        return count
