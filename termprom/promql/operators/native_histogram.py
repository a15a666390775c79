"""histogram_quantile and histogram_fraction of native histograms, row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from termprom.model.labels import Labels
from termprom.model.values import Ints, Mask, Values
from termprom.promql import notices
from termprom.promql.histograms.quantile import NanObservations, fraction, quantile
from termprom.promql.histograms.value import Histogram
from termprom.promql.operators import histogram_cells
from termprom.promql.operators.stream import Matrix
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span

Measure = Callable[[Histogram, int], tuple[float, NanObservations | None]]  # of one cell, its step


def quantiles(run: Run, matrix: Matrix, rows: Ints, q: Values, span: Span) -> tuple[Values, Mask]:
    """The quantile q (S,) of each cell of `rows` (N,); (N, S)."""
    return _measured(
        run,
        matrix,
        rows,
        "histogram_quantile",
        lambda one, step: quantile(one, float(q[step])),
        span,
    )


def fractions(
    run: Run, matrix: Matrix, rows: Ints, low: Values, high: Values, span: Span
) -> tuple[Values, Mask]:
    """The share between low and high (S,) of each cell of `rows` (N,); (N, S)."""
    return _measured(
        run,
        matrix,
        rows,
        "histogram_fraction",
        lambda one, step: fraction(one, float(low[step]), float(high[step])),
        span,
    )


def native_rows(matrix: Matrix) -> Ints:
    """Rows with any histogram."""
    return np.array(sorted(matrix.histograms), dtype=np.int64)


def without_mixed(
    run: Run, matrix: Matrix, classic: dict[Labels, int], held: Mask, span: Span
) -> tuple[Matrix, Mask]:
    """The matrix less its native histograms, and `held` less the classic ones, at the steps at
    which both kinds have the same labels.

    classic: number of each classic histogram's labels; held (G, S) tells where it has buckets.
    """
    kept: Mask = np.ones(matrix.present.shape, dtype=np.bool_)
    held = held.copy()
    mask = histogram_cells.mask_of(matrix.histograms, *kept.shape)
    for row in matrix.histograms:
        labels = matrix.series.labels[row]
        number = classic.get(labels.without("le"))
        if number is None:
            continue
        both = mask[row] & held[number]
        if both.any():
            metric = labels.metric if run.delayed_name_removal else ""
            run.notices.warn(notices.mixed_classic_and_native(metric), span)
            kept[row, both] = False
            held[number, both] = False
    return matrix.where(kept), held


def _measured(
    run: Run, matrix: Matrix, rows: Ints, func: str, measure: Measure, span: Span
) -> tuple[Values, Mask]:
    shape = (rows.size, matrix.present.shape[1])
    values, present = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    for number, row in enumerate(rows.tolist()):
        run.check()
        for step, one in matrix.histograms.get(row, {}).items():
            values[number, step], note = measure(one, step)
            present[number, step] = True
            if note is not None:
                metric = matrix.series.labels[row].metric if run.delayed_name_removal else ""
                run.notices.inform(notices.nan_observations(func, note.value, metric), span)
    return values, present
