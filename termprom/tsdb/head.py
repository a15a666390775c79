"""The mutable present: all groups, their series, and the log behind them.

Locks, always taken in this order: `write_lock` around a whole append (decide, log, remember) and
around the short moments in which maintenance changes what appends look at; `lock` around changes of
what readers look at and around taking a view, never around a system call.
"""

from __future__ import annotations

import threading
from typing import Final

import numpy as np

from termprom.model.labels import Labels
from termprom.model.values import ABSENT_BITS, Ints, Mask
from termprom.storage import Appended
from termprom.tsdb.admission import NO_TIME
from termprom.tsdb.catalogue import Catalogue
from termprom.tsdb.exemplars import ExemplarRing
from termprom.tsdb.head_group import HeadGroup
from termprom.tsdb.head_log import HeadLog
from termprom.tsdb.head_page import Page, RawPage
from termprom.tsdb.options import BLOCK_MS
from termprom.tsdb.page_cache import PageCache
from termprom.tsdb.wal_entries import encode_delete
from termprom.tsdb.wal_writer import WalWriter

# A group that has not been written to for this long gets its open rows compressed.
IDLE_MS: Final = 900_000
# One column in so many has to be unused before it is worth the while to renumber the series.
_GARBAGE_SHARE: Final = 16


class Counters:
    """What became of samples since the process started."""

    __slots__ = ("created", "duplicates", "out_of_order", "removed", "stored", "too_old")

    def __init__(self) -> None:
        self.stored = self.duplicates = self.out_of_order = self.too_old = 0
        self.created = self.removed = 0

    def add(self, appended: Appended) -> None:
        self.stored += appended.stored
        self.duplicates += appended.duplicates
        self.out_of_order += appended.out_of_order
        self.too_old += appended.too_old
        self.created += appended.created


