"""Samples in any order on their way into blocks: sorted runs in a file beside them.

A foreign file may hold a series in one piece or one sample of it per line, and may be larger than
memory. Samples are collected, sorted and written out as runs; a block is then made range by range
from the mapped runs, in memory bounded by the number of runs and by a batch of the block writer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.values import ABSENT_BITS, AnyArray, Ints, Mask, TimesMs
from termprom.tsdb.catalogue import Catalogue
from termprom.tsdb.files import Files, storage_errors
from termprom.tsdb.growable import Growable
from termprom.tsdb.identity import group_timeline_hash
from termprom.tsdb.label_index import LabelIndex
from termprom.tsdb.source import OWN_TIMES, Piece

_HELD_MAX: Final = 1 << 22  # samples that are sorted at once: 80 MB
# A row that fewer of a group's series share is not worth its absent cells.
_DENSE: Final = 0.6


class Spill:
    """Takes samples in; a context whose file is gone at its end.

    `group_of` names the group whose rows a series is on, where its times fit.
    """

    def __init__(
        self,
        files: Files,
        path: Path,
        group_of: Callable[[Labels], Labels],
        held_max: int = _HELD_MAX,
    ) -> None:
        """Raises DiskFull, StorageError, as do all methods that write."""
        self._files = files
        self._path = path
        self._group_of = group_of
        self._held_max = held_max
        self._catalogue = Catalogue()
        self._groups: dict[Labels, int] = {}
        self.identities: list[Labels] = []
        self.group_numbers = Growable("<i4")  # of each series
        self._held: list[tuple[Ints, TimesMs, AnyArray]] = []
        self._held_count = 0
        self.run_series = Growable("<i4")
        self.run_offsets = Growable("<i8")
        self.run_counts = Growable("<i4")
        self.run_first = Growable("<i8")
        self.run_last = Growable("<i8")
        self._size = 0  # samples in the file
        with storage_errors(path):
            files.remove(path)
            self._descriptor = files.create(path)

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: object, trace: TracebackType | None
    ) -> None:
        if self._descriptor >= 0:
            self._files.close(self._descriptor)
        self._files.remove(self._path)

    def __repr__(self) -> str:
        return f"Spill({self.series_count} series, {self.sample_count} samples)"

    @property
    def series_count(self) -> int:
        return self._catalogue.series_count

    @property
    def sample_count(self) -> int:
        return self._size + self._held_count

    def series(self, labels: Labels) -> int:
        """The number of that series."""
        number = self._catalogue.intern(labels)
        if number == self.group_numbers.size:
            identity = self._group_of(labels)
            group = self._groups.setdefault(identity, len(self.identities))
            if group == len(self.identities):
                self.identities.append(identity)
            self.group_numbers.append(group)
        return number

    def add(self, series: Ints, times_ms: TimesMs, bits: AnyArray) -> None:
        """Samples in any order, (N,) each; of equal ones of a series the first counts."""
        self._held.append((series, times_ms, bits))
        self._held_count += series.size
        if self._held_count >= self._held_max:
            self.flush()

    def bounds(self) -> tuple[int, int]:
        """First and last time of all samples; there is at least one, and all are flushed."""
        return int(self.run_first.view().min()), int(self.run_last.view().max())

    def flush(self) -> None:
        """Write what is held as sorted runs."""
        if not self._held_count:
            return
        series, times, bits = (np.concatenate(parts) for parts in zip(*self._held, strict=True))
        self._held, self._held_count = [], 0
        order = np.lexsort((times, series))
        series, times, bits = series[order], times[order], bits[order]
        starts = np.flatnonzero(np.diff(series, prepend=-1))
        ends = np.append(starts[1:], series.size)
        self.run_series.extend(series[starts])
        self.run_offsets.extend(starts + self._size)
        self.run_counts.extend(ends - starts)
        self.run_first.extend(times[starts])
        self.run_last.extend(times[ends - 1])
        records = np.empty((series.size, 2), dtype="<u8")
        records[:, 0], records[:, 1] = times.view(np.uint64), bits
        with storage_errors(self._path):
            self._files.write_all(self._descriptor, records.tobytes())
        self._size += series.size

    def ranges(self, length_ms: int) -> list[int]:
        """The starts of the ranges of that length that hold samples, ascending."""
        first, last = self.run_first.view() // length_ms, self.run_last.view() // length_ms
        found: set[int] = set()
        for low, high in np.unique(np.stack([first, last], axis=1), axis=0).tolist():
            found.update(range(low, high + 1))
        return [number * length_ms for number in sorted(found)]

    def source(self, start_ms: int, end_ms: int) -> SpillSource:
        """What there is in [start_ms, end_ms), for the writer of a block."""
        self.flush()
        with storage_errors(self._path):
            records = np.frombuffer(self._files.map(self._path), dtype="<u8").reshape(-1, 2)
        return SpillSource(self, self._catalogue.index(), records, start_ms, end_ms - 1)


class SpillSource:
    """Implements Source for the range [start_ms, end_ms] of a spill."""

    def __init__(
        self, spill: Spill, index: LabelIndex, records: AnyArray, start_ms: int, end_ms: int
    ) -> None:
        self._index = index
        self._records = records
        self._start_ms = start_ms
        self._end_ms = end_ms
        inside = (spill.run_first.view() <= end_ms) & (spill.run_last.view() >= start_ms)
        runs = np.flatnonzero(inside)
        # Runs of a series in the order in which they were written: the first of equal times counts.
        runs = runs[np.argsort(spill.run_series.view()[runs], kind="stable")]
        series = spill.run_series.view()[runs]
        self._offsets = spill.run_offsets.view()[runs]
        self._counts = spill.run_counts.view()[runs]
        self._bounds = np.searchsorted(series, np.arange(index.series_count + 1))
        totals = np.concatenate([[0], np.cumsum(self._counts, dtype=np.int64)])
        self.rows: Ints = np.diff(totals[self._bounds])
        self._group_of = spill.group_numbers.view()
        self._identities = spill.identities
        self._timelines: dict[bytes, int] = {}
        self._members = np.argsort(self._group_of, kind="stable")
        self._member_bounds = np.searchsorted(
            self._group_of[self._members], np.arange(len(self._identities) + 1)
        )
        self._group_times: dict[int, TimesMs | None] = {}

    def __repr__(self) -> str:
        return f"SpillSource([{self._start_ms}, {self._end_ms}])"

    @property
    def index(self) -> LabelIndex:
        return self._index

    def select(self, matchers: Sequence[Matcher]) -> Ints:
        return self._index.select(matchers)

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        return self._start_ms <= end_ms and self._end_ms >= start_ms

    def identity_of(self, timeline: bytes) -> Labels | None:
        group = self._timelines.get(timeline)
        return self._identities[group] if group is not None else None

    def times_of(self, timeline: bytes, start_ms: int, end_ms: int) -> TimesMs:
        times = self._times_of_group(self._timelines[timeline])
        assert times is not None, "a timeline is named by the pieces on it"
        return times

    def pick(self, series: Ints, start_ms: int, end_ms: int) -> _SpillPicked:
        return _SpillPicked(self, series)

    def samples(self, series: int) -> tuple[TimesMs, AnyArray]:
        """All samples of one series in the range, ascending, each time once."""
        parts = [
            self._records[offset : offset + count]
            for offset, count in zip(
                self._offsets[self._bounds[series] : self._bounds[series + 1]].tolist(),
                self._counts[self._bounds[series] : self._bounds[series + 1]].tolist(),
                strict=True,
            )
        ]
        records = parts[0] if len(parts) == 1 else np.concatenate(parts)
        times = records[:, 0].view(np.int64)
        bits = records[:, 1]
        ascending = times[1:] > times[:-1]
        if not ascending.all():
            order = np.argsort(times, kind="stable")
            times, bits = times[order], bits[order]
            once = np.diff(times, prepend=times[0] - 1) > 0
            times, bits = times[once], bits[once]
        low = int(np.searchsorted(times, self._start_ms, side="left"))
        high = int(np.searchsorted(times, self._end_ms, side="right"))
        return times[low:high], bits[low:high]

    def groups_of(self, series: Ints) -> Ints:
        """The number of each series' group."""
        groups: Ints = self._group_of[series].astype(np.int64)
        return groups

    def pieces(self, series: Ints) -> Iterator[Piece]:
        """The cells of these series; positions are those in `series`."""
        groups = self._group_of[series]
        order = np.argsort(groups, kind="stable")
        cuts = np.flatnonzero(np.diff(groups[order])) + 1
        for places in np.split(order, cuts):
            group = int(groups[places[0]])
            times = self._times_of_group(group)
            if times is None:
                yield from self._own(series, places)
                continue
            bits = np.full((places.size, times.size), ABSENT_BITS, dtype=np.uint64)
            for row, one in enumerate(series[places].tolist()):
                own, cells = self.samples(one)
                if own.size == times.size:
                    bits[row] = cells
                else:
                    bits[row, np.searchsorted(times, own)] = cells
            timeline = group_timeline_hash(self._identities[group])
            self._timelines[timeline] = group
            yield Piece(timeline, places, times, bits)

    def _own(self, series: Ints, places: Ints) -> Iterator[Piece]:
        for place in places.tolist():
            times, cells = self.samples(int(series[place]))
            if times.size:
                yield Piece(
                    OWN_TIMES, np.array([place], dtype=np.int64), times, cells[np.newaxis, :]
                )

    def _times_of_group(self, group: int) -> TimesMs | None:
        """The rows of a group in the range; None where its series do not share them."""
        if group not in self._group_times:
            members = self._members[self._member_bounds[group] : self._member_bounds[group + 1]]
            self._group_times[group] = self._shared_times(members[self.rows[members] > 0])
        return self._group_times[group]

    def _shared_times(self, members: Ints) -> TimesMs | None:
        shared: TimesMs = np.zeros(0, dtype=np.int64)
        cells = count = 0
        for one in members.tolist():
            own, _ = self.samples(one)
            if not own.size:
                continue
            cells += own.size
            count += 1
            if not np.array_equal(own, shared):
                shared = np.union1d(shared, own)
            if cells < _DENSE * count * shared.size:
                return None
        return shared


class _SpillPicked:
    """Implements Picked."""

    def __init__(self, source: SpillSource, series: Ints) -> None:
        self._source = source
        self._series = series
        self.rows: Ints = source.rows[series]
        self.present: Mask = self.rows > 0
        self.timelines: Ints = source.groups_of(series)

    def read(self, wanted: Ints) -> Iterator[Piece]:
        for piece in self._source.pieces(self._series[wanted]):
            yield Piece(piece.timeline, wanted[piece.series], piece.times_ms, piece.bits)
