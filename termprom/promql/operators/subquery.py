"""Subqueries: an expression evaluated on a grid of its own, seen through windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from termprom.model.grid import Grid
from termprom.promql.operators.histogram_series import series_of_cells
from termprom.promql.operators.lanes import Lane, split
from termprom.promql.operators.select import RangeSource, references_of
from termprom.promql.operators.stream import Matrix, Series
from termprom.promql.plan import Subquery
from termprom.promql.run import Run


def inner_grid(node: Subquery, grid: Grid) -> Grid | None:
    """All multiples of the step in (first edge - range, last edge]; None where there are none."""
    references = references_of(grid, node.at_ms, node.offset_ms)
    step = node.step_ms
    start = ((references.start_ms - node.range_ms) // step + 1) * step
    end = references.last_ms // step * step
    return Grid(start, end, step) if start <= end else None


def subquery(
    run: Run, node: Subquery, grid: Grid, evaluate: Callable[[Grid], Matrix]
) -> RangeSource:
    """The samples that `evaluate` gives on the inner grid, as a range vector."""
    references = references_of(grid, node.at_ms, node.offset_ms)
    inner = inner_grid(node, grid)
    if inner is None:
        return RangeSource(Series([]), iter(()), references, node.range_ms, node.range_seconds)
    run.require_room(1, inner.count)
    matrix = evaluate(inner)

    def batches() -> Iterator[Lane]:
        rows = np.arange(len(matrix.series))
        if rows.size:
            yield from split(rows, inner.steps_ms(), matrix.values, matrix.present, grid.count)

    return RangeSource(
        matrix.series,
        batches(),
        references,
        node.range_ms,
        node.range_seconds,
        series_of_cells(matrix.histograms, inner.steps_ms()),
    )
