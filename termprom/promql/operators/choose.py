"""topk, bottomk, limitk, limit_ratio: some rows of each group, as they are."""

from __future__ import annotations

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.values import Ints, Values
from termprom.promql import notices
from termprom.promql.kernels.hashing import xxhash64
from termprom.promql.kernels.ranking import choose_best, choose_first, heap_order
from termprom.promql.numbers import format_general
from termprom.promql.operators.grouping import group_rows
from termprom.promql.operators.stream import Matrix, Stream, collect, empty
from termprom.promql.plan import Aggregate
from termprom.promql.run import Run

# Where int64 ends, as far as floats can tell.
_INT64_LOW, _INT64_HIGH = -9223372036854775808.0, 9223372036854774784.0


def choose_k(run: Run, node: Aggregate, stream: Stream, k: Values, grid: Grid) -> Matrix:
    """topk, bottomk and limitk; k (S,), truncated towards zero per step."""
    # Nothing but NaN is an error like any other NaN, not a k below one.
    matrix = collect(run, stream, grid.count)
    if np.fmax.reduce(k) < 1:
        return empty(grid.count)
    _check_limits(k)
    limits = np.clip(np.trunc(k), 0, len(matrix.series)).astype(np.int64)
    _, groups = group_rows(matrix.series, node.grouping, without=node.without)
    if node.op == "limitk":
        found = matrix.where(choose_first(matrix.held(), groups, limits))
        if grid.count != 1:
            return found.compact()
        return found.take(_by_group(np.flatnonzero(found.held()[:, 0]), groups))
    if matrix.histograms:
        run.notices.inform(notices.ignored_histogram(node.op), node.span)
    largest = node.op == "topk"
    chosen = choose_best(matrix.values, matrix.present, groups, limits, largest=largest)
    result = Matrix(matrix.series, matrix.values, chosen)
    if grid.count != 1:
        return result.compact()
    return result.take(_best_first(matrix, groups, int(limits[0]), largest=largest))


def _check_limits(k: Values) -> None:
    if np.isnan(k).any():
        raise EvaluationError("Parameter value is NaN")
    if k.min() <= _INT64_LOW:
        raise EvaluationError(f"Scalar value {format_general(float(k.min()))} underflows int64")
    if k.max() >= _INT64_HIGH:
        raise EvaluationError(f"Scalar value {format_general(float(k.max()))} overflows int64")


def _best_first(matrix: Matrix, groups: Ints, limit: int, *, largest: bool) -> Ints:
    """Chosen rows of an instant query: groups as first seen, inside a group the best first."""
    ordered = _by_group(np.flatnonzero(matrix.present[:, 0]), groups)
    borders = np.flatnonzero(np.diff(groups[ordered])) + 1
    parts = [
        rows[heap_order(matrix.values[rows, 0], limit, largest=largest)]
        for rows in np.split(ordered, borders)
        if rows.size
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _by_group(rows: Ints, groups: Ints) -> Ints:
    """`rows` with those of one group together, groups in the order of their first row."""
    _, first_seen, member_of = np.unique(groups[rows], return_index=True, return_inverse=True)
    return rows[np.argsort(first_seen[member_of], kind="stable")]


def limit_ratio(run: Run, node: Aggregate, stream: Stream, ratio: Values, grid: Grid) -> Matrix:
    """limit_ratio(r, v): the rows whose hash falls into the share r, or with r < 0 the others."""
    assert node.param is not None
    matrix = collect(run, stream, grid.count)
    if (ratio == 0).all():
        return empty(grid.count)
    if np.isnan(ratio).any():
        raise EvaluationError("Ratio value is NaN")
    for extreme, capped in ((float(ratio.max()), 1.0), (float(ratio.min()), -1.0)):
        if extreme * capped > 1:
            run.notices.warn(notices.ratio_out_of_range(extreme, capped), node.param.span)
    ratio = np.clip(ratio, -1, 1)
    offsets = np.array([hash_offset(labels) for labels in matrix.series.labels])[:, np.newaxis]
    kept = np.where(ratio >= 0, offsets < ratio, offsets >= 1 + ratio)
    return matrix.where(kept).compact()


def hash_offset(labels: Labels) -> float:
    """Where in [0, 1] a label set falls; the same as upstream's, so that samples agree."""
    parts = bytearray()
    for name, value in labels:
        for text in (name.encode(), value.encode()):
            length = len(text)
            parts += bytes([length]) if length < 255 else b"\xff" + length.to_bytes(3, "little")
            parts += text
    return xxhash64(bytes(parts)) / 1.8446744073709552e19
