"""From the write-ahead log back to the head (FORMAT.md, section 2, recovery)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from termprom.clock import Clock
from termprom.errors import CorruptFile
from termprom.model.labels import Labels
from termprom.model.values import AnyArray, Ints
from termprom.tsdb.admission import NO_TIME
from termprom.tsdb.files import Files, storage_errors
from termprom.tsdb.head import Head
from termprom.tsdb.head_group import HeadGroup
from termprom.tsdb.layout import Layout
from termprom.tsdb.wal_entries import (
    ColumnsEntry,
    DeleteEntry,
    Entry,
    ExemplarsEntry,
    GroupEntry,
    LayoutEntry,
    LooseEntry,
    LooseKind,
    MetadataEntry,
    RowEntry,
    SymbolsEntry,
)
from termprom.tsdb.wal_reader import Segment, list_segments, read_records

logger = logging.getLogger("termprom.tsdb")

# Rows that replay has filled pages with are compressed when this many have piled up.
_RAW_PAGES_MAX: Final = 64
_TELL_BYTES: Final = 4 << 20  # progress is told this often
_TELL_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """How much of the log has been read."""

    bytes_done: int
    bytes: int


@dataclass(slots=True)
class Replayed:
    """What replay found; `dropped` says in words what could not be used."""

    records: int = 0
    dropped: list[str] = field(default_factory=list)
    next_segment: int = 1


def logged(
    progress: Callable[[ReplayProgress], None], clock: Clock
) -> Callable[[ReplayProgress], None]:
    """`progress`, and now and then a line of the log: a long start must not look dead."""
    told = clock.monotonic()

    def tell(now: ReplayProgress) -> None:
        nonlocal told
        progress(now)
        if clock.monotonic() - told >= _TELL_SECONDS:
            told = clock.monotonic()
            done = f"{100 * now.bytes_done // max(now.bytes, 1)} %"
            logger.info("reading the write-ahead log", extra={"fields": {"done": done}})

    return tell


def replay(
    files: Files,
    folder: Path,
    head: Head,
    *,
    late_segment: int,
    progress: Callable[[ReplayProgress], None],
    repair: bool = True,
) -> Replayed:
    """Read all segments of `folder` into the head; cut a torn tail off if `repair`.

    Out-of-order samples of segments before `late_segment` are in blocks and are passed over.
    Raises StorageError where a segment cannot be read at all.
    """
    result = Replayed()
    with storage_errors(folder):
        segments = list_segments(folder)
    total = sum(segment.size_bytes for segment in segments)
    done = told = 0
    known: dict[bytes, int] = {}
    progress(ReplayProgress(0, total))
    encoding = _Encoding(head)
    for segment in segments:
        result.next_segment = segment.number + 1
        is_newest = segment is segments[-1]
        reading = _SegmentReplay(head, known, skip_late=segment.number < late_segment)
        with storage_errors(segment.path):
            data = files.map(segment.path)
        end = 0
        try:
            for record in read_records(data, segment):
                for entry in record.entries:
                    if isinstance(entry, DeleteEntry):
                        encoding.wait()
                    reading.apply(entry)
                end = record.end
                result.records += 1
                if len(head.raw_pages) >= _RAW_PAGES_MAX:
                    encoding.begin()
                if done + end - told >= _TELL_BYTES:
                    told = done + end
                    progress(ReplayProgress(told, total))
        except CorruptFile as problem:
            lost = segment.size_bytes - problem.offset
            what = "torn end cut off" if is_newest else "rest of the segment skipped"
            result.dropped.append(f"{problem}; {what}, {lost} bytes")
            logger.warning("write-ahead log: %s; %s", problem, what)
            if is_newest and repair:
                del data
                _cut(files, segment, problem.offset)
        head.log.wal.adopt(segment.number, reading.latest_ms, late=reading.has_late)
        done += segment.size_bytes
        progress(ReplayProgress(done, total))
    encoding.end()
    head.encode_pages()
    for group in head.groups.values():
        group.settle()
    return result


class _Encoding:
    """Compresses pages beside the reading: one does without the interpreter what the other needs.

    A third of the time of a start, on two cores. Bounded: before a round begins the last one ends.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        self._pool = ThreadPoolExecutor(1, "replay")
        self._running: Future[int] | None = None

    def begin(self) -> None:
        self.wait()
        self._running = self._pool.submit(self._head.encode_pages)

    def wait(self) -> None:
        """Until nobody changes pages but the caller."""
        if self._running is not None:
            self._running.result()
            self._running = None

    def end(self) -> None:
        self.wait()
        self._pool.shutdown()


def _cut(files: Files, segment: Segment, offset: int) -> None:
    """Nothing that can be read lies behind `offset`; leave the file as if it had never been."""
    with storage_errors(segment.path):
        if offset:
            files.cut(segment.path, offset)
        elif segment.size_bytes < 16:
            files.cut(segment.path, 0)  # a crash between creating the file and its header


