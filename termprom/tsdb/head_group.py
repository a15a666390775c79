"""The series that one source writes together: their rows, and the samples beside the rows.

Times in a group: `rows` ascend strictly. A sample that is newer than its series' newest but does
not fit there is *loose*; one that is older, inside the out-of-order window, is *late*. What is
where shows only in speed: readers merge all three by time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from termprom.errors import ColumnsDropped
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata
from termprom.model.values import ABSENT_BITS, AnyArray, Ints, Mask, TimesMs, Values
from termprom.storage import Appended, Exemplar, ExemplarsAppended, HistogramSample
from termprom.tsdb.admission import NO_TIME, Verdict, admit
from termprom.tsdb.growable import Growable
from termprom.tsdb.head_page import EncodedPage, Page, RawPage
from termprom.tsdb.identity import group_timeline_hash
from termprom.tsdb.incoming import Incoming, mixed
from termprom.tsdb.layout import Layout, Layouts
from termprom.tsdb.loose import LooseColumn
from termprom.tsdb.open_rows import OpenRows
from termprom.tsdb.sample_columns import SampleColumns
from termprom.tsdb.wal_entries import (
    LooseKind,
    encode_exemplars,
    encode_loose,
    encode_metadata,
)

if TYPE_CHECKING:
    from termprom.tsdb.head import Head

ROWS_MAX: Final = 60  # open rows per group, 480 bytes per series; then they are a page
# A timestamp that fewer columns share is not worth a row across all of them.
_ROW_SHARE: Final = 4
_MADE_AT_ONCE: Final = 256


@dataclass(slots=True)
class Batch:
    """Samples that passed admission, on their way to log and memory.

    Shapes: rows: (layout, time, bits (K,)); loose, late: times, columns, bits (N,) each or None;
            beside: times and columns (B,) of series whose samples are in other columns.
    """

    rows: list[tuple[Layout, int, AnyArray]]
    loose: tuple[TimesMs, Ints, AnyArray] | None = None
    late: tuple[TimesMs, Ints, AnyArray] | None = None
    beside: tuple[TimesMs, Ints] | None = None


class HeadGroup:
    """Implements storage.Group. Appends on the loop; views on any thread, under the head's lock."""

    def __init__(self, head: Head, number: int, identity: Labels) -> None:
        self._head = head
        self.number = number
        self._identity = identity
        self.timeline = group_timeline_hash(identity)
        self.held = False
        self._column_of: dict[int, int] = {}
        self._series = Growable("<i4", 4)
        self._last_ms = Growable("<i8", 4)
        self._unborn = 0  # columns without any sample so far
        self._dropped_count = 0
        self._old_count = 0  # columns that `unused` has seen before
        self._beside = SampleColumns(self.columns, self._labels_of)
        self._layouts = Layouts()
        self.metadata: Mapping[str, Metadata] = {}
        self._open: OpenRows | None = None
        self._row_ms = NO_TIME  # the newest row
        self.newest_ms = NO_TIME  # the newest in-order sample
        self.pages: tuple[Page, ...] = ()
        self.loose: dict[int, LooseColumn] = {}
        self.late: dict[int, LooseColumn] = {}
        self.late_frozen: dict[int, LooseColumn] = {}  # on its way into a block

    def __repr__(self) -> str:
        return f"HeadGroup({self._identity}, {self.column_count} columns)"

    @property
    def identity(self) -> Labels:
        return self._identity

    @property
    def column_count(self) -> int:
        return self._series.size

    def series_of(self, columns: Ints) -> Ints:
        """The series number of each column."""
        series: Ints = self._series.view()[columns].astype(np.int64)
        return series

    @property
    def has_open_rows(self) -> bool:
        return self._open is not None

    # --- Writing ------------------------------------------------------------------------------

    def columns(self, labels: Sequence[Labels]) -> Ints:
        head = self._head
        parts = []
        # Readers wait while series are made, so not too many at once.
        for start in range(0, len(labels), _MADE_AT_ONCE):
            with head.lock:
                series = head.catalogue.intern_all(labels[start : start + _MADE_AT_ONCE])
                parts.append(self._columns_of(series))
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def columns_of(self, series: Sequence[int]) -> Ints:
        """The columns of series by their numbers, new ones if need be."""
        with self._head.lock:
            return self._columns_of(series)

    def _columns_of(self, series: Sequence[int]) -> Ints:
        known, first = self._column_of, self._series.size
        new = [one for one in dict.fromkeys(series) if one not in known]
        if new:
            known.update(zip(new, range(first, first + len(new)), strict=True))
            numbers = np.array(new, dtype=np.int64)
            self._series.extend(numbers)
            self._last_ms.extend(np.full(numbers.size, NO_TIME, dtype=np.int64))
            columns = np.arange(first, first + numbers.size)
            self._head.catalogue.add_columns(numbers, self.number, columns)
            self._unborn += numbers.size
        return np.array([known[one] for one in series], dtype=np.int64)

    def append(
        self,
        time_ms: int,
        columns: Ints,
        values: Values,
        *,
        histograms: Sequence[HistogramSample] = (),
        starts_ms: Ints | None = None,
    ) -> Appended:
        assert columns.size == values.size
        head = self._head
        bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
        with head.write_lock:
            is_newest = time_ms > self.newest_ms and time_ms >= head.valid_from_ms
            if not (is_newest and not histograms and starts_ms is None and not self._beside):
                times = np.full(columns.size, time_ms, dtype=np.int64)
                pairs = [(time_ms, one) for one in histograms]
                incoming = self._incoming(times, columns, bits, starts_ms, pairs)
                appended = self._append_row(time_ms, incoming, is_newest=is_newest)
            elif columns.size:
                layout = self._layout_of(columns)
                created = self._count_unborn(columns) if self._unborn else 0
                self._commit_row(layout, time_ms, bits)
                appended = Appended(columns.size, created=created)
            else:
                appended = Appended()
            head.counters.add(appended)
        return appended

    def _append_row(self, time_ms: int, incoming: Incoming, *, is_newest: bool) -> Appended:
        """A row that is not floats alone, or not newer than all others."""
        if not incoming.count:
            return Appended()
        if not is_newest:
            return self._append_checked(incoming)[0]
        layout = self._layout_of(incoming.columns)
        created = self._count_unborn(incoming.series) if self._unborn else 0
        self._commit_row(layout, time_ms, incoming.bits, incoming.beside())
        return Appended(incoming.count, created=created)

    def append_loose(
        self,
        times_ms: TimesMs,
        columns: Ints,
        values: Values,
        *,
        histograms: Sequence[tuple[int, HistogramSample]] = (),
        starts_ms: Ints | None = None,
    ) -> Appended:
        assert columns.size == values.size == times_ms.size
        if not columns.size and not histograms:
            return Appended()
        bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
        with self._head.write_lock:
            incoming = self._incoming(
                times_ms, columns.astype(np.int64), bits, starts_ms, histograms
            )
            incoming = incoming.only(np.lexsort((incoming.times_ms, incoming.series)))
            appended = self._append_sorted(incoming)
            self._head.counters.add(appended)
        return appended

    def _append_sorted(self, incoming: Incoming) -> Appended:
        """Samples by series, then time; of equal ones the first decides."""
        times, series = incoming.times_ms, incoming.series
        again = np.zeros(times.size, dtype=np.bool_)
        again[1:] = (times[1:] == times[:-1]) & (series[1:] == series[:-1])
        if not again.any():
            return self._append_checked(incoming)[0]
        # The rest are the same again or duplicates.
        once = ~again
        firsts = np.flatnonzero(once)
        appended, verdicts = self._append_checked(incoming.only(firsts))
        first = np.cumsum(once)[again] - 1
        repeated = incoming.only(np.flatnonzero(again))
        if incoming.is_plain:
            same = repeated.bits == incoming.bits[firsts][first]
        else:
            pairs = zip(np.flatnonzero(again).tolist(), firsts[first].tolist(), strict=True)
            same = np.array([incoming.equal(*pair) for pair in pairs], dtype=np.bool_)
        # Where the first was refused for another value, that value decides on the rest.
        stored = verdicts[first] == Verdict.SAME_TIME
        if stored.any():
            rest = repeated.only(np.flatnonzero(stored))
            same[stored] = self._is_held(rest)
        return _with_repeated(appended, verdicts[first], same)

    def append_exemplars(self, exemplars: Sequence[tuple[int, Exemplar]]) -> ExemplarsAppended:
        if not exemplars:
            return ExemplarsAppended()
        head = self._head
        with head.write_lock:
            columns = np.array([column for column, _ in exemplars], dtype=np.int64)
            self._check_alive(columns)
            digests = [head.catalogue.digest(one) for one in self.series_of(columns).tolist()]
            taken, appended = head.exemplars.admit(
                [(digest, one) for digest, (_, one) in zip(digests, exemplars, strict=True)]
            )
            if taken:
                head.log.prepare()
                kept = [exemplars[number] for number in taken]
                definitions = head.log.columns(self, columns[taken])
                entry = encode_exemplars(self.number, kept)
                latest_ms = min(max(one.time_ms for _, one in kept), head.newest_ms)
                head.log.wal.append(definitions + entry, latest_ms)
                for number, (column, one) in zip(taken, kept, strict=True):
                    head.exemplars.put(digests[number], one, partial(self._labels_of, column))
        return appended

    def set_metadata(self, metadata: Mapping[str, Metadata]) -> None:
        head = self._head
        with head.write_lock:
            news = {
                metric: one for metric, one in metadata.items() if self.metadata.get(metric) != one
            }
            if not news:
                return
            head.log.prepare()
            definitions = head.log.columns(self, np.zeros(0, dtype=np.int64))
            entry = encode_metadata(self.number, news)
            head.log.wal.append(definitions + entry, NO_TIME)
            # A new dict: other threads look at the old one.
            self.metadata = {**self.metadata, **news}

    def release(self) -> None:
        self.held = False

    # --- Giving back --------------------------------------------------------------------------

    def unused(self, floor_ms: int) -> Ints:
        """Columns without a sample since `floor_ms` that are older than the last call."""
        old, self._old_count = self._old_count, self.column_count
        unused: Mask = self._last_ms.view()[:old] < floor_ms
        unused &= self._series.view()[:old] >= 0
        found = np.flatnonzero(unused)
        if self.late or self.late_frozen:
            busy = [one for one in found.tolist() if one in self.late or one in self.late_frozen]
            found = np.setdiff1d(found, np.array(busy, dtype=np.int64))
        return found

    def drop_columns(self, columns: Ints) -> None:
        """Give columns back; under both locks."""
        if not columns.size:
            return
        self._unborn -= self._count_unborn(columns)
        for column, series in zip(columns.tolist(), self.series_of(columns).tolist(), strict=True):
            del self._column_of[series]
            self._beside.forget(column)
        self._series.view()[columns] = -1
        self._dropped_count += columns.size
        self._layouts.clear()

    def renumber(self, numbers: Ints) -> None:
        """The series have new numbers, (S,) by their old ones; under both locks."""
        series = self._series.view()
        used = np.flatnonzero(series >= 0)
        series[used] = numbers[series[used]]
        self._column_of = dict(zip(series[used].tolist(), used.tolist(), strict=True))

    @property
    def is_empty(self) -> bool:
        """Whether nobody holds it and nothing is left of it."""
        left = self.pages or self._open or self.loose or self.late or self.late_frozen
        return not self.held and not left and self._dropped_count == self.column_count

    def _count_unborn(self, columns: Ints) -> int:
        return int(np.count_nonzero(self._last_ms.view()[columns] == NO_TIME))

    def _incoming(
        self,
        times: TimesMs,
        columns: Ints,
        bits: AnyArray,
        starts_ms: Ints | None,
        histograms: Sequence[tuple[int, HistogramSample]],
    ) -> Incoming:
        self._check_alive(columns)
        if not histograms and starts_ms is None and not self._beside:
            return Incoming.plain(times, columns, bits)
        if histograms:
            self._check_alive(np.array([one.column for _, one in histograms], dtype=np.int64))
        last_ms = self._last_ms.view
        return mixed(self._beside, last_ms, times, columns, bits, starts_ms, histograms)

    def _append_checked(self, incoming: Incoming) -> tuple[Appended, AnyArray]:
        """Any samples (N,), each series at most once per time; a series' times ascend.

        What became of them, and the verdict on each.
        """
        head, series = self._head, incoming.series
        verdicts = admit(
            incoming.times_ms,
            self._last_ms.view()[series],
            valid_from_ms=head.valid_from_ms,
            late_from_ms=head.late_from_ms,
        )
        in_order: Mask = verdicts == Verdict.IN_ORDER
        late: Mask = verdicts == Verdict.LATE
        created = 0
        if self._unborn:
            created = self._count_unborn(np.unique(series[in_order | late]))
        same = np.flatnonzero(verdicts == Verdict.SAME_TIME)
        duplicates = 0
        if same.size:
            duplicates = int(np.count_nonzero(~self._is_held(incoming.only(same))))
        batch = Batch([])
        if in_order.any():
            self._shape(batch, *incoming.cells_of(in_order))
            batch.beside = incoming.only(np.flatnonzero(in_order)).beside()
        fresh = self._without_present(incoming, late) if self._beside else late
        if fresh.any():
            batch.late = incoming.cells_of(fresh)
        if in_order.any() or fresh.any():
            self._commit(batch)
        appended = Appended(
            int(np.count_nonzero(in_order | late)) + same.size - duplicates,
            duplicates,
            int(np.count_nonzero(verdicts == Verdict.OUT_OF_ORDER)),
            int(np.count_nonzero(verdicts == Verdict.TOO_OLD)),
            created,
        )
        return appended, verdicts

    def _without_present(self, incoming: Incoming, late: Mask) -> Mask:
        """`late` less the samples at whose time their series has one of any kind.

        For plain floats the first of two counts when they are read; the cells of two histograms
        would be mixed.
        """
        fresh = late.copy()
        for place in np.flatnonzero(late).tolist():
            time_ms, series = int(incoming.times_ms[place]), int(incoming.series[place])
            fresh[place] = all(
                self._cell_at(time_ms, column) is None for column in self._beside.places_of(series)
            )
        return fresh

    def _is_held(self, incoming: Incoming) -> Mask:
        """Which of samples that are their series' newest are stored with these very bits."""
        held = self._newest_cells(incoming.times_ms[incoming.owners], incoming.columns)
        return incoming.all_of(held == incoming.bits)

    def _newest_cells(self, times: TimesMs, columns: Ints) -> AnyArray:
        """The stored bits of samples that are their columns' newest; (N,)."""
        found = np.full(columns.size, ABSENT_BITS, dtype=np.uint64)
        if self._open is not None and self._open.count:
            here = np.flatnonzero(times == self._open.newest_ms)
            if here.size:
                found[here] = self._open.newest(self._open.slots(columns[here]))
        for place in np.flatnonzero(found == np.uint64(ABSENT_BITS)).tolist():
            stored = self._cell_at(int(times[place]), int(columns[place]))
            if stored is not None:
                found[place] = stored
        return found

    def _cell_at(self, time_ms: int, column: int) -> int | None:
        """The stored bits, the first of several; None where there is no sample."""
        stored = _beside_rows(self.loose, time_ms, column)
        wanted = np.array([column], dtype=np.int64)
        for page in self.view_pages(time_ms, time_ms):
            row = int(np.searchsorted(page.times(), time_ms))
            if stored is None and row < page.row_count and int(page.times()[row]) == time_ms:
                bits = int(page.read(wanted, row, row + 1)[0, 0])
                stored = bits if bits != ABSENT_BITS else None
        for late in (self.late_frozen, self.late):
            stored = _beside_rows(late, time_ms, column) if stored is None else stored
        return stored

    def _shape(self, batch: Batch, times: TimesMs, columns: Ints, bits: AnyArray) -> None:
        """Make rows of in-order samples that share a time; the rest is loose."""
        distinct, place, counts = np.unique(times, return_inverse=True, return_counts=True)
        width = self._open.width if self._open is not None else self._series.size
        is_row = (distinct >= self._row_ms) & (counts * _ROW_SHARE >= width)
        if self._open is None or not self._open.count:
            is_row &= distinct > self._row_ms  # a sealed row is not filled any more
        for number in np.flatnonzero(is_row).tolist():
            here = np.flatnonzero(place == number)
            layout = self._layout_of(columns[here])
            batch.rows.append((layout, int(distinct[number]), bits[here]))
        rest = ~is_row[place]
        if rest.any():
            batch.loose = times[rest], columns[rest], bits[rest]

    # --- Committing: log first, then memory ---------------------------------------------------

    def _commit_row(
        self,
        layout: Layout,
        time_ms: int,
        bits: AnyArray,
        beside: tuple[TimesMs, Ints] | None = None,
    ) -> None:
        head = self._head
        head.log.prepare()
        head.log.wal.append(head.log.row(self, layout, time_ms, bits), time_ms)
        with head.lock:
            self._put_row(layout, time_ms, bits)
            if beside is not None:
                self._pass(*beside)

    def _commit(self, batch: Batch) -> None:
        head = self._head
        head.log.prepare()
        parts = [head.log.row(self, *row) for row in batch.rows]
        latest_ms = max((time_ms for _, time_ms, _ in batch.rows), default=NO_TIME)
        for kind, samples in (
            (LooseKind.IN_ORDER, batch.loose),
            (LooseKind.OUT_OF_ORDER, batch.late),
        ):
            if samples is not None:
                times, columns, bits = samples
                parts.append(head.log.columns(self, columns))
                values = bits.view(np.float64)
                parts.append(encode_loose(self.number, kind, times, columns, values))
                if kind is LooseKind.IN_ORDER:
                    latest_ms = max(latest_ms, int(times.max()))
        head.log.wal.append(b"".join(parts), latest_ms, late=batch.late is not None)
        with head.lock:
            for layout, time_ms, row in batch.rows:
                self._put_row(layout, time_ms, row)
            if batch.loose is not None:
                self._put_loose(*batch.loose)
            if batch.late is not None:
                self._put_late(*batch.late)
            if batch.beside is not None:
                self._pass(*batch.beside)

    def _pass(self, times: TimesMs, columns: Ints) -> None:
        """Series whose newest samples are in other columns have come as far as those."""
        if not columns.size:
            return
        if self._unborn:
            self._unborn -= self._count_unborn(np.unique(columns))
        np.maximum.at(self._last_ms.view(), columns, times)

    def restore_row(self, layout: Layout, time_ms: int, bits: AnyArray) -> None:
        """A row from the log, whose samples have passed admission."""
        held = np.flatnonzero(bits != np.uint64(ABSENT_BITS))
        if time_ms < self._row_ms or (time_ms == self._row_ms and self._open is None):
            times = np.full(held.size, time_ms, dtype=np.int64)
            self._put_loose(times, layout.columns[held], bits[held])
            return
        self._put_row(layout, time_ms, bits)

    def restore_loose(self, kind: LooseKind, times: TimesMs, columns: Ints, bits: AnyArray) -> None:
        """Loose or late samples from the log."""
        if kind is LooseKind.IN_ORDER:
            self._put_loose(times, columns, bits)
        else:
            self._put_late(times, columns, bits)

    def layout(self, columns: Ints) -> Layout:
        return self._layouts.of(columns)

    def _layout_of(self, columns: Ints) -> Layout:
        """Raises ColumnsDropped. Layouts of dropped columns are not kept: a known one is sound."""
        layout = self._layouts.of(columns)
        if layout.is_new:
            self._check_alive(columns)
            layout.is_new = False
        return layout

    def adopt(self, columns: Ints) -> None:
        """Columns that replay has met; components among them are known from now on."""
        catalogue = self._head.catalogue
        for column in columns[catalogue.are_components(self.series_of(columns))].tolist():
            self._beside.adopt(self._labels_of(column), column)

    def settle(self) -> None:
        """After replay: series stand where their components stand."""
        if self._beside:
            last_ms = self._last_ms.view()
            columns, series = self._beside.settle(last_ms)
            written = np.flatnonzero(last_ms[columns] != NO_TIME)
            self._pass(last_ms[columns[written]], series[written])

    def _labels_of(self, column: int) -> Labels:
        return self._head.catalogue.labels(int(self._series.view()[column]))

    def _check_alive(self, columns: Ints) -> None:
        """Raises ColumnsDropped."""
        if self._dropped_count and columns.size:
            gone = int(np.count_nonzero(self._series.view()[columns] < 0))
            if gone:
                raise ColumnsDropped(gone)

    def _put_row(self, layout: Layout, time_ms: int, bits: AnyArray) -> None:
        rows = self._open
        if time_ms == self._row_ms and rows is not None:
            slots = rows.slots(layout.columns)
            absent = np.flatnonzero(rows.newest(slots) == np.uint64(ABSENT_BITS))
            rows.fill(slots[absent], bits[absent])
        else:
            if rows is None:
                rows = self._open = layout.begin(ROWS_MAX)
            elif rows.count == rows.rows_max:
                self.seal()
                rows = self._open = layout.begin(ROWS_MAX)
            rows.add(time_ms, layout.slots_in(rows), bits)
            self._row_ms = time_ms
        span = layout.span
        if self._unborn:
            self._unborn -= self._count_unborn(layout.columns)
        if span is not None and time_ms >= self.newest_ms:
            self._last_ms.view()[span] = time_ms
        else:
            last = self._last_ms.view()
            last[layout.columns] = np.maximum(last[layout.columns], time_ms)
        self._advance(time_ms)

    def _put_loose(self, times: TimesMs, columns: Ints, bits: AnyArray) -> None:
        if self._unborn:
            self._unborn -= self._count_unborn(np.unique(columns))
        for column, time_ms, cell in zip(
            columns.tolist(), times.tolist(), bits.tolist(), strict=True
        ):
            held = self.loose.get(column)
            if held is None:
                held = self.loose[column] = LooseColumn()
            held.put(time_ms, cell)
        np.maximum.at(self._last_ms.view(), columns, times)
        self._advance(int(times.max()))

    def _put_late(self, times: TimesMs, columns: Ints, bits: AnyArray) -> None:
        # A series whose first sample is late has no in-order sample yet: it stays unborn.
        for column, time_ms, cell in zip(
            columns.tolist(), times.tolist(), bits.tolist(), strict=True
        ):
            held = self.late.get(column)
            if held is None:
                held = self.late[column] = LooseColumn()
            held.put(time_ms, cell)
        self._head.late_groups.add(self.number)

    def _advance(self, time_ms: int) -> None:
        if time_ms > self.newest_ms:
            self.newest_ms = time_ms
            self._head.advance(time_ms)

    def seal(self) -> None:
        """The open rows become a page; under the head's lock."""
        if self._open is not None and self._open.count:
            self.pages = (*self.pages, self._open.seal())
            self._head.raw_pages.add(self.number)
        self._open = None

    # --- Reading: under the head's lock -------------------------------------------------------

    def view_pages(self, start_ms: int, end_ms: int) -> list[Page]:
        """The pages with rows in [start_ms, end_ms], oldest first; unchanging from now on."""
        found = [
            page for page in self.pages if page.first_ms <= end_ms and page.last_ms >= start_ms
        ]
        if self._open is not None and self._row_ms >= start_ms:
            rows = self._open.view()
            if rows is not None and rows.first_ms <= end_ms:
                found.append(rows)
        return found

    def last_times(self) -> Ints:
        """The newest in-order sample of each column, NO_TIME where there is none."""
        return self._last_ms.view()

    def bounds(self) -> tuple[int, int]:
        """First and last in-order time; (0, -1) where there is nothing."""
        firsts, lasts = [], []
        pages: list[Page] = [*self.pages]
        if self._open is not None and (rows := self._open.view()) is not None:
            pages.append(rows)
        if pages:
            firsts.append(pages[0].first_ms)
            lasts.append(pages[-1].last_ms)
        for column in self.loose.values():
            if len(column):
                first, last = column.bounds()
                firsts.append(first)
                lasts.append(last)
        return (min(firsts), max(lasts)) if firsts else (0, -1)

    def sample_count(self) -> int:
        """Cells of rows, absent ones included, and samples beside the rows."""
        count = sum(page.row_count * page.columns.size for page in self.pages)
        if self._open is not None:
            count += self._open.count * self._open.width
        for beside in (self.loose, self.late, self.late_frozen):
            count += sum(map(len, beside.values()))
        return count

    # --- Maintenance --------------------------------------------------------------------------

    def raw_pages(self) -> list[RawPage]:
        return [page for page in self.pages if isinstance(page, RawPage)]

    def replace_page(self, old: Page, new: Page | None) -> None:
        """Swap one sealed page, or drop it; under the head's lock."""
        changed = (new if page is old else page for page in self.pages)
        self.pages = tuple(page for page in changed if page is not None)

    def newest_shape(self) -> EncodedPage | None:
        """The newest encoded page, whose shape the next one probably has."""
        for page in reversed(self.pages):
            if isinstance(page, EncodedPage):
                return page
        return None

    def drop_before(self, time_ms: int) -> None:
        """Forget in-order samples before `time_ms`, whole pages at a time; under both locks."""
        self.pages = tuple(page for page in self.pages if page.last_ms >= time_ms)
        if self._open is not None and self._row_ms < time_ms:
            # Nobody has written for long: the rows are all in blocks.
            self._open = None
        for column, loose in list(self.loose.items()):
            loose.drop_before(time_ms)
            if not len(loose):
                del self.loose[column]


def _beside_rows(held: dict[int, LooseColumn], time_ms: int, column: int) -> int | None:
    found = held.get(column)
    return found.at(time_ms) if found is not None else None


def _with_repeated(appended: Appended, verdicts: AnyArray, same: Mask) -> Appended:
    """`appended` and samples that repeat a time of the same call.

    Shapes: verdicts (R,) on the sample that came first; same (R,) whether the value is its value.
    """
    counts = {
        verdict: int(np.count_nonzero(verdicts == verdict))
        for verdict in (Verdict.OUT_OF_ORDER, Verdict.TOO_OLD, Verdict.LATE)
    }
    is_newest = (verdicts == Verdict.IN_ORDER) | (verdicts == Verdict.SAME_TIME)
    kept = int(np.count_nonzero(is_newest & same))
    return Appended(
        appended.stored + kept + counts[Verdict.LATE],
        appended.duplicates + int(np.count_nonzero(is_newest & ~same)),
        appended.out_of_order + counts[Verdict.OUT_OF_ORDER],
        appended.too_old + counts[Verdict.TOO_OLD],
        appended.created,
    )
