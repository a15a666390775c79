"""The samples of one group in memory: rows, and what lies beside them.

Times in a group: `rows` ascend strictly. A sample that is newer than its series' newest but does
not fit there is *loose*; one that is older, inside the out-of-order window, is *late*. What is
where shows only in speed: readers merge all three by time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from termprom.model.values import ABSENT_BITS, AnyArray, Ints, TimesMs
from termprom.tsdb.admission import NO_TIME
from termprom.tsdb.head_page import EncodedPage, Page, RawPage
from termprom.tsdb.layout import Layout
from termprom.tsdb.loose import NO_END, LooseColumn
from termprom.tsdb.open_rows import OpenRows

ROWS_MAX: Final = 60  # open rows per group, 480 bytes per series; then they are a page

_Beside = dict[int, LooseColumn]  # by column


class GroupSamples:
    """One writer, under the head's lock, which readers hold while they take views.

    `on_page` is called when there is one more page that waits to be encoded. What is put has passed
    admission.
    """

    __slots__ = ("_on_page", "_open", "late", "late_frozen", "loose", "pages", "row_ms")

    def __init__(self, on_page: Callable[[], None]) -> None:
        self._on_page = on_page
        self._open: OpenRows | None = None
        self.row_ms = NO_TIME  # the newest row
        self.pages: tuple[Page, ...] = ()
        self.loose: _Beside = {}
        self.late: _Beside = {}
        self.late_frozen: _Beside = {}  # on its way into a block

    def __repr__(self) -> str:
        beside = f"{len(self.loose)} loose, {len(self.late)} late columns"
        return f"GroupSamples({len(self.pages)} pages, {beside})"

    @property
    def is_empty(self) -> bool:
        return not (self.pages or self._open or self.loose or self.late or self.late_frozen)

    @property
    def has_open_rows(self) -> bool:
        return self._open is not None

    @property
    def open_width(self) -> int | None:
        """How many columns the open rows have; None where there are none."""
        return self._open.width if self._open is not None else None

    @property
    def row_from_ms(self) -> int:
        """The first time of which a row can be put: a sealed row is not filled any more."""
        return self.row_ms if self._open is not None and self._open.count else self.row_ms + 1

    # --- Writing ------------------------------------------------------------------------------

    def put_row(self, layout: Layout, time_ms: int, bits: AnyArray) -> None:
        """A row at or after `row_from_ms`."""
        rows = self._open
        if time_ms == self.row_ms and rows is not None:
            slots = rows.slots(layout.columns)
            absent = np.flatnonzero(rows.newest(slots) == np.uint64(ABSENT_BITS))
            rows.fill(slots[absent], bits[absent])
            return
        if rows is None:
            rows = self._open = layout.begin(ROWS_MAX)
        elif rows.count == rows.rows_max:
            self.seal()
            rows = self._open = layout.begin(ROWS_MAX)
        rows.add(time_ms, layout.slots_in(rows), bits)
        self.row_ms = time_ms

    def put_loose(self, times_ms: TimesMs, columns: Ints, bits: AnyArray) -> None:
        _put(self.loose, times_ms, columns, bits)

    def put_late(self, times_ms: TimesMs, columns: Ints, bits: AnyArray) -> None:
        _put(self.late, times_ms, columns, bits)

    def seal(self) -> None:
        """The open rows become a page."""
        if self._open is not None and self._open.count:
            self.pages = (*self.pages, self._open.seal())
            self._on_page()
        self._open = None

    # --- Reading ------------------------------------------------------------------------------

    def view_pages(self, start_ms: int, end_ms: int) -> list[Page]:
        """The pages with rows in [start_ms, end_ms], oldest first; unchanging from now on."""
        found = [
            page for page in self.pages if page.first_ms <= end_ms and page.last_ms >= start_ms
        ]
        if self._open is not None and self.row_ms >= start_ms:
            rows = self._open.view()
            if rows is not None and rows.first_ms <= end_ms:
                found.append(rows)
        return found

    def cell_at(self, time_ms: int, column: int) -> int | None:
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

    def newest_cells(self, times_ms: TimesMs, columns: Ints) -> AnyArray:
        """The stored bits of samples that are their columns' newest; (N,)."""
        found = np.full(columns.size, ABSENT_BITS, dtype=np.uint64)
        if self._open is not None and self._open.count:
            here = np.flatnonzero(times_ms == self._open.newest_ms)
            if here.size:
                found[here] = self._open.newest(self._open.slots(columns[here]))
        for place in np.flatnonzero(found == np.uint64(ABSENT_BITS)).tolist():
            stored = self.cell_at(int(times_ms[place]), int(columns[place]))
            if stored is not None:
                found[place] = stored
        return found

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

    def late_count(self) -> int:
        """How many late samples there are, the frozen ones aside."""
        return sum(map(len, self.late.values()))

    # --- Maintenance of pages -----------------------------------------------------------------

    def raw_pages(self) -> list[RawPage]:
        return [page for page in self.pages if isinstance(page, RawPage)]

    def replace_page(self, old: Page, new: Page | None) -> None:
        """Swap one sealed page, or drop it."""
        changed = (new if page is old else page for page in self.pages)
        self.pages = tuple(page for page in changed if page is not None)

    def newest_shape(self) -> EncodedPage | None:
        """The newest encoded page, whose shape the next one probably has."""
        for page in reversed(self.pages):
            if isinstance(page, EncodedPage):
                return page
        return None

    def drop_before(self, time_ms: int) -> None:
        """Forget in-order samples before `time_ms`, whole pages at a time."""
        self.pages = tuple(page for page in self.pages if page.last_ms >= time_ms)
        if self._open is not None and self.row_ms < time_ms:
            # Nobody has written for long: the rows are all in blocks.
            self._open = None
        for column, loose in list(self.loose.items()):
            loose.drop_before(time_ms)
            if not len(loose):
                del self.loose[column]

    # --- Maintenance beside the rows ----------------------------------------------------------

    def freeze_late(self) -> None:
        """Set the late samples so far apart; they stay readable."""
        assert not self.late_frozen, "one at a time"
        self.late_frozen, self.late = self.late, {}

    def thaw_late(self) -> None:
        """Take the frozen ones back."""
        for column, newer in self.late.items():
            held = self.late_frozen.setdefault(column, LooseColumn())
            for time_ms, bits in zip(*newer.copy(NO_TIME, NO_END), strict=True):
                held.put(int(time_ms), int(bits))
        self.late, self.late_frozen = self.late_frozen, {}

    def without_late(self, columns: Ints) -> Ints:
        """Those of the columns (ascending) that have no late sample."""
        if not (self.late or self.late_frozen):
            return columns
        busy = [one for one in columns.tolist() if one in self.late or one in self.late_frozen]
        return np.setdiff1d(columns, np.array(busy, dtype=np.int64))

    def delete_beside(self, columns: Ints, start_ms: int, end_ms: int) -> None:
        """Forget what these columns have beside the rows in [start_ms, end_ms]."""
        for held in (self.loose, self.late, self.late_frozen):
            for column in columns.tolist():
                if column in held:
                    times, bits = held[column].copy(NO_TIME, NO_END)
                    wanted = np.flatnonzero((times < start_ms) | (times > end_ms))
                    held[column].keep(wanted, times, bits)
                    if not wanted.size:
                        del held[column]


def _put(held: _Beside, times_ms: TimesMs, columns: Ints, bits: AnyArray) -> None:
    for column, time_ms, cell in zip(
        columns.tolist(), times_ms.tolist(), bits.tolist(), strict=True
    ):
        found = held.get(column)
        if found is None:
            found = held[column] = LooseColumn()
        found.put(time_ms, cell)


def _beside_rows(held: _Beside, time_ms: int, column: int) -> int | None:
    found = held.get(column)
    return found.at(time_ms) if found is not None else None
