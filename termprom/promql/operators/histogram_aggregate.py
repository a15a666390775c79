"""Aggregations of native histograms: sums and averages per group and step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from termprom.model.histogram import CounterResetHint
from termprom.model.values import Ints, Mask
from termprom.promql import notices
from termprom.promql.histograms.combine import IncompatibleSchemas
from termprom.promql.histograms.running import RunningAverage, RunningSum
from termprom.promql.histograms.value import Histogram, compacted
from termprom.promql.operators.histogram_cells import Cells
from termprom.promql.operators.stream import Series
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span


@dataclass(frozen=True, slots=True)
class Folded:
    """Histograms by group and step, and where a group has lost its value (G, S)."""

    cells: Cells
    dropped: Mask


def fold_histograms(
    run: Run,
    op: str,
    series: Series,
    histograms: Cells,
    groups: Ints,
    floats: Mask,
    span: Span,
) -> Folded:
    """sum or avg of the rows of each group; floats (G, S) tells where a group has floats too.

    A group of both kinds, or of exponential and custom buckets, has no value at that step.
    """
    members: dict[tuple[int, int], list[tuple[int, Histogram]]] = {}
    for row in sorted(histograms):
        for step, one in histograms[row].items():
            members.setdefault((int(groups[row]), step), []).append((row, one))
    cells: dict[int, dict[int, Histogram]] = {}
    dropped = np.zeros(floats.shape, dtype=np.bool_)
    for (group, step), rows in members.items():
        if floats[group, step]:
            run.notices.warn(notices.mixed_aggregation(), span)
            dropped[group, step] = True
            continue
        found = _fold(run, op, series, rows, span)
        if found is not None:
            cells.setdefault(group, {})[step] = found
    return Folded(cells, dropped)


def _fold(
    run: Run, op: str, series: Series, rows: list[tuple[int, Histogram]], span: Span
) -> Histogram | None:
    fold = folded(op, [rows[0][1]])
    for row, one in rows[1:]:
        try:
            fold.add(one)
        except IncompatibleSchemas:
            run.notices.warn(notices.mixed_schemas(series.metric_of(row)), span)
            return None
    if hints_collide([one for _, one in rows]):
        run.notices.warn(notices.conflicting_resets("aggregation"), span)
    if fold.reconciled:
        run.notices.inform(notices.bounds_reconciled("aggregation"), span)
    return compacted(fold.result())


def folded(op: str, histograms: list[Histogram]) -> RunningSum | RunningAverage:
    """The sum, or with "avg" the average, of some histograms. Raises IncompatibleSchemas."""
    first = histograms[0]
    fold = RunningAverage(first) if op == "avg" else RunningSum(first)
    for one in histograms[1:]:
        fold.add(one)
    return fold


def hints_collide(histograms: list[Histogram]) -> bool:
    """Whether some know of a reset before them and others of none."""
    hints = {one.hint for one in histograms}
    return CounterResetHint.RESET in hints and CounterResetHint.NOT_RESET in hints
