"""Some series of a block in a range of time, and how they are read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import numpy as np

from termprom.model.values import ABSENT_BITS, Ints, Mask
from termprom.tsdb.block_entries import BlockEntries
from termprom.tsdb.source import OWN_TIMES, Piece
from termprom.tsdb.tombstones import Tombstones


class BlockPicked:
    """Entries of some series of a block; what tombstones cover is absent when it is read.

    Reads inside of `checked()`, which learns of a CorruptFile on its way out.
    """

    def __init__(
        self,
        block: BlockEntries,
        checked: Callable[[], AbstractContextManager[None]],
        tombstones: Tombstones,
        series: Ints,
        rows: Ints,
        places: Ints,
        entries: Ints,
        spans: Ints,
        start_ms: int,
        end_ms: int,
    ) -> None:
        self._block = block
        self._checked = checked
        self._series = series
        self._tombstones = tombstones
        self.rows = rows
        self.present: Mask = rows > 0
        self._places = places
        self._entries = entries
        self._spans = spans
        self._start_ms = start_ms
        self._end_ms = end_ms

    @property
    def timelines(self) -> Ints:
        """The first one of each series that has any here."""
        found = np.zeros(self.present.size, dtype=np.int64)
        with self._checked():
            found[self._places[::-1]] = self._block.timelines_of(self._spans)[::-1]
        return found

    def read(self, wanted: Ints) -> Iterator[Piece]:
        places, entries, spans = self._places, self._entries, self._spans
        if wanted.size != self.present.size:
            chosen = np.zeros(self.present.size, dtype=np.bool_)
            chosen[wanted] = True
            mask = chosen[places]
            places, entries, spans = places[mask], entries[mask], spans[mask]
        if not entries.size:
            return
        with self._checked():
            timelines = self._block.timelines_of(spans)
        cuts = np.flatnonzero(np.diff(timelines)) + 1
        for first, last in itertools.pairwise([0, *cuts.tolist(), entries.size]):
            part = slice(first, last)
            with self._checked():
                read = self._block.read_timeline(
                    places[part], entries[part], spans[part], self._start_ms, self._end_ms
                )
                if read is None:
                    continue
                is_own, timeline = self._block.is_own(int(spans[first]))
            distinct, times, bits = read
            bits = self._tombstones.apply(self._series[distinct], times, bits)
            if is_own:
                assert distinct.size == 1
                used = np.flatnonzero(bits[0] != np.uint64(ABSENT_BITS))
                if used.size:
                    yield Piece(OWN_TIMES, distinct, times[used], bits[:, used])
            else:
                yield Piece(timeline, distinct, times, bits)
