"""The series that one source writes together: what is appended to them goes to log and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from termprom.model.labels import Labels
from termprom.model.metadata import Metadata
from termprom.model.values import ABSENT_BITS, AnyArray, Ints, TimesMs, Values
from termprom.storage import Appended, Exemplar, ExemplarsAppended, HistogramSample
from termprom.tsdb.admission import NO_TIME
from termprom.tsdb.group_admission import Batch, GroupAdmission
from termprom.tsdb.group_columns import GroupColumns
from termprom.tsdb.group_samples import GroupSamples
from termprom.tsdb.identity import group_timeline_hash
from termprom.tsdb.incoming import Incoming, mixed
from termprom.tsdb.layout import Layout
from termprom.tsdb.sample_columns import SampleColumns
from termprom.tsdb.wal_entries import (
    LooseKind,
    encode_exemplars,
    encode_loose,
    encode_metadata,
)

if TYPE_CHECKING:
    from termprom.tsdb.head import Head

_MADE_AT_ONCE: Final = 256


class HeadGroup:
    """Implements storage.Group. Appends on the loop; views on any thread, under the head's lock."""

    def __init__(self, head: Head, number: int, identity: Labels) -> None:
        self._head = head
        self.number = number
        self._identity = identity
        self.timeline = group_timeline_hash(identity)
        self.held = False
        self.newest_ms = NO_TIME  # the newest in-order sample
        self.metadata: Mapping[str, Metadata] = {}
        self.samples = GroupSamples(lambda: head.raw_pages.add(number))
        self._columns = GroupColumns(number)
        self._beside = SampleColumns(self.columns, self._labels_of)
        self._admission = GroupAdmission(self._columns, self.samples, self._beside)

    def __repr__(self) -> str:
        return f"HeadGroup({self._identity}, {self.column_count} columns)"

    @property
    def identity(self) -> Labels:
        return self._identity

    @property
    def column_count(self) -> int:
        return self._columns.count

    def series_of(self, columns: Ints) -> Ints:
        """The series number of each column."""
        return self._columns.series_of(columns)

    def last_times(self) -> Ints:
        """The newest in-order sample of each column, NO_TIME where there is none."""
        return self._columns.last_ms()

    # --- Writing ------------------------------------------------------------------------------

    def columns(self, labels: Sequence[Labels]) -> Ints:
        head = self._head
        parts = []
        # Readers wait while series are made, so not too many at once.
        for start in range(0, len(labels), _MADE_AT_ONCE):
            with head.lock:
                series = head.catalogue.intern_all(labels[start : start + _MADE_AT_ONCE])
                parts.append(self._columns.of(series, head.catalogue))
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def columns_of(self, series: Sequence[int]) -> Ints:
        """The columns of series by their numbers, new ones if need be."""
        with self._head.lock:
            return self._columns.of(series, self._head.catalogue)

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
                layout = self._columns.live_layout(columns)
                unborn = self._columns.unborn_count
                created = self._columns.unborn_among(columns) if unborn else 0
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
            decided = self._admission.decide(
                incoming,
                valid_from_ms=self._head.valid_from_ms,
                late_from_ms=self._head.late_from_ms,
            )
            self._commit(decided.batch)
            return decided.appended
        layout = self._columns.live_layout(incoming.columns)
        created = self._columns.unborn_among(incoming.series)
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
            decided = self._admission.decide_sorted(
                incoming,
                valid_from_ms=self._head.valid_from_ms,
                late_from_ms=self._head.late_from_ms,
            )
            self._commit(decided.batch)
            self._head.counters.add(decided.appended)
        return decided.appended

    def append_exemplars(self, exemplars: Sequence[tuple[int, Exemplar]]) -> ExemplarsAppended:
        if not exemplars:
            return ExemplarsAppended()
        head = self._head
        with head.write_lock:
            columns = np.array([column for column, _ in exemplars], dtype=np.int64)
            self._columns.check_alive(columns)
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
        return self.samples.without_late(self._columns.unused(floor_ms))

    def drop_columns(self, columns: Ints) -> None:
        """Give columns back; under both locks."""
        if columns.size:
            self._columns.drop(columns)
            for column in columns.tolist():
                self._beside.forget(column)

    def renumber(self, numbers: Ints) -> None:
        """The series have new numbers, (S,) by their old ones; under both locks."""
        self._columns.renumber(numbers)

    @property
    def is_empty(self) -> bool:
        """Whether nobody holds it and nothing is left of it."""
        return not self.held and self.samples.is_empty and self._columns.is_all_dropped

    def _incoming(
        self,
        times: TimesMs,
        columns: Ints,
        bits: AnyArray,
        starts_ms: Ints | None,
        histograms: Sequence[tuple[int, HistogramSample]],
    ) -> Incoming:
        self._columns.check_alive(columns)
        if not histograms and starts_ms is None and not self._beside:
            return Incoming.plain(times, columns, bits)
        if histograms:
            self._columns.check_alive(
                np.array([one.column for _, one in histograms], dtype=np.int64)
            )
        last_ms = self._columns.last_ms
        return mixed(self._beside, last_ms, times, columns, bits, starts_ms, histograms)

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
                self._columns.reach(*beside)

    def _commit(self, batch: Batch) -> None:
        if batch.is_empty:
            return
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
                self._columns.reach(*batch.beside)

    def restore_row(self, layout: Layout, time_ms: int, bits: AnyArray) -> None:
        """A row from the log, whose samples have passed admission."""
        held = np.flatnonzero(bits != np.uint64(ABSENT_BITS))
        if time_ms < self.samples.row_from_ms:
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
        return self._columns.layout(columns)

    def adopt(self, columns: Ints) -> None:
        """Columns that replay has met; components among them are known from now on."""
        catalogue = self._head.catalogue
        for column in columns[catalogue.are_components(self.series_of(columns))].tolist():
            self._beside.adopt(self._labels_of(column), column)

    def settle(self) -> None:
        """After replay: series stand where their components stand."""
        if self._beside:
            last_ms = self._columns.last_ms()
            columns, series = self._beside.settle(last_ms)
            written = np.flatnonzero(last_ms[columns] != NO_TIME)
            self._columns.reach(last_ms[columns[written]], series[written])

    def _labels_of(self, column: int) -> Labels:
        return self._head.catalogue.labels(self._columns.series(column))

    def _put_row(self, layout: Layout, time_ms: int, bits: AnyArray) -> None:
        is_newest = time_ms >= self.newest_ms
        self.samples.put_row(layout, time_ms, bits)
        self._columns.reach_row(layout, time_ms, is_newest=is_newest)
        if is_newest:
            self._advance(time_ms)

    def _put_loose(self, times: TimesMs, columns: Ints, bits: AnyArray) -> None:
        self.samples.put_loose(times, columns, bits)
        self._columns.reach(times, columns)
        self._advance(int(times.max()))

    def _put_late(self, times: TimesMs, columns: Ints, bits: AnyArray) -> None:
        # A series whose first sample is late has no in-order sample yet: it stays unborn.
        self.samples.put_late(times, columns, bits)
        self._head.late_groups.add(self.number)

    def _advance(self, time_ms: int) -> None:
        if time_ms > self.newest_ms:
            self.newest_ms = time_ms
            self._head.advance(time_ms)
