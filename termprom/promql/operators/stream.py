"""The evaluated value: labelled rows over the steps of a grid, as a whole or batch by batch.

A row is one series. Its cells are `values` with a mask `present`: absence is never a NaN. Native
histograms travel beside them as sparse cells of the same rows: a cell holds a float, a histogram,
or nothing. `present` speaks of floats only; `held` of both.

Consumers learn the series first, size their arrays and match labels once, and then take vectors as
they come. A row that no batch mentions is absent at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.values import Ints, Mask, Values
from termprom.promql.company import shared_out
from termprom.promql.operators import histogram_cells
from termprom.promql.operators.histogram_cells import NO_HISTOGRAMS, Cells
from termprom.promql.run import Run

R = TypeVar("R")

# What upstream calls the metric's name when it drops it.
NAME_LABELS = (METRIC_NAME, "__type__", "__unit__")


class Series:
    """The rows of a value, numbered from zero.

    With delayed name removal `pending` (K,) marks rows that lose their name when the query ends.
    Without it `nameless` says that the name is gone already; those labels are made when asked for,
    as many consumers never do. `same_name` promises that all rows bear one metric name.
    """

    __slots__ = ("_labels", "nameless", "pending", "raw", "same_name")

    def __init__(
        self,
        raw: Sequence[Labels],
        *,
        nameless: bool = False,
        pending: Mask | None = None,
        same_name: bool = False,
    ) -> None:
        self.raw = raw
        self.nameless = nameless
        self.pending = pending
        self.same_name = same_name
        self._labels: Sequence[Labels] | None = None if nameless else raw

    def __repr__(self) -> str:
        return f"Series({len(self.raw)})"

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def labels(self) -> Sequence[Labels]:
        if self._labels is None:
            self._labels = [without_name(labels) for labels in self.raw]
        return self._labels

    def metric_of(self, row: int) -> str:
        """The metric's name as far as a remark may show it: none where it is gone."""
        return "" if self.nameless else self.raw[row].metric

    def dropping_name(self, *, delayed: bool) -> Series:
        """The series after an operation that drops the name."""
        if delayed:
            return Series(
                self.raw, pending=np.ones(len(self.raw), dtype=np.bool_), same_name=self.same_name
            )
        return Series(self.raw, nameless=True, same_name=self.same_name)

    def take(self, rows: Ints) -> Series:
        """Some rows, in the order of `rows`."""
        if self._labels is not None:
            labels = [self._labels[row] for row in rows.tolist()]
        else:
            labels = [without_name(self.raw[row]) for row in rows.tolist()]
        return Series(
            labels,
            pending=None if self.pending is None else self.pending[rows],
            same_name=self.same_name,
        )

    @property
    def unique(self) -> bool:
        """Whether no two rows have the same labels."""
        if self.same_name and self.nameless:
            return True
        return len(set(self.labels)) == len(self.raw)


def without_name(labels: Labels) -> Labels:
    """`labels` less the metric's name, type and unit."""
    # Capital letters sort before underscores, so the name is mostly, but not always, in front.
    if labels and labels[0][0] == METRIC_NAME and (len(labels) == 1 or labels[1][0][0] != "_"):
        return Labels(labels[1:])
    return labels.without(*NAME_LABELS)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a value: row numbers (k,), values and present (k, S). Read only.

    `histograms` go by the rows' numbers, not by their places in the batch.
    """

    rows: Ints
    values: Values
    present: Mask
    histograms: Cells = field(default_factory=dict)

    def held(self) -> Mask:
        """Where there is a float or a histogram; (k, S)."""
        if not self.histograms:
            return self.present
        return histogram_cells.held(self.present, self.local())

    def local(self) -> Cells:
        """The histograms by place in this batch."""
        place = {row: number for number, row in enumerate(self.rows.tolist())}
        return {place[row]: cells for row, cells in self.histograms.items()}


@dataclass(frozen=True, slots=True)
class Stream:
    """A value that arrives in batches, once. Each row comes in at most one batch.

    `items` are the batches, or what `work` makes batches of: several threads at once where there
    is much to do, so it must change nothing that others look at.
    """

    series: Series
    items: Iterator[Any]
    work: Callable[[Any], Batch] | None = None

    @property
    def batches(self) -> Iterator[Batch]:
        return self.through(lambda batch: batch)

    def through(self, more: Callable[[Batch], R]) -> Iterator[R]:
        """What `more` makes of each batch, where the batch is made; in the order of the batches."""
        work = self.work
        if work is None:
            return map(more, self.items)
        return shared_out(self.items, lambda item: more(work(item)))

    def changed(self, series: Series, change: Callable[[Batch], Batch]) -> Stream:
        """The stream in which `change` has been at every batch."""
        work = self.work
        if work is None:
            return Stream(series, map(change, self.items))
        return Stream(series, self.items, lambda item: change(work(item)))


@dataclass(frozen=True, slots=True)
class Matrix:
    """A value as a whole: values and present (K, S)."""

    series: Series
    values: Values
    present: Mask
    histograms: Cells = field(default_factory=dict)

    def held(self) -> Mask:
        """Where there is a float or a histogram; (K, S)."""
        return histogram_cells.held(self.present, self.histograms)

    def where(self, mask: Mask) -> Matrix:
        """Only the cells that `mask` (K, S) keeps."""
        cells = histogram_cells.where(self.histograms, mask)
        return Matrix(self.series, self.values, self.present & mask, cells)

    def stream(self) -> Stream:
        rows = np.arange(len(self.series))
        whole = Batch(rows, self.values, self.present, self.histograms)
        batches = iter([whole] if rows.size else [])
        return Stream(self.series, batches)

    def take(self, rows: Ints) -> Matrix:
        cells = histogram_cells.taken(self.histograms, rows)
        return Matrix(self.series.take(rows), self.values[rows], self.present[rows], cells)

    def compact(self) -> Matrix:
        """Only the rows that are present anywhere."""
        held = self.held().any(axis=1)
        return self if held.all() else self.take(np.flatnonzero(held))


def empty(steps: int) -> Matrix:
    return Matrix(Series([]), np.empty((0, steps)), np.empty((0, steps), dtype=np.bool_))


def collect(run: Run, stream: Stream, steps: int) -> Matrix:
    """The whole of a stream. Its samples count as held until the query ends."""
    shape = (len(stream.series), steps)
    run.require_room(*shape)
    values = np.zeros(shape)
    present = np.zeros(shape, dtype=np.bool_)
    histograms: Cells = NO_HISTOGRAMS
    for batch in stream.batches:
        if batch.histograms:
            histograms = {**histograms, **batch.histograms}
            run.hold(histogram_cells.sizes(batch.histograms))
        if batch.rows.size == shape[0] and (np.diff(batch.rows) == 1).all():
            values, present = batch.values, batch.present
        else:
            values[batch.rows], present[batch.rows] = batch.values, batch.present
        run.hold(int(np.count_nonzero(batch.present)))
    return Matrix(stream.series, values, present, histograms)
