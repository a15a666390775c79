"""The columns of a group: which series each one is, and how far it has come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from termprom.errors import ColumnsDropped
from termprom.model.values import Ints, Mask, TimesMs
from termprom.tsdb.admission import NO_TIME
from termprom.tsdb.catalogue import Catalogue
from termprom.tsdb.growable import Growable
from termprom.tsdb.layout import Layout, Layouts


class GroupColumns:
    """Columns are numbered from 0 and never used again. Changed under the head's write lock.

    A column is *unborn* until it has a sample in order, and dropped once its series is forgotten.
    """

    __slots__ = (
        "_column_of",
        "_dropped_count",
        "_group",
        "_last_ms",
        "_layouts",
        "_old_count",
        "_series",
        "unborn_count",
    )

    def __init__(self, group: int) -> None:
        self._group = group
        self._column_of: dict[int, int] = {}
        self._series = Growable("<i4", 4)
        self._last_ms = Growable("<i8", 4)
        self._layouts = Layouts()
        self._dropped_count = 0
        self._old_count = 0  # columns that `unused` has seen before
        self.unborn_count = 0

    def __repr__(self) -> str:
        return f"GroupColumns({self.count}, {self.unborn_count} unborn)"

    @property
    def count(self) -> int:
        return self._series.size

    @property
    def is_all_dropped(self) -> bool:
        return self._dropped_count == self.count

    def series_of(self, columns: Ints) -> Ints:
        """The series number of each column."""
        series: Ints = self._series.view()[columns].astype(np.int64)
        return series

    def series(self, column: int) -> int:
        """The series number of one column."""
        return int(self._series.view()[column])

    def last_ms(self) -> Ints:
        """The newest in-order sample of each column, NO_TIME where there is none."""
        return self._last_ms.view()

    def of(self, series: Sequence[int], catalogue: Catalogue) -> Ints:
        """The columns of these series; new ones, which `catalogue` is told of, if need be."""
        known, first = self._column_of, self._series.size
        new = [one for one in dict.fromkeys(series) if one not in known]
        if new:
            known.update(zip(new, range(first, first + len(new)), strict=True))
            numbers = np.array(new, dtype=np.int64)
            self._series.extend(numbers)
            self._last_ms.extend(np.full(numbers.size, NO_TIME, dtype=np.int64))
            catalogue.add_columns(numbers, self._group, np.arange(first, first + numbers.size))
            self.unborn_count += numbers.size
        return np.array([known[one] for one in series], dtype=np.int64)

    # --- Layouts: the columns of a row --------------------------------------------------------

    def layout(self, columns: Ints) -> Layout:
        return self._layouts.of(columns)

    def live_layout(self, columns: Ints) -> Layout:
        """Raises ColumnsDropped. Layouts of dropped columns are not kept: a known one is sound."""
        layout = self._layouts.of(columns)
        if layout.is_new:
            self.check_alive(columns)
            layout.is_new = False
        return layout

    def check_alive(self, columns: Ints) -> None:
        """Raises ColumnsDropped."""
        if self._dropped_count and columns.size:
            gone = int(np.count_nonzero(self._series.view()[columns] < 0))
            if gone:
                raise ColumnsDropped(gone)

    # --- How far they have come ---------------------------------------------------------------

    def unborn_among(self, columns: Ints) -> int:
        """How many of these columns, each named once, have no sample in order so far."""
        if not self.unborn_count:
            return 0
        return int(np.count_nonzero(self._last_ms.view()[columns] == NO_TIME))

    def reach(self, times_ms: TimesMs, columns: Ints) -> None:
        """Samples in order: times_ms, columns (N,), a column any number of times."""
        if self.unborn_count:
            self.unborn_count -= self.unborn_among(np.unique(columns))
        np.maximum.at(self._last_ms.view(), columns, times_ms)

    def reach_row(self, layout: Layout, time_ms: int, *, is_newest: bool) -> None:
        """A row in order; `is_newest` where no column has come further."""
        if self.unborn_count:
            self.unborn_count -= self.unborn_among(layout.columns)
        last_ms = self._last_ms.view()
        if is_newest and layout.span is not None:
            last_ms[layout.span] = time_ms
        else:
            columns = layout.columns
            last_ms[columns] = np.maximum(last_ms[columns], time_ms)

    # --- Giving back --------------------------------------------------------------------------

    def unused(self, floor_ms: int) -> Ints:
        """Columns without a sample in order since `floor_ms` that are older than the last call."""
        old, self._old_count = self._old_count, self.count
        unused: Mask = self._last_ms.view()[:old] < floor_ms
        unused &= self._series.view()[:old] >= 0
        return np.flatnonzero(unused)

    def drop(self, columns: Ints) -> None:
        """Their series are forgotten."""
        self.unborn_count -= self.unborn_among(columns)
        for series in self.series_of(columns).tolist():
            del self._column_of[series]
        self._series.view()[columns] = -1
        self._dropped_count += columns.size
        self._layouts.clear()

    def renumber(self, numbers: Ints) -> None:
        """The series have new numbers, (S,) by their old ones."""
        series = self._series.view()
        used = np.flatnonzero(series >= 0)
        series[used] = numbers[series[used]]
        self._column_of = dict(zip(series[used].tolist(), used.tolist(), strict=True))
