"""The rule that no two elements of a vector have the same labels."""

from __future__ import annotations

import numpy as np

from termprom.errors import EvaluationError
from termprom.promql.kernels.join import fold_rows
from termprom.promql.operators import histogram_cells
from termprom.promql.operators.stream import Matrix, Series, Stream, collect
from termprom.promql.run import Run

SAME_LABELS = "vector cannot contain metrics with the same labelset"


def merged_over_time(run: Run, stream: Stream, steps: int) -> Stream:
    """Rows with equal labels become one; an error where two have a value at the same step."""
    if stream.series.unique:
        return stream
    return merge(collect(run, stream, steps)).stream()


def never_equal(run: Run, stream: Stream, steps: int) -> Stream:
    """An error where two rows with any value have equal labels, whenever those values are.

    With names still to be removed the labels are whole and there is nothing to check.
    """
    if stream.series.pending is not None or stream.series.unique:
        return stream
    matrix = collect(run, stream, steps).compact()
    if not matrix.series.unique:
        raise EvaluationError(SAME_LABELS)
    return matrix.stream()


def merge(matrix: Matrix) -> Matrix:
    """Rows with equal labels as one row. Raises EvaluationError where they meet."""
    labels = matrix.series.labels
    number_of = {one: number for number, one in enumerate(dict.fromkeys(labels))}
    if len(number_of) == len(labels):
        return matrix
    groups = np.array([number_of[one] for one in labels], dtype=np.int64)
    folded = fold_rows(matrix.values, matrix.held(), groups, len(number_of))
    if folded.clash.any():
        raise EvaluationError(SAME_LABELS)
    pending = None
    if matrix.series.pending is not None:
        pending = np.zeros(len(number_of), dtype=np.bool_)
        np.logical_or.at(pending, groups, matrix.series.pending)
    series = Series(list(number_of), pending=pending)
    if not matrix.histograms:
        return Matrix(series, folded.values, folded.present)
    cells = histogram_cells.folded(matrix.histograms, groups)
    floats = folded.present & ~histogram_cells.mask_of(cells, *folded.present.shape)
    return Matrix(series, folded.values, floats, cells)
