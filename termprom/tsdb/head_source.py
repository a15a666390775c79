"""The head as a source of cells: views of its pages, taken under its lock, read without it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.values import AnyArray, Ints, Mask, TimesMs
from termprom.tsdb.head import Head
from termprom.tsdb.head_group import HeadGroup
from termprom.tsdb.head_page import Page
from termprom.tsdb.label_index import LabelIndex
from termprom.tsdb.loose import LooseColumn
from termprom.tsdb.source import OWN_TIMES, Piece


class HeadPart(Enum):
    """What of the head a source shows."""

    EVERYTHING = auto()
    IN_ORDER = auto()  # for the writer of the next block
    FROZEN = auto()  # late samples on their way into blocks


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some columns of one group and the pages that may hold them."""

    timeline: bytes
    places: Ints  # (K,) positions of the series, ascending
    columns: Ints  # (K,)
    pages: Sequence[Page]


class HeadSource:
    """What a querier sees of the head; in-order samples before `floor_ms` are left to blocks."""

    def __init__(self, head: Head, part: HeadPart = HeadPart.EVERYTHING) -> None:
        self._head = head
        self._part = part
        with head.lock:
            self.floor_ms = head.floor_ms
            self._catalogue = head.catalogue
            self._index = head.catalogue.index()

    def __repr__(self) -> str:
        return f"HeadSource({self._index!r})"

    @property
    def index(self) -> LabelIndex:
        return self._index

    def select(self, matchers: Sequence[Matcher]) -> Ints:
        return self._index.select(matchers)

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        return start_ms <= end_ms

    def identity_of(self, timeline: bytes) -> Labels | None:
        return self._head.identity_of(timeline)

    def times_of(self, timeline: bytes, start_ms: int, end_ms: int) -> TimesMs:
        group = self._head.group_of(timeline)
        if group is None or self._part is HeadPart.FROZEN:
            return np.zeros(0, dtype=np.int64)
        start = max(start_ms, self.floor_ms)
        with self._head.lock:
            pages = group.samples.view_pages(start, end_ms)
        times = np.concatenate([np.zeros(0, dtype=np.int64), *(page.times() for page in pages)])
        low = int(np.searchsorted(times, start, side="left"))
        return times[low : int(np.searchsorted(times, end_ms, side="right"))]

    def ranges(self, range_ms: int) -> list[int]:
        """The starts of the ranges of that length that may hold samples, ascending."""
        first_ms, last_ms = self._head.bounds()
        in_order = range(first_ms // range_ms, last_ms // range_ms + 1) if last_ms >= 0 else ()
        late = (start_ms // range_ms for start_ms in self._head.late_ranges(range_ms))
        return [number * range_ms for number in sorted({*in_order, *late})]

    def pick(self, series: Ints, start_ms: int, end_ms: int) -> HeadPicked:
        head = self._head
        with head.lock:
            places, groups, columns = self._catalogue.columns_of(series)
        order = np.lexsort((places, groups))
        places, groups, columns = places[order], groups[order], columns[order]
        cuts = np.flatnonzero(np.diff(groups)) + 1
        bounds = [0, *cuts.tolist(), groups.size] if groups.size else []
        picked = HeadPicked(series.size, max(start_ms, self.floor_ms), end_ms)
        numbers = groups[bounds[:-1]].tolist() if bounds else []
        for number, (low, high) in zip(numbers, itertools.pairwise(bounds), strict=True):
            group = head.groups.get(number)
            # A group that has gone since then had nothing left after the floor.
            if group is not None:
                self._pick_group(
                    picked, group, places[low:high], columns[low:high], start_ms, end_ms
                )
        return picked

    def _pick_group(
        self,
        picked: HeadPicked,
        group: HeadGroup,
        places: Ints,
        columns: Ints,
        start_ms: int,
        end_ms: int,
    ) -> None:
        samples = group.samples
        if self._part is HeadPart.FROZEN:
            with self._head.lock:
                self._pick_own(picked, samples.late_frozen, places, columns, start_ms, end_ms)
            return
        start_in_order = max(start_ms, self.floor_ms)
        with self._head.lock:
            pages = samples.view_pages(start_in_order, end_ms)
            if samples.loose:
                self._pick_own(picked, samples.loose, places, columns, start_in_order, end_ms)
            if self._part is HeadPart.EVERYTHING:
                # What is frozen came first, and the first of equal times decides.
                for late in (samples.late_frozen, samples.late):
                    if late:
                        self._pick_own(picked, late, places, columns, start_ms, end_ms)
        if not pages:
            return
        held = np.zeros(columns.size, dtype=np.bool_)
        rows = 0
        for page in pages:
            rows += page.row_count
            if page.columns.size == group.column_count:
                held[:] = True
            elif not held.all():
                held |= page.slots.find(columns) >= 0
        alive = group.last_times()[columns] >= start_in_order
        held &= alive
        if held.all():
            picked.add_rows(_Rows(group.timeline, places, columns, pages), rows)
        elif held.any():
            picked.add_rows(_Rows(group.timeline, places[held], columns[held], pages), rows)

    def _pick_own(
        self,
        picked: HeadPicked,
        held: dict[int, LooseColumn],
        places: Ints,
        columns: Ints,
        start_ms: int,
        end_ms: int,
    ) -> None:
        if len(held) < columns.size:
            wanted = [
                (place, column)
                for place, column in zip(places.tolist(), columns.tolist(), strict=True)
                if column in held
            ]
        else:
            wanted = list(zip(places.tolist(), columns.tolist(), strict=True))
        for place, column in wanted:
            loose = held.get(column)
            if loose is None:
                continue
            times, bits = loose.copy(start_ms, end_ms)
            if times.size:
                picked.add_own(place, times, bits)


class HeadPicked:
    """Some series of the head in [start_ms, end_ms]; rows begin at the head's floor."""

    def __init__(self, count: int, start_ms: int, end_ms: int) -> None:
        self._start_ms = start_ms
        self._end_ms = end_ms
        self.present: Mask = np.zeros(count, dtype=np.bool_)
        self.rows: Ints = np.zeros(count, dtype=np.int64)
        self.timelines: Ints = np.zeros(count, dtype=np.int64)
        self._groups: list[_Rows] = []
        self._own: list[tuple[int, TimesMs, AnyArray]] = []

    def add_rows(self, group: _Rows, rows: int) -> None:
        self._groups.append(group)
        self.timelines[group.places] = len(self._groups)
        self.present[group.places] = True
        self.rows[group.places] += rows

    def add_own(self, place: int, times_ms: TimesMs, bits: AnyArray) -> None:
        self._own.append((place, times_ms, bits))
        self.present[place] = True
        self.rows[place] += times_ms.size

    def read(self, wanted: Ints) -> Iterator[Piece]:
        everything = wanted.size == self.present.size
        chosen = np.zeros(self.present.size, dtype=np.bool_)
        chosen[wanted] = True
        for group in self._groups:
            places, columns = group.places, group.columns
            if not everything:
                mask = chosen[places]
                if not mask.any():
                    continue
                if not mask.all():
                    places, columns = places[mask], columns[mask]
            piece = self._read_rows(group, places, columns)
            if piece is not None:
                yield piece
        for place, times_ms, bits in self._own:
            if chosen[place]:
                yield Piece(
                    OWN_TIMES,
                    np.array([place], dtype=np.int64),
                    times_ms,
                    bits[np.newaxis, :],
                )

    def _read_rows(self, group: _Rows, places: Ints, columns: Ints) -> Piece | None:
        times: list[TimesMs] = []
        bits: list[AnyArray] = []
        for page in group.pages:
            page_times = page.times()
            low, high = 0, page.row_count
            if page.first_ms < self._start_ms:
                low = int(page_times.searchsorted(self._start_ms, side="left"))
            if page.last_ms > self._end_ms:
                high = int(page_times.searchsorted(self._end_ms, side="right"))
            if low < high:
                times.append(page_times[low:high])
                bits.append(page.read(columns, low, high))
        if not times:
            return None
        if len(times) == 1:
            return Piece(group.timeline, places, times[0], bits[0])
        return Piece(group.timeline, places, np.concatenate(times), np.concatenate(bits, axis=1))
