"""and, or, unless: rows chosen by whether the other side has a partner at that step."""

from __future__ import annotations

import numpy as np

from termprom.promql.kernels.join import any_of_group
from termprom.promql.operators import histogram_cells
from termprom.promql.operators.signatures import number_signatures
from termprom.promql.operators.stream import Matrix, Series
from termprom.promql.operators.unique import merge
from termprom.promql.syntax.ast import Matching


def set_operator(op: str, left: Matrix, right: Matrix, matching: Matching) -> Matrix:
    """Rows keep their labels, names and values; several partners are no error."""
    left_numbers, right_numbers, signatures = number_signatures(
        left.series.labels, right.series.labels, matching
    )
    count = len(signatures)
    if op == "or":
        taken = any_of_group(left.held(), left_numbers, count)
        return merge(_stacked(left, right.where(~taken[right_numbers])))
    partner = any_of_group(right.held(), right_numbers, count)[left_numbers]
    return left.where(partner if op == "and" else ~partner)


def _stacked(upper: Matrix, lower: Matrix) -> Matrix:
    """All rows of both; those that are nowhere present are left out, so that none clash in vain."""
    lower = lower.compact()
    pending = None
    if upper.series.pending is not None or lower.series.pending is not None:
        pending = np.concatenate(
            [
                np.zeros(len(part.series), dtype=np.bool_)
                if part.series.pending is None
                else part.series.pending
                for part in (upper, lower)
            ]
        )
    return Matrix(
        Series([*upper.series.labels, *lower.series.labels], pending=pending),
        np.concatenate([upper.values, lower.values]),
        np.concatenate([upper.present, lower.present]),
        {**upper.histograms, **histogram_cells.shifted(lower.histograms, len(upper.series))},
    )
