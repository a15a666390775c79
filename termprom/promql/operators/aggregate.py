"""Aggregations: sum, count and the like folded batch by batch, the others over whole matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.floats import format_float
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.values import Ints, Mask, Values
from termprom.promql import notices
from termprom.promql.histograms.text import histogram_text
from termprom.promql.kernels.aggregate import (
    AverageFold,
    CountFold,
    DeviationFold,
    ExtremeFold,
    Fold,
    GroupFold,
    Part,
    SumFold,
    VarianceFold,
)
from termprom.promql.kernels.quantile import quantile_of_sorted
from termprom.promql.kernels.ranking import size_classes
from termprom.promql.operators.grouping import group_rows
from termprom.promql.operators.histogram_aggregate import fold_histograms
from termprom.promql.operators.histogram_cells import NO_HISTOGRAMS, Cells
from termprom.promql.operators.range_call import warn_of_quantiles
from termprom.promql.operators.stream import Batch, Matrix, Series, Stream, collect
from termprom.promql.plan import Aggregate
from termprom.promql.run import Run
from termprom.promql.syntax.literals import is_label_name
from termprom.promql.syntax.tokens import go_quote

_FOLDS: Final[dict[str, Callable[[int, int], Fold]]] = {
    "avg": AverageFold,
    "count": CountFold,
    "group": GroupFold,
    "max": lambda groups, steps: ExtremeFold(np.fmax, groups, steps),
    "min": lambda groups, steps: ExtremeFold(np.fmin, groups, steps),
    "stddev": DeviationFold,
    "stdvar": VarianceFold,
    "sum": SumFold,
}
FOLDED: Final = frozenset(_FOLDS)
_COUNTS_ALL: Final = frozenset({"count", "group"})  # they do not ask for the kind of a sample


def folded(run: Run, node: Aggregate, stream: Stream, grid: Grid) -> Matrix:
    """One row per group, in memory of groups x steps however many rows come by."""
    labels, groups = group_rows(stream.series, node.grouping, without=node.without)
    fold = _FOLDS[node.op](len(labels), grid.count)
    order = _FirstSeen(len(labels)) if grid.count == 1 else None
    counted = node.op in _COUNTS_ALL
    histograms: Cells = NO_HISTOGRAMS

    def reduced(batch: Batch) -> tuple[Part, Ints, Cells]:
        present = batch.held() if counted else batch.present
        seen = batch.rows
        if order is not None:
            seen = seen[batch.held()[:, 0]]
        return fold.reduce(batch.values, present, groups[batch.rows]), seen, batch.histograms

    for part, seen, cells in stream.through(reduced):
        run.check()
        fold.merge(part)
        if order is not None:
            order.add(seen, groups)
        if cells:
            histograms = {**histograms, **cells}
    values, present = fold.result()
    run.hold(int(np.count_nonzero(present)))
    pending = _pending(stream.series, groups, len(labels))
    series = Series(labels, pending=pending)
    matrix = Matrix(series, values, present)
    if histograms and node.op in ("sum", "avg"):
        span = node.place
        found = fold_histograms(run, node.op, stream.series, histograms, groups, present, span)
        matrix = Matrix(series, values, present & ~found.dropped, found.cells)
    elif histograms and not counted:
        run.notices.inform(notices.ignored_histogram(node.op), node.place)
    return matrix if order is None else matrix.take(order.rows())


class _FirstSeen:
    """The order in which groups show up in an instant query: by their first row."""

    def __init__(self, groups_count: int) -> None:
        self._first = np.full(groups_count, np.iinfo(np.int64).max)

    def add(self, rows: Ints, groups: Ints) -> None:
        np.minimum.at(self._first, groups[rows], rows)

    def rows(self) -> Ints:
        return np.argsort(self._first, kind="stable")


def _pending(series: Series, groups: Ints, groups_count: int) -> Mask | None:
    """A group loses its name in the end where any of its rows would."""
    if series.pending is None:
        return None
    pending = np.zeros(groups_count, dtype=np.bool_)
    np.logical_or.at(pending, groups, series.pending)
    return pending


def quantile(run: Run, node: Aggregate, stream: Stream, q: Values, grid: Grid) -> Matrix:
    """quantile(q, v); q (S,)."""
    assert node.param is not None
    warn_of_quantiles(run, q, node.param.span)
    matrix = collect(run, stream, grid.count)
    if matrix.histograms:
        run.notices.inform(notices.ignored_histogram(node.op), node.place)
    labels, groups = group_rows(matrix.series, node.grouping, without=node.without)
    values = np.empty((len(labels), grid.count))
    present = np.zeros(values.shape, dtype=np.bool_)
    for rows in size_classes(groups):
        have = matrix.present[rows]
        members = np.where(have, matrix.values[rows], np.nan)
        nans = (np.isnan(members) & have).sum(axis=1)
        members.sort(axis=1)
        counts = have.sum(axis=1)
        into = groups[rows[:, 0]]
        values[into] = quantile_of_sorted(members.transpose(0, 2, 1), counts, nans, q)
        present[into] = counts > 0
    pending = _pending(matrix.series, groups, len(labels))
    result = Matrix(Series(labels, pending=pending), values, present)
    if grid.count != 1:
        return result
    order = _FirstSeen(len(labels))
    order.add(np.flatnonzero(matrix.present[:, 0]), groups)
    return result.take(order.rows())


def count_values(run: Run, node: Aggregate, stream: Stream, label: str, grid: Grid) -> Matrix:
    """count_values(label, v): one row per group and distinct value."""
    if not is_label_name(label):
        raise EvaluationError(f"invalid label name {go_quote(label)}")
    matrix = collect(run, stream, grid.count)
    labels, groups = group_rows(matrix.series, node.grouping, without=node.without)
    row_at, step_at = np.nonzero(matrix.present)
    found = matrix.values[row_at, step_at]
    # Floats are told apart by their text: all NaNs are one, the two zeroes are two.
    found = np.where(np.isnan(found), np.nan, found)
    bits, value_at = np.unique(found.view(np.int64), return_inverse=True)
    texts = [format_float(value) for value in bits.view(np.float64).tolist()]
    for row, cells in matrix.histograms.items():
        number_of = {text: number for number, text in enumerate(texts)}
        for step, one in cells.items():
            number = number_of.setdefault(histogram_text(one), len(number_of))
            row_at, step_at = np.append(row_at, row), np.append(step_at, step)
            value_at = np.append(value_at, number)
        texts = list(number_of)
    combined = groups[row_at] * max(len(texts), 1) + value_at
    kinds, kind_at = np.unique(combined, return_inverse=True)
    counts = np.zeros((kinds.size, grid.count))
    np.add.at(counts, (kind_at, step_at), 1)
    dropped = node.without and label in node.grouping
    out: list[Labels] = []
    for kind in kinds.tolist():
        base = labels[kind // len(texts)]
        out.append(base if dropped else base.merge({label: texts[kind % len(texts)]}))
    # The new label may take the place of one that told groups apart.
    return _add_up(out, counts)


def _add_up(labels: list[Labels], counts: Values) -> Matrix:
    numbers = {one: number for number, one in enumerate(dict.fromkeys(labels))}
    total = np.zeros((len(numbers), counts.shape[1]))
    np.add.at(total, np.array([numbers[one] for one in labels], dtype=np.int64), counts)
    return Matrix(Series(list(numbers)), total, total > 0)
