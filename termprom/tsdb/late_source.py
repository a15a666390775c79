"""The frozen late samples of the head, for the writer of their blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.values import ABSENT_BITS, Ints, Mask, TimesMs
from termprom.tsdb.head import Head
from termprom.tsdb.head_source import HeadPart, HeadSource
from termprom.tsdb.label_index import LabelIndex
from termprom.tsdb.source import Picked, Piece


class LateSource:
    """Implements Source. A late sample at a time at which its series has one in order is left out.

    The one in order came first and has to win, and a block is read before the head.
    """

    def __init__(self, head: Head) -> None:
        self._late = HeadSource(head, HeadPart.FROZEN)
        self._in_order = HeadSource(head, HeadPart.IN_ORDER)

    def __repr__(self) -> str:
        return f"LateSource({self._late!r})"

    @property
    def index(self) -> LabelIndex:
        return self._late.index

    def select(self, matchers: Sequence[Matcher]) -> Ints:
        return self._late.select(matchers)

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        return self._late.overlaps(start_ms, end_ms)

    def identity_of(self, timeline: bytes) -> Labels | None:
        return self._late.identity_of(timeline)

    def times_of(self, timeline: bytes, start_ms: int, end_ms: int) -> TimesMs:
        return np.zeros(0, dtype=np.int64)

    def pick(self, series: Ints, start_ms: int, end_ms: int) -> Picked:
        return _LatePicked(self._late.pick(series, start_ms, end_ms), self._in_order, series)


class _LatePicked:
    def __init__(self, picked: Picked, in_order: HeadSource, series: Ints) -> None:
        self._picked = picked
        self._in_order = in_order
        self._series = series

    @property
    def present(self) -> Mask:
        return self._picked.present

    @property
    def rows(self) -> Ints:
        return self._picked.rows

    def read(self, wanted: Ints) -> Iterator[Piece]:
        for piece in self._picked.read(wanted):
            held = self._times_in_order(piece)
            kept = np.flatnonzero(~np.isin(piece.times_ms, held))
            if kept.size == piece.times_ms.size:
                yield piece
            elif kept.size:
                yield Piece(piece.timeline, piece.series, piece.times_ms[kept], piece.bits[:, kept])

    def _times_in_order(self, piece: Piece) -> TimesMs:
        first, last = int(piece.times_ms[0]), int(piece.times_ms[-1])
        picked = self._in_order.pick(self._series[piece.series], first, last)
        times = [
            one.times_ms[one.bits[0] != np.uint64(ABSENT_BITS)]
            for one in picked.read(np.zeros(1, dtype=np.int64))
        ]
        return np.concatenate(times) if times else np.zeros(0, dtype=np.int64)
