"""histogram_quantile and its kin: classic buckets are rows, grouped by all labels but `le`; native
histograms are answered beside them, and come first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from termprom.model.grid import Grid
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.values import Ints, Mask, Values
from termprom.promql import notices
from termprom.promql.kernels import buckets
from termprom.promql.kernels.join import any_of_group
from termprom.promql.kernels.ranking import size_classes
from termprom.promql.numbers import format_general
from termprom.promql.operators.native_histogram import (
    fractions,
    native_rows,
    quantiles,
    without_mixed,
)
from termprom.promql.operators.range_call import warn_of_each_quantile
from termprom.promql.operators.stream import Matrix, Series
from termprom.promql.operators.unique import merge
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span

# Histograms are laid out side by side by their number of buckets; this bounds one block, in cells.
_BLOCK_CELLS = 1 << 20
_BOUND = re.compile(
    r"[+-]?(?:inf(?:inity)?|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|0x[0-9a-f]+(?:p[+-]?\d+)?)",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class _Grouped:
    """Buckets by histogram: `labels` G without `le`; rows (N,) of the matrix that are buckets,
    the histogram and the bound of each."""

    labels: list[Labels]
    rows: Ints
    groups: Ints
    bounds: Values


def histogram_quantile(
    run: Run, matrix: Matrix, q: Values, grid: Grid, span: Span, q_span: Span
) -> Matrix:
    """q (S,); one row per histogram."""
    warn_of_each_quantile(run, q, q_span)
    grouped = _group(run, matrix, span)
    matrix, allowed = _apart(run, grouped, matrix, span)
    rows = native_rows(matrix)
    native = quantiles(run, matrix, rows, q, span)
    values, present = _evaluate(run, grouped, matrix, q, grid, span)
    return _named(run, matrix, rows, native, grouped.labels, (values, present & allowed))


def histogram_quantiles(
    run: Run, matrix: Matrix, label: str, qs: list[Values], grid: Grid, spans: list[Span]
) -> Matrix:
    """One row per histogram and quantile; spans: of the vector, then of each quantile."""
    grouped = _group(run, matrix, spans[0])
    matrix, allowed = _apart(run, grouped, matrix, spans[0])
    rows = native_rows(matrix)
    native_labels = [matrix.series.labels[row] for row in rows.tolist()]
    labels: list[Labels] = []
    values, present = [], []
    for q, span in zip(qs, spans[1:], strict=True):
        warn_of_each_quantile(run, q, span)
        native = quantiles(run, matrix, rows, q, spans[0])
        found, held = _evaluate(run, grouped, matrix, q, grid, spans[0])
        text = _quantile_text(float(q[0]))
        labels += [one.merge({label: text}) for one in [*native_labels, *grouped.labels]]
        values += [native[0], found]
        present += [native[1], held & allowed]
    series = Series(labels).dropping_name(delayed=run.delayed_name_removal)
    return merge(Matrix(series, np.concatenate(values), np.concatenate(present)))


def histogram_fraction(
    run: Run, matrix: Matrix, low: Values, high: Values, grid: Grid, span: Span
) -> Matrix:
    """The share of observations between low and high (S,)."""
    grouped = _group(run, matrix, span)
    matrix, allowed = _apart(run, grouped, matrix, span)
    rows = native_rows(matrix)
    native = fractions(run, matrix, rows, low, high, span)
    values = np.zeros((len(grouped.labels), grid.count))
    present = np.zeros(values.shape, dtype=np.bool_)
    for numbers, packed in _blocks(grouped, matrix):
        values[numbers] = buckets.fraction(packed, low, high)
        present[numbers] = packed.sizes > 0
    return _named(run, matrix, rows, native, grouped.labels, (values, present & allowed))


def _evaluate(
    run: Run, grouped: _Grouped, matrix: Matrix, q: Values, grid: Grid, span: Span
) -> tuple[Values, Mask]:
    values = np.zeros((len(grouped.labels), grid.count))
    present = np.zeros(values.shape, dtype=np.bool_)
    for numbers, packed in _blocks(grouped, matrix):
        run.check()
        values[numbers], repair = buckets.quantile(packed, q)
        present[numbers] = packed.sizes > 0
        for number in np.flatnonzero(repair.forced.any(axis=1)).tolist():
            name = grouped.labels[int(numbers[number])].metric if run.delayed_name_removal else ""
            text = notices.forced_monotonic(name)
            run.notices.inform_of_repairs(text, span, _repairs(repair, number, grid))
    return values, present


def _repairs(repair: buckets.Repair, number: int, grid: Grid) -> notices.Repairs:
    """Those of one histogram, over all steps."""
    steps = np.flatnonzero(repair.forced[number])
    times_ms = grid.steps_ms()[steps]
    return notices.Repairs(
        float(repair.lowest_bound[number, steps].min()),
        float(repair.highest_bound[number, steps].max()),
        float(repair.largest_difference[number, steps].max()),
        steps.size,
        int(times_ms[0]),
        int(times_ms[-1]),
    )


def _named(
    run: Run,
    matrix: Matrix,
    rows: Ints,
    native: tuple[Values, Mask],
    labels: list[Labels],
    classic: tuple[Values, Mask],
) -> Matrix:
    """The answers for native histograms, which are `rows` of the matrix, then for classic ones."""
    every = [*(matrix.series.labels[row] for row in rows.tolist()), *labels]
    series = Series(every).dropping_name(delayed=run.delayed_name_removal)
    values = np.concatenate([native[0], classic[0]])
    return merge(Matrix(series, values, np.concatenate([native[1], classic[1]])))


def _apart(run: Run, grouped: _Grouped, matrix: Matrix, span: Span) -> tuple[Matrix, Mask]:
    """The matrix without native histograms that meet classic ones of the same labels, and where
    classic ones (G, S) may answer."""
    count = len(grouped.labels)
    allowed: Mask = np.ones((count, matrix.present.shape[1]), dtype=np.bool_)
    if not matrix.histograms:
        return matrix, allowed
    held = any_of_group(matrix.present[grouped.rows], grouped.groups, count)
    numbers = {labels: number for number, labels in enumerate(grouped.labels)}
    matrix, kept = without_mixed(run, matrix, numbers, held, span)
    return matrix, allowed & ~(held & ~kept)


def _group(run: Run, matrix: Matrix, span: Span) -> _Grouped:
    numbers: dict[Labels, int] = {}
    rows, groups, bounds = [], [], []
    held: Mask = np.any(matrix.present, axis=1)
    for row, labels in enumerate(matrix.series.labels):
        if not held[row]:
            continue
        text = labels.get("le")
        if _BOUND.fullmatch(text) is None:
            named = run.delayed_name_removal
            metric = labels.get(METRIC_NAME) if named else ""
            run.notices.warn(notices.bad_bucket_label(text, metric), span)
            continue
        bound = float.fromhex(text) if "x" in text.lower() else float(text)
        rows.append(row)
        groups.append(numbers.setdefault(labels.without("le"), len(numbers)))
        bounds.append(bound)
    return _Grouped(
        list(numbers),
        np.array(rows, dtype=np.int64),
        np.array(groups, dtype=np.int64),
        np.array(bounds, dtype=np.float64),
    )


def _blocks(grouped: _Grouped, matrix: Matrix) -> Iterator[tuple[Ints, buckets.Buckets]]:
    """(histogram numbers (g,), their buckets) for histograms with equally many bounds."""
    if not grouped.rows.size:
        return
    # Bounds that are equal but written differently are one bucket, and their counts add up.
    order = np.lexsort((grouped.bounds, grouped.groups))
    groups, bounds, rows = grouped.groups[order], grouped.bounds[order], grouped.rows[order]
    new = np.ones(rows.size, dtype=np.bool_)
    new[1:] = (groups[1:] != groups[:-1]) | (bounds[1:] != bounds[:-1])
    present = matrix.present[rows]
    counts = np.where(present, matrix.values[rows], 0.0)
    if not new.all():
        starts = np.flatnonzero(new)
        counts = np.add.reduceat(counts, starts, axis=0)
        present = np.logical_or.reduceat(present, starts, axis=0)
        groups, bounds = groups[starts], bounds[starts]
    for members in size_classes(groups):
        height = max(1, _BLOCK_CELLS // (members.shape[1] * matrix.values.shape[1]))
        for start in range(0, members.shape[0], height):
            block = members[start : start + height]
            packed = buckets.pack(bounds[block], counts[block], present[block])
            yield groups[block[:, 0]], packed


def _quantile_text(q: float) -> str:
    text = format_general(q)
    return text if any(mark in text for mark in ".enN") else text + ".0"
