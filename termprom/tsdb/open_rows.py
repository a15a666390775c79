"""The rows of a group that are still being written."""

from __future__ import annotations

import numpy as np

from termprom.model.values import ABSENT_BITS, AnyArray, Ints
from termprom.tsdb.growable import Growable
from termprom.tsdb.head_page import RawPage, Slots


class OpenRows:
    """At most `rows_max` rows of cells. One writer, under the head's lock.

    Readers get views of the rows so far. A row is written once; only the newest may later be filled
    where it is absent, and then on a copy if a reader has seen it. Each column has a slot, given
    out in the order in which columns first appear here.
    """

    __slots__ = (
        "_bits",
        "_columns",
        "_seen",
        "_slot_of",
        "_slots",
        "_times",
        "count",
        "rows_max",
    )

    def __init__(self, rows_max: int, columns: AnyArray) -> None:
        """Slots 0, 1, ... are those of `columns` (K,)."""
        self.rows_max = rows_max
        self.count = 0
        self._seen = 0  # rows that a reader holds views of
        self._columns = Growable("<i4", columns.size + (columns.size >> 3) + 1)
        self._columns.extend(columns)
        self._slot_of: dict[int, int] | None = None
        self._slots: Slots | None = None
        self._times = np.empty(rows_max, dtype=np.int64)
        self._bits = np.empty((rows_max, columns.size), dtype=np.uint64)

    @property
    def width(self) -> int:
        return self._columns.size

    @property
    def newest_ms(self) -> int:
        return int(self._times[self.count - 1])

    def slots(self, columns: Ints) -> Ints:
        """The slots of `columns`; new ones are absent in earlier rows."""
        if self._slot_of is None:
            held = self._columns.view().tolist()
            self._slot_of = dict(zip(held, range(len(held)), strict=True))
        slot_of = self._slot_of
        wanted = columns.tolist()
        new = [column for column in wanted if column not in slot_of]
        if new:
            before = self.width
            slot_of.update(zip(new, range(before, before + len(new)), strict=True))
            self._columns.extend(np.array(new, dtype=np.int32))
            self._slots = None
            self._widen(before)
        return np.array([slot_of[column] for column in wanted], dtype=np.int64)

    def add(self, time_ms: int, slots: Ints | None, bits: AnyArray) -> None:
        """One more row; `slots` None says that they are 0, 1, 2, ..."""
        row = self._bits[self.count]
        width = self._columns.size
        if slots is None:
            row[: bits.size] = bits
            if bits.size < width:
                row[bits.size : width] = ABSENT_BITS
        else:
            row[:width] = ABSENT_BITS
            row[slots] = bits
        self._times[self.count] = time_ms
        self.count += 1

    def fill(self, slots: Ints, bits: AnyArray) -> None:
        """Put samples into absent cells of the newest row."""
        if self._seen == self.count:
            self._bits = self._bits.copy()
            self._seen = 0
        self._bits[self.count - 1, slots] = bits

    def newest(self, slots: Ints) -> AnyArray:
        """The cells of the newest row."""
        cells: AnyArray = self._bits[self.count - 1, slots]
        return cells

    def view(self) -> RawPage | None:
        """The rows so far, unchanging from now on; None where there are none."""
        if self.count == 0:
            return None
        self._seen = self.count
        if self._slots is None:
            self._slots = Slots(self._columns.view())
        return RawPage(
            self._times[: self.count], self._bits[: self.count, : self.width], self._slots
        )

    def seal(self) -> RawPage:
        """The rows as a page of its own; this object must not be written any more."""
        page = self.view()
        assert page is not None
        if self.count * self.width * 2 < self._bits.size:
            # Few rows: do not keep the empty room alive.
            bits = self._bits[: self.count, : self.width].copy()
            page = RawPage(page.times().copy(), bits, Slots(page.columns))
        return page

    def size_bytes(self) -> int:
        return int(self._bits.nbytes)

    def _widen(self, before: int) -> None:
        width = self.width
        if width > self._bits.shape[1]:
            room = width + (width >> 2)
            bits = np.empty((self.rows_max, room), dtype=np.uint64)
            bits[: self.count, :before] = self._bits[: self.count, :before]
            self._bits = bits
            self._seen = 0
        # New slots are outside of every view that a reader holds.
        self._bits[: self.count, before:width] = ABSENT_BITS