class _SegmentReplay:
    """Applies the entries of one segment; its numbers mean nothing outside of it."""

    def __init__(self, head: Head, known: dict[bytes, int], *, skip_late: bool) -> None:
        """`known` has the number of each series by the head's symbols of its pairs."""
        self._head = head
        self._known = known
        self._skip_late = skip_late
        self._symbols: AnyArray = np.full(16, -1, dtype=np.int32)  # the head's, by ours
        self._groups: dict[int, HeadGroup] = {}
        self._columns: dict[int, AnyArray] = {}
        self._layouts: dict[int, tuple[HeadGroup, Layout]] = {}
        self.latest_ms = NO_TIME
        self.has_late = False

    def apply(self, entry: Entry) -> None:
        match entry:
            case RowEntry():
                self._row(entry)
            case LooseEntry():
                self._loose(entry)
            case SymbolsEntry():
                self._define_symbols(entry)
            case GroupEntry():
                group = self._head.group(self._labels(self._symbols[entry.pairs]))
                group.release()
                self._groups[entry.group] = group
                self._columns.setdefault(entry.group, np.full(16, -1, dtype=np.int64))
            case ColumnsEntry():
                self._define_columns(entry)
            case LayoutEntry():
                group = self._group(entry.group)
                columns = self._local(entry.group, entry.columns)
                self._layouts[entry.layout] = group, group.layout(columns)
            case DeleteEntry():
                self._delete(entry)
            case ExemplarsEntry():
                self._exemplars(entry)
            case MetadataEntry():
                group = self._group(entry.group)
                group.metadata = {**group.metadata, **entry.metadata}

    def _row(self, entry: RowEntry) -> None:
        self.latest_ms = max(self.latest_ms, entry.time_ms)
        if entry.time_ms >= self._head.floor_ms:
            group, layout = self._layouts[entry.layout]
            with self._head.lock:
                group.restore_row(layout, entry.time_ms, entry.bits)

    def _loose(self, entry: LooseEntry) -> None:
        if not entry.times_ms.size:
            return
        group = self._group(entry.group)
        times = entry.times_ms.astype(np.int64)
        columns = self._local(entry.group, entry.columns)
        bits = np.ascontiguousarray(entry.values).view(np.uint64)
        if entry.kind is LooseKind.IN_ORDER:
            self.latest_ms = max(self.latest_ms, int(times.max()))
            wanted = times >= self._head.floor_ms
            times, columns, bits = times[wanted], columns[wanted], bits[wanted]
        else:
            self.has_late = True
            if self._skip_late:
                return
        if times.size:
            with self._head.lock:
                group.restore_loose(entry.kind, times, columns, bits)

    def _define_symbols(self, entry: SymbolsEntry) -> None:
        self._symbols = _with_room(self._symbols, entry.ids)
        intern = self._head.catalogue.symbols.intern
        with self._head.lock:
            self._symbols[entry.ids] = [intern(text) for text in entry.texts]

    def _define_columns(self, entry: ColumnsEntry) -> None:
        group, known = self._group(entry.group), self._known
        pairs = np.ascontiguousarray(self._symbols[entry.pairs])
        raw = pairs.tobytes()
        ends = (8 * np.cumsum(entry.pair_counts.astype(np.int64))).tolist()
        keys = [raw[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        new = [place for place, key in enumerate(keys) if key not in known]
        if new:
            # Segments define their series again: most are known from the one before.
            bounds = [0, *ends]
            labels = [
                self._labels(pairs[bounds[place] // 4 : bounds[place + 1] // 4]) for place in new
            ]
            with self._head.lock:
                numbers = self._head.catalogue.intern_all(labels)
            known.update(zip((keys[place] for place in new), numbers, strict=True))
        columns = group.columns_of([known[key] for key in keys])
        group.adopt(columns)
        local = self._columns[entry.group] = _with_room(self._columns[entry.group], entry.columns)
        local[entry.columns] = columns

    def _delete(self, entry: DeleteEntry) -> None:
        self.has_late = True
        group = self._group(entry.group)
        columns = self._local(entry.group, entry.columns)
        self._head.delete_cells(group, columns, entry.start_ms, entry.end_ms)

    def _exemplars(self, entry: ExemplarsEntry) -> None:
        group, head = self._group(entry.group), self._head
        for column, one in entry.exemplars:
            series = int(group.series_of(self._local(entry.group, np.array([column])))[0])
            digest = head.catalogue.digest(series)
            head.exemplars.put(digest, one, partial(head.catalogue.labels, series))

    def _labels(self, pairs: AnyArray) -> Labels:
        text = self._head.catalogue.symbols.text
        numbers = iter(pairs.tolist())
        return Labels(
            (text(name), text(value)) for name, value in zip(numbers, numbers, strict=True)
        )

    def _group(self, number: int) -> HeadGroup:
        return self._groups[number]

    def _local(self, group: int, columns: AnyArray) -> Ints:
        local: Ints = self._columns[group][columns]
        return local


def _with_room(numbers: AnyArray, places: AnyArray) -> AnyArray:
    """The array, long enough for these places; -1 where it was not."""
    top = int(places.max()) + 1 if places.size else 0
    if numbers.size >= top:
        return numbers
    grown = np.full(top + (top >> 2), -1, dtype=numbers.dtype)
    grown[: numbers.size] = numbers
    return grown
