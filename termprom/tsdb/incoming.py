"""Samples of one append, and the cells that they are made of.

A plain float is one cell. A native histogram is one sample of many cells, a float with a start
timestamp one of two: each is taken or refused as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from termprom.model.values import STALE_BITS, AnyArray, Ints, Mask, TimesMs
from termprom.storage import HistogramSample
from termprom.tsdb.sample_columns import SampleColumns

_STALE = np.uint64(STALE_BITS)


@dataclass(frozen=True, slots=True)
class Incoming:
    """Shapes: N samples: times_ms, series (N,), the column that each sample's series is known by;
    C cells: columns, bits, owners (C,), the number of the sample that each cell belongs to.
    `is_plain`: cell n is all of sample n.
    """

    times_ms: TimesMs
    series: Ints
    columns: Ints
    bits: AnyArray
    owners: Ints
    is_plain: bool = False

    @classmethod
    def plain(cls, times_ms: TimesMs, columns: Ints, bits: AnyArray) -> Incoming:
        """Floats and nothing else."""
        return cls(times_ms, columns, columns, bits, np.arange(columns.size), is_plain=True)

    @property
    def count(self) -> int:
        return self.times_ms.size

    def only(self, wanted: AnyArray) -> Incoming:
        """The samples at these positions or under this mask, in that order."""
        if self.is_plain:
            return Incoming.plain(self.times_ms[wanted], self.series[wanted], self.bits[wanted])
        chosen = np.arange(self.count)[wanted]
        number = np.full(self.count, -1, dtype=np.int64)
        number[chosen] = np.arange(chosen.size)
        kept = np.flatnonzero(number[self.owners] >= 0)
        return Incoming(
            self.times_ms[chosen],
            self.series[chosen],
            self.columns[kept],
            self.bits[kept],
            number[self.owners[kept]],
        )

    def cells_of(self, samples: Mask) -> tuple[TimesMs, Ints, AnyArray]:
        """Times, columns and bits of all cells of the samples under this mask."""
        here = np.flatnonzero(samples[self.owners])
        return self.times_ms[self.owners[here]], self.columns[here], self.bits[here]

    def all_of(self, is_so: Mask) -> Mask:
        """Of which samples (N,) that is so for every cell (C,)."""
        if self.is_plain:
            return is_so
        wrong = np.bincount(self.owners, weights=~is_so, minlength=self.count)
        none: Mask = wrong == 0
        return none

    def equal(self, one: int, other: int) -> bool:
        """Whether two samples are made of the same cells."""
        first, second = (
            sorted(
                zip(self.columns[mine].tolist(), self.bits[mine].tolist(), strict=True),
            )
            for mine in (self.owners == one, self.owners == other)
        )
        return first == second

    def beside(self) -> tuple[TimesMs, Ints]:
        """Times and series of the samples that have no cell in their series' own column."""
        if self.is_plain:
            nothing = np.zeros(0, dtype=np.int64)
            return nothing, nothing
        own = np.zeros(self.count, dtype=np.bool_)
        own[self.owners[self.columns == self.series[self.owners]]] = True
        return self.times_ms[~own], self.series[~own]


def mixed(
    held: SampleColumns,
    last_ms: Callable[[], Ints],
    times_ms: TimesMs,
    columns: Ints,
    bits: AnyArray,
    starts_ms: Ints | None,
    histograms: Sequence[tuple[int, HistogramSample]],
) -> Incoming:
    """Floats with their start timestamps, and histograms, in the order floats, histograms.

    Shapes: times_ms, columns, bits, starts_ms (N,); last_ms gives the newest sample of every
            column of the group.
    """
    places = [bits]
    cells = [columns]
    owners = [np.arange(columns.size, dtype=np.int64)]
    stale = np.flatnonzero(bits == _STALE)
    if stale.size and held:
        moved = [held.stale_column(column, last_ms()) for column in columns[stale].tolist()]
        cells[0] = columns.copy()
        cells[0][stale] = moved
    if starts_ms is not None and starts_ms.any():
        known = held.starts(columns, starts_ms)
        cells.append(known.columns)
        places.append(known.values.view(np.uint64))
        owners.append(known.owners)
    series, times = columns, times_ms
    if histograms:
        found = held.histograms([sample for _, sample in histograms])
        cells.append(found.columns)
        places.append(found.values.view(np.uint64))
        owners.append(found.owners + columns.size)
        own = np.array([sample.column for _, sample in histograms], dtype=np.int64)
        series = np.concatenate([columns, own])
        stamps = np.array([time_ms for time_ms, _ in histograms], dtype=np.int64)
        times = np.concatenate([times_ms, stamps])
    return Incoming(
        times, series, np.concatenate(cells), np.concatenate(places), np.concatenate(owners)
    )
