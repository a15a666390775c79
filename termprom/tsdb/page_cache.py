"""Decoded pages, the most recently used ones, within a bound of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from termprom.model.values import AnyArray


class PageCache:
    """An LRU shared by all readers. What it hands out must not be changed."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held: OrderedDict[Hashable, AnyArray] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"PageCache({len(self._held)} pages, {self._bytes} of {self._bytes_max} bytes)"

    def get(self, key: Hashable, load: Callable[[], AnyArray]) -> AnyArray:
        """The page of that key, loaded if need be; two threads may load the same at once."""
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
                return found
        found = load()
        with self._lock:
            if key not in self._held:
                self._held[key] = found
                self._bytes += found.nbytes
            while self._bytes > self._bytes_max and self._held:
                _, dropped = self._held.popitem(last=False)
                self._bytes -= dropped.nbytes
        return found
