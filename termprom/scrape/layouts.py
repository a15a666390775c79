"""The layouts that targets share, so that a page known from one is not scanned for another."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterator
from typing import Final

from termprom.exposition.negotiate import Format
from termprom.scrape.layout import TextLayout

_PER_SHAPE_MAX: Final = 4  # layouts with the same number of lines that are tried
_WITH_PAIRS_MAX: Final = 8  # layouts that keep their labels read; others read them again


class Layouts:
    """Weak: a layout lives as long as a target uses it."""

    def __init__(self) -> None:
        self._by_shape: dict[tuple[Format, int], deque[weakref.ref[TextLayout]]] = {}
        self._read: deque[weakref.ref[TextLayout]] = deque()

    def candidates(self, kind: Format, body: bytes) -> Iterator[TextLayout]:
        """Layouts with as many lines as `body`, the latest first."""
        line_count = body.count(b"\n") + (not body.endswith(b"\n"))
        for reference in self._by_shape.get((kind, line_count), ()):
            layout = reference()
            if layout is not None:
                yield layout

    def add(self, layout: TextLayout) -> None:
        shape = self._by_shape.setdefault(layout.key, deque(maxlen=_PER_SHAPE_MAX))
        if any(reference() is layout for reference in shape):
            return
        shape.appendleft(weakref.ref(layout))
        if len(self._by_shape) > 10_000:
            self._by_shape = {
                key: refs for key, refs in self._by_shape.items() if any(ref() for ref in refs)
            }
        self._read.append(weakref.ref(layout))
        while len(self._read) > _WITH_PAIRS_MAX:
            oldest = self._read.popleft()()
            if oldest is not None:
                oldest.forget_pairs()
