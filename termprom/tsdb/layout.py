"""The columns of a row, and what the store remembers of them from one row to the next."""

from __future__ import annotations

from typing import Final

from termprom.model.values import AnyArray, Ints
from termprom.tsdb.open_rows import OpenRows

_CACHED_MAX: Final = 64  # layouts per group; a rule group has one per rule


class Layout:
    """An ordered set of columns of one group, with its own copy of the array."""

    __slots__ = ("_rows", "_slots", "columns", "is_new", "number", "previous", "segment", "span")

    def __init__(self, columns: Ints) -> None:
        self.columns = columns.copy()
        size = columns.size
        # Columns 5, 6, 7, ... are addressed as a slice: ten times faster than by number.
        is_run = int(columns[-1] - columns[0]) == size - 1 and bool(
            (columns[1:] > columns[:-1]).all()
        )
        self.span = slice(int(columns[0]), int(columns[-1]) + 1) if is_run else None
        self.is_new = True  # nobody has looked yet whether its columns are in use
        self.segment = 0  # the WAL segment in which `number` means this layout
        self.number = 0
        self.previous: AnyArray | None = None  # cells of its last row in that segment
        self._rows: OpenRows | None = None
        self._slots: Ints | None = None

    def __repr__(self) -> str:
        return f"Layout({self.columns.size} columns)"

    def slots_in(self, rows: OpenRows) -> Ints | None:
        """Where `rows` keeps these columns; None: in slots 0, 1, 2, ..."""
        if self._rows is not rows:
            self._rows = rows
            self._slots = rows.slots(self.columns)
        return self._slots

    def begin(self, rows_max: int) -> OpenRows:
        """Empty rows whose first slots are these columns."""
        self._rows = OpenRows(rows_max, self.columns)
        self._slots = None
        return self._rows


class Layouts:
    """The layouts of one group, found by the columns that a caller names."""

    __slots__ = ("_by_bytes", "_newest")

    def __init__(self) -> None:
        self._by_bytes: dict[bytes, Layout] = {}
        self._newest: Layout | None = None

    def of(self, columns: Ints) -> Layout:
        """The layout of `columns` (K,), K > 0."""
        newest = self._newest
        if (
            newest is not None
            and newest.columns.size == columns.size
            and (newest.columns == columns).all()
        ):
            return newest
        key = columns.tobytes()
        found = self._by_bytes.get(key)
        if found is None:
            if len(self._by_bytes) >= _CACHED_MAX:
                self._by_bytes.clear()
            found = self._by_bytes[key] = Layout(columns)
        self._newest = found
        return found

    def clear(self) -> None:
        """Forget all; some of their columns are no longer in use."""
        self._by_bytes.clear()
        self._newest = None
