"""sort and sort_desc: an order for instant queries; ranges are always in order of their labels."""

from __future__ import annotations

import numpy as np

from termprom.promql import notices
from termprom.promql.kernels.ranking import sort_order
from termprom.promql.operators.stream import Matrix
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span


def comparable(matrix: Matrix) -> Matrix:
    """Only the floats: histograms have no order."""
    return Matrix(matrix.series, matrix.values, matrix.present)


def sort(matrix: Matrix, *, descending: bool) -> Matrix:
    """Rows of a matrix of one step in order of value; NaN last."""
    rows = np.flatnonzero(matrix.present[:, 0])
    order = sort_order(matrix.values[rows, 0], descending=descending)
    return matrix.take(rows[order])


def warn_ineffective(run: Run, span: Span) -> None:
    run.notices.warn(notices.sort_is_ineffective(), span)