class Head:
    """Appends on one thread, views on any, maintenance on one other at a time."""

    def __init__(
        self,
        wal: WalWriter,
        cache: PageCache,
        *,
        floor_ms: int,
        window_ms: int = 0,
        block_ms: int = BLOCK_MS,
        exemplars_max: int = 0,
    ) -> None:
        self.exemplars = ExemplarRing(exemplars_max)
        self.lock = threading.Lock()
        self.write_lock = threading.Lock()
        self.catalogue = Catalogue()
        self.log = HeadLog(wal, self.catalogue)
        self.counters = Counters()
        self.groups: dict[int, HeadGroup] = {}  # by number
        self.raw_pages: set[int] = set()  # groups with pages to encode
        self.late_groups: set[int] = set()
        self.floor_ms = floor_ms  # in-order samples before it are in blocks
        self.newest_ms = NO_TIME
        self.valid_from_ms = floor_ms
        self.late_from_ms: int | None = None
        self._cache = cache
        self._window_ms = window_ms
        # In-order samples are taken this far behind the newest one: half a block, as upstream.
        self._appendable_ms = block_ms // 2
        self._next_group = 0
        self._by_identity: dict[Labels, HeadGroup] = {}
        self._by_timeline: dict[bytes, HeadGroup] = {}
        self._set_limits()

    def __repr__(self) -> str:
        return f"Head({len(self.groups)} groups, {self.catalogue!r})"

    # --- Writing ------------------------------------------------------------------------------

    def group(self, identity: Labels) -> HeadGroup:
        """The group of that identity, made if need be."""
        found = self._by_identity.get(identity)
        if found is None:
            with self.lock:
                found = HeadGroup(self, self._next_group, identity)
                self._next_group += 1
                self.groups[found.number] = found
                self._by_identity[identity] = found
                self._by_timeline[found.timeline] = found
        found.held = True
        return found

    def identity_of(self, timeline: bytes) -> Labels | None:
        """The identity of the group with that timeline hash."""
        found = self._by_timeline.get(timeline)
        return found.identity if found is not None else None

    def group_of(self, timeline: bytes) -> HeadGroup | None:
        """The group with that timeline hash."""
        return self._by_timeline.get(timeline)

    def all_groups(self) -> list[HeadGroup]:
        """The groups of this moment; call it without the lock."""
        with self.lock:
            return list(self.groups.values())

    def advance(self, time_ms: int) -> None:
        """A group has a sample of that time."""
        if time_ms > self.newest_ms:
            self.newest_ms = time_ms
            self._set_limits()

    def set_window(self, window_ms: int) -> None:
        """The out-of-order window; 0: none."""
        with self.write_lock:
            self._window_ms = window_ms
            self._set_limits()

    def set_floor(self, floor_ms: int) -> None:
        """Everything in order before `floor_ms` is in blocks; readers of the head begin there."""
        with self.write_lock, self.lock:
            self.floor_ms = max(self.floor_ms, floor_ms)
            self._set_limits()

    def _set_limits(self) -> None:
        self.valid_from_ms = max(self.floor_ms, self.newest_ms - self._appendable_ms)
        self.late_from_ms = self.newest_ms - self._window_ms if self._window_ms else None

    # --- A look at the whole ------------------------------------------------------------------

    def bounds(self) -> tuple[int, int]:
        """First and last in-order time from the floor on; (0, -1) where there is nothing."""
        groups = self.all_groups()
        first, last = 2**62, -1
        for group in groups:
            with self.lock:
                start, end = group.samples.bounds()
            if start <= end and end >= self.floor_ms:
                first, last = min(first, max(start, self.floor_ms)), max(last, end)
        return (first, last) if last >= first else (0, -1)

    def sample_count(self) -> int:
        """About how many samples the head holds: cells of rows, and what is beside the rows."""
        with self.lock:
            return sum(group.samples.sample_count() for group in self.groups.values())

    def page_count(self) -> int:
        """Column pages: one per series and page, as the original counts chunks."""
        with self.lock:
            groups = self.groups.values()
            return sum(page.columns.size for group in groups for page in group.samples.pages)

    def late_count(self) -> int:
        """How many late samples wait in memory, the frozen ones aside."""
        with self.lock:
            return sum(self.groups[number].samples.late_count() for number in self.late_groups)

    def late_ranges(self, range_ms: int, *, frozen_only: bool = False) -> list[int]:
        """The starts of the ranges of that length in which late samples lie, ascending."""
        found: set[int] = set()
        with self.lock:
            for number in self.late_groups:
                samples = self.groups[number].samples
                for held in (samples.late_frozen, {} if frozen_only else samples.late):
                    for column in held.values():
                        times, _ = column.copy(NO_TIME, 2**62)
                        found.update((times // range_ms).tolist())
        return [number * range_ms for number in sorted(found)]

    # --- Maintenance --------------------------------------------------------------------------

    def encode_pages(self) -> int:
        """Compress the pages that appends have filled; how many."""
        with self.lock:
            waiting = [self.groups[number] for number in self.raw_pages]
            self.raw_pages.clear()
        count = 0
        for group in waiting:
            for page in group.samples.raw_pages():
                self._encode(group, page)
                count += 1
        return count

    def _encode(self, group: HeadGroup, page: RawPage) -> None:
        newest = group.samples.newest_shape()
        metrics = self.catalogue.metrics_of(group.series_of(page.columns))
        encoded = page.encode(metrics, self._cache, newest.shape if newest else None)
        with self.lock:
            group.samples.replace_page(page, encoded)

    def seal_idle(self) -> None:
        """Turn the open rows of groups that nobody writes to any more into pages."""
        before_ms = self.newest_ms - IDLE_MS
        for group in self.all_groups():
            if group.samples.has_open_rows and group.newest_ms < before_ms:
                with self.write_lock, self.lock:
                    group.samples.seal()

    def cut_log(self) -> None:
        """Begin a log segment, so that the old ones can be given back."""
        with self.write_lock:
            self.log.wal.cut()

    def drop_before(self, floor_ms: int) -> None:
        """Give back the memory of in-order samples before `floor_ms`."""
        for group in self.all_groups():
            with self.write_lock, self.lock:
                group.samples.drop_before(floor_ms)

    def freeze_late(self) -> int:
        """Set the late samples so far apart; they stay readable.

        The first WAL segment without any of them. Raises DiskFull or StorageError.
        """
        with self.write_lock:
            self.log.wal.cut()
            with self.lock:
                for number in self.late_groups:
                    self.groups[number].samples.freeze_late()
            return self.log.wal.next_segment

    def drop_frozen(self) -> None:
        """The frozen late samples are in blocks."""
        with self.write_lock, self.lock:
            for number in list(self.late_groups):
                samples = self.groups[number].samples
                samples.late_frozen = {}
                if not samples.late:
                    self.late_groups.discard(number)

    def thaw_late(self) -> None:
        """The frozen late samples did not get into blocks: take them back."""
        with self.write_lock, self.lock:
            for number in self.late_groups:
                self.groups[number].samples.thaw_late()

    def collect(self) -> int:
        """Forget series and groups that have been quiet since before the floor; how many series.

        Two calls see a series before it goes, so that one that is about to be written stays.
        Raises DiskFull or StorageError where the log does not take a new segment.
        """
        groups = self.all_groups()
        with self.write_lock:
            unused = {group.number: group.unused(self.floor_ms) for group in groups}
            count = sum(columns.size for columns in unused.values())
            if not count or count * _GARBAGE_SHARE < self.catalogue.column_count:
                return 0
            before = self.catalogue

            def keep(numbers: Ints, columns: Ints) -> Mask:
                kept = np.ones(numbers.size, dtype=np.bool_)
                for number, gone in unused.items():
                    if gone.size:
                        here = np.flatnonzero(numbers == number)
                        kept[here[np.isin(columns[here], gone)]] = False
                return kept

            with self.lock:
                after, renumbered = before.reduced(keep)
            self.log.set_catalogue(after)
            with self.lock:
                self.catalogue = after
                for group in groups:
                    group.drop_columns(unused[group.number])
                    group.renumber(renumbered)
                    if group.is_empty:
                        del self.groups[group.number]
                        del self._by_identity[group.identity]
                        del self._by_timeline[group.timeline]
            removed = _series_count(before) - _series_count(after)
            self.counters.removed += removed
        return removed

    # --- Deleting -----------------------------------------------------------------------------

    def delete(self, series: Ints, start_ms: int, end_ms: int) -> None:
        """Delete what these series have in [start_ms, end_ms], in the log and in memory.

        Raises DiskFull or StorageError.
        """
        with self.lock:
            _, groups, columns = self.catalogue.columns_of(series)
        for number in np.unique(groups).tolist():
            group, here = self.groups[number], np.unique(columns[groups == number])
            with self.write_lock:
                self.log.prepare()
                definitions = self.log.columns(group, here)
                entry = encode_delete(group.number, start_ms, end_ms, here)
                self.log.wal.append(definitions + entry, min(end_ms, group.newest_ms), late=True)
                self.delete_cells(group, here, start_ms, end_ms)

    def delete_cells(self, group: HeadGroup, columns: Ints, start_ms: int, end_ms: int) -> None:
        """The part of `delete` that concerns memory; also what replay does. Under `write_lock`."""
        samples = group.samples
        with self.lock:
            samples.seal()
            pages = samples.view_pages(start_ms, end_ms)
        for page in pages:
            without = self._without(group, page, columns, start_ms, end_ms)
            with self.lock:
                samples.replace_page(page, without)
        with self.lock:
            samples.delete_beside(columns, start_ms, end_ms)

    def _without(
        self, group: HeadGroup, page: Page, columns: Ints, start_ms: int, end_ms: int
    ) -> Page | None:
        """`page` less those cells; None where nothing is left of it."""
        times = page.times()
        low = int(np.searchsorted(times, start_ms, side="left"))
        high = int(np.searchsorted(times, end_ms, side="right"))
        held = page.columns.astype(np.int64)
        hit = np.isin(held, columns)
        if not hit.any() or low == high:
            return page
        cells = page.read(held)
        cells[hit, low:high] = ABSENT_BITS
        used = (cells != np.uint64(ABSENT_BITS)).any(axis=0)
        if not used.any():
            return None
        raw = RawPage(times[used], np.ascontiguousarray(cells[:, used].T), page.slots)
        metrics = self.catalogue.metrics_of(group.series_of(held))
        return raw.encode(metrics, self._cache, None)


def _series_count(catalogue: Catalogue) -> int:
    return catalogue.series_count - catalogue.component_count
