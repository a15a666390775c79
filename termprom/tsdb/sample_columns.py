"""What one group writes beside plain floats, as cells of component columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.values import Ints, Values
from termprom.storage import HistogramSample
from termprom.tsdb.components import (
    START,
    BucketLayout,
    base_of,
    bucket_indexes,
    component_of,
)
from termprom.tsdb.growable import Growable

_Spans = tuple[tuple[BucketSpan, ...], tuple[BucketSpan, ...]]
_Shape = tuple[int, float, tuple[float, ...], _Spans, bool]


class Cells:
    """Cells that samples are made of.

    Shapes: columns, values (C,); owners (C,) the number of the sample that each belongs to.
    """

    __slots__ = ("columns", "owners", "values")

    def __init__(self, columns: Ints, values: Values, owners: Ints) -> None:
        self.columns = columns
        self.values = values
        self.owners = owners


class SampleColumns:
    """The component columns of one group. Owned by the appending thread.

    `columns` gives the column of each label set and makes those that are missing; `labels` is
    the other way round.
    """

    def __init__(
        self,
        columns: Callable[[Sequence[Labels]], Ints],
        labels: Callable[[int], Labels],
    ) -> None:
        self._columns = columns
        self._labels = labels
        self._sums: dict[int, int] = {}  # of a series the column of its newest histogram's sum
        self._starts = Growable("<i8")  # of a series the column of its start timestamps, or -1
        self._shapes: dict[int, tuple[_Shape, Ints]] = {}  # of a series the newest one's columns
        self._bases: dict[int, int] = {}  # of a component the series
        self._own_sums: list[int] = []  # met by replay
        self._known_sums: dict[int, list[int]] = {}  # of a series the sums of all its layouts

    def __repr__(self) -> str:
        return f"SampleColumns({len(self._shapes)} histogram series)"

    def __bool__(self) -> bool:
        return bool(self._bases)

    def histograms(self, samples: Sequence[HistogramSample]) -> Cells:
        """The cells of these histograms; the n-th owns cells of number n."""
        columns: list[Ints] = []
        values: list[float] = []
        counts = []
        for sample in samples:
            one = sample.histogram
            mine = self._shape(sample.column, one, has_start=sample.start_ms != 0)
            columns.append(mine)
            before = len(values)
            values += (one.sum, one.count, one.zero_count)
            values += one.positive_buckets
            values += one.negative_buckets
            if _stored_hint(one):
                values.append(float(one.hint))
            if sample.start_ms:
                values.append(float(sample.start_ms))
            counts.append(len(values) - before)
            assert counts[-1] == mine.size, "spans and buckets agree"
            self._sums[sample.column] = int(mine[0])
        owners = np.repeat(np.arange(len(samples), dtype=np.int64), counts)
        return Cells(np.concatenate(columns), np.array(values, dtype=np.float64), owners)

    def starts(self, columns: Ints, starts_ms: Ints) -> Cells:
        """The cells of the start timestamps that are known."""
        owners = np.flatnonzero(starts_ms)
        mine = self._start_columns(columns[owners])
        return Cells(mine, starts_ms[owners].astype(np.float64), owners)

    def stale_column(self, column: int, last_ms: Ints) -> int:
        """Where a stale marker of that series belongs: with what the series had last."""
        total = self._sums.get(column, -1)
        if total >= 0 and int(last_ms[total]) == int(last_ms[column]):
            return total
        return column

    def places_of(self, series: int) -> list[int]:
        """The columns of which one has a cell wherever the series has a sample."""
        return [series, *self._known_sums.get(series, ())]

    def adopt(self, labels: Labels, column: int) -> None:
        """A component that replay has met."""
        base = int(self._columns([base_of(labels)])[0])
        self._bases[column] = base
        name = labels[0][1]
        if name == START:
            self._set_start(base, column)
        elif name.startswith("sum "):
            self._own_sums.append(column)
            self._known_sums.setdefault(base, []).append(column)

    def settle(self, last_ms: Ints) -> tuple[Ints, Ints]:
        """After replay, with the newest sample of every column: components and their series."""
        for column in self._own_sums:
            base = self._bases[column]
            known = self._sums.get(base, -1)
            if known < 0 or int(last_ms[known]) < int(last_ms[column]):
                self._sums[base] = column
        self._own_sums = []
        pairs = np.array(list(self._bases.items()), dtype=np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def forget(self, column: int) -> None:
        """The column has been dropped."""
        self._sums.pop(column, None)
        self._shapes.pop(column, None)
        self._known_sums.pop(column, None)
        base = self._bases.pop(column, None)
        if base is not None:
            sums = self._known_sums.get(base, [])
            if column in sums:
                sums.remove(column)
            self._shapes.pop(base, None)
            if self._sums.get(base) == column:
                del self._sums[base]
            if base < self._starts.size and int(self._starts.view()[base]) == column:
                self._starts.view()[base] = -1

    def _shape(self, column: int, one: FloatHistogram, *, has_start: bool) -> Ints:
        """The columns of a histogram of that series; all its cells in one order."""
        shape = (
            one.schema,
            one.zero_threshold,
            one.custom_values,
            (one.positive_spans, one.negative_spans),
            _stored_hint(one),
        )
        known = self._shapes.get(column)
        if known is None or known[0] != shape:
            known = self._shapes[column] = shape, self._make(column, one)
        return (
            np.append(known[1], self._start_columns(np.array([column]))) if has_start else known[1]
        )

    def _make(self, column: int, one: FloatHistogram) -> Ints:
        layout = BucketLayout(one.schema, one.zero_threshold, one.custom_values)
        parts = ["sum", "count", "zero"]
        parts += [f"+{index}" for index in bucket_indexes(one.positive_spans)]
        parts += [f"-{index}" for index in bucket_indexes(one.negative_spans)]
        if _stored_hint(one):
            parts.append("hint")
        base = self._labels(column)
        columns = self._columns([component_of(base, f"{part} {layout}") for part in parts])
        self._bases.update(dict.fromkeys(columns.tolist(), column))
        sums = self._known_sums.setdefault(column, [])
        if int(columns[0]) not in sums:
            sums.append(int(columns[0]))
        return columns

    def _start_columns(self, columns: Ints) -> Ints:
        top = int(columns.max()) + 1 if columns.size else 0
        if self._starts.size < top:
            self._starts.extend(np.full(top - self._starts.size, -1, dtype=np.int64))
        found: Ints = self._starts.view()[columns]
        missing = columns[found < 0]
        if missing.size:
            names = [component_of(self._labels(one), START) for one in missing.tolist()]
            made = self._columns(names)
            self._starts.view()[missing] = made
            self._bases.update(zip(made.tolist(), missing.tolist(), strict=True))
            found = self._starts.view()[columns]
        return found

    def _set_start(self, base: int, column: int) -> None:
        if self._starts.size <= base:
            self._starts.extend(np.full(base + 1 - self._starts.size, -1, dtype=np.int64))
        self._starts.view()[base] = column


def _stored_hint(one: FloatHistogram) -> bool:
    """Whether the hint tells what the numbers do not; "no reset" is found out again."""
    return one.hint in (CounterResetHint.GAUGE, CounterResetHint.RESET)
