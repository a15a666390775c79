"""Arithmetic and comparisons between two vectors: which rows meet, and what the result is called.

Matching looks at labels only, so it is done once for all steps; which of the rows are there differs
from step to step. Errors are upstream's and belong to the earliest step at which they occur.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.labels import Labels, quote
from termprom.model.values import Ints, Mask, Values
from termprom.promql.histograms.value import Histogram
from termprom.promql.kernels.arithmetic import ARITHMETIC, COMPARISONS
from termprom.promql.kernels.join import Folded, count_of_group, first_true, fold_rows
from termprom.promql.operators import histogram_cells
from termprom.promql.operators.fill import with_fills
from termprom.promql.operators.histogram_binary import (
    TRIMS,
    Element,
    Remarks,
    element_binary,
)
from termprom.promql.operators.histogram_cells import NO_HISTOGRAMS, Cells
from termprom.promql.operators.signatures import Sides, number_signatures
from termprom.promql.operators.stream import Matrix, Series, without_name
from termprom.promql.operators.unique import merge
from termprom.promql.plan import Binary
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Cardinality

_AMBIGUOUS = (
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
)
_AMBIGUOUS_GROUPED = "multiple matches for labels: grouping labels must ensure unique matches"


def vector_match(run: Run, node: Binary, left: Matrix, right: Matrix, steps: int) -> Matrix:
    """`left op right` for two vectors. Raises EvaluationError for ambiguous matches."""
    matching = node.matching
    swapped = matching.cardinality is Cardinality.ONE_TO_MANY
    many, one = (right, left) if swapped else (left, right)
    numbers = number_signatures(many.series.labels, one.series.labels, matching)
    sides = Sides(many, one, numbers[0], numbers[1], numbers[2], swapped)
    sides, filled = with_fills(sides, matching)

    one_held, many_held = sides.one.held(), sides.many.held()
    folded = fold_rows(sides.one.values, one_held, sides.one_numbers, len(sides.signatures))
    partner = folded.values[sides.many_numbers]
    # A one side that is nowhere at a step decides that step before its duplicates could.
    both_sides: Mask = np.any(many_held, axis=0) & np.any(one_held, axis=0)
    matched: Mask = many_held & folded.present[sides.many_numbers]
    clash_at = first_true(folded.clash & (both_sides | filled))
    grouped = matching.cardinality is not Cardinality.ONE_TO_ONE
    histograms: Cells = NO_HISTOGRAMS
    if node.op in TRIMS or sides.one.histograms or sides.many.histograms:
        elements = _elements(run, node, sides, folded, matched)
        # A pair that cannot be combined is no match.
        matched = matched & ~elements.invalid
        histograms = elements.cells
        values, kept = _combined(node, sides, partner, matched)
        values = np.where(elements.decided, elements.values, values)
        kept = np.where(elements.decided, elements.kept, kept)
    else:
        values, kept = _combined(node, sides, partner, matched)
    series, rows, cells = _result_rows(run, node, sides, folded, matched)
    ambiguous_at = (
        first_true(_repeated_results(series, rows, cells, sides))
        if grouped
        else first_true(_repeated_matches(sides, matched))
    )
    if clash_at < steps and clash_at <= ambiguous_at:
        raise EvaluationError(_duplicates(sides, clash_at), node.span.start, node.span.end)
    if ambiguous_at < steps:
        message = _AMBIGUOUS_GROUPED if grouped else _AMBIGUOUS
        raise EvaluationError(message, node.span.start, node.span.end)
    result = Matrix(series, values[rows], kept[rows] & cells)
    if histograms:
        found = histogram_cells.where(histogram_cells.taken(histograms, rows), cells)
        result = Matrix(series, result.values, result.present, found)
    return merge(result)


@dataclass(frozen=True, slots=True)
class _Elements:
    """Pairs that were combined one by one, by row of the many side; (M, S).

    `decided` pairs have their float in `values` where `kept`, their histogram in `cells`; `invalid`
    ones could not be combined.
    """

    decided: Mask
    invalid: Mask
    values: Values
    kept: Mask
    cells: Cells


def _elements(run: Run, node: Binary, sides: Sides, folded: Folded, matched: Mask) -> _Elements:
    """All matched pairs with a histogram in them; for the trim operators all matched pairs."""
    many, one = sides.many, sides.one
    special = histogram_cells.mask_of(many.histograms, *matched.shape)
    one_special = histogram_cells.mask_of(one.histograms, *one.present.shape)
    sources = folded.source[sides.many_numbers]
    steps = np.arange(matched.shape[1])
    special |= one_special[sources, steps] if one_special.size else False
    decided = matched if node.op in TRIMS else matched & special
    invalid = np.zeros(matched.shape, dtype=np.bool_)
    values, kept = np.zeros(matched.shape), np.zeros(matched.shape, dtype=np.bool_)
    cells: dict[int, dict[int, Histogram]] = {}
    remarks = Remarks()
    for row, step in np.argwhere(decided).tolist():
        mine = _element(many, row, step)
        other = _element(one, int(sources[row, step]), step)
        left, right = (other, mine) if sides.swapped else (mine, other)
        found = element_binary(node.op, left, right, step, remarks)
        if found is None:
            invalid[row, step] = True
        elif isinstance(found, bool) and not node.return_bool:
            if found and isinstance(left, Histogram):
                cells.setdefault(row, {})[step] = left
        elif isinstance(found, Histogram):
            cells.setdefault(row, {})[step] = found
        else:
            values[row, step], kept[row, step] = float(found), True
    remarks.report(run, node.span)
    return _Elements(decided, invalid, values, kept, cells)


def _element(matrix: Matrix, row: int, step: int) -> Element:
    held = matrix.histograms.get(row)
    if held is not None and step in held:
        return held[step]
    return float(matrix.values[row, step])


def _combined(node: Binary, sides: Sides, partner: Values, matched: Mask) -> tuple[Values, Mask]:
    """Values and which cells survive, per row of the many side; (M, S)."""
    many = sides.many.values
    left, right = (partner, many) if sides.swapped else (many, partner)
    if node.op in TRIMS:
        return many, np.zeros_like(matched)
    compare = COMPARISONS.get(node.op)
    if compare is None:
        return ARITHMETIC[node.op](left, right), matched
    holds: Mask = compare(left, right)
    if node.return_bool:
        return holds.astype(np.float64), matched
    return left, matched & holds


def _result_rows(
    run: Run, node: Binary, sides: Sides, folded: Folded, matched: Mask
) -> tuple[Series, Ints, Mask]:
    """Result series, the many row each comes from, and at which steps it is that series.

    A row has one label set, except where labels are included from a one side whose series take
    turns: then it has one per partner.
    """
    drops = node.op in ARITHMETIC or node.return_bool
    matching = node.matching
    grouped = matching.cardinality is not Cardinality.ONE_TO_ONE
    used = np.flatnonzero(matched.any(axis=1))
    labels: list[Labels] = []
    rows: list[int] = []
    cells: list[Mask] = []
    many_labels, one_labels = sides.many.series.labels, sides.one.series.labels
    reduce = _reducer(run, node, drops=drops)
    for row in used.tolist():
        base = reduce(many_labels[row])
        if not (grouped and matching.include):
            labels.append(base)
            rows.append(row)
            cells.append(matched[row])
            continue
        number = sides.many_numbers[row]
        for source in np.unique(folded.source[number][matched[row]]).tolist():
            included = {name: one_labels[source].get(name) for name in matching.include}
            labels.append(base.merge(included))
            rows.append(row)
            cells.append(matched[row] & (folded.source[number] == source))
    chosen = np.array(rows, dtype=np.int64)
    steps = matched.shape[1]
    mask = np.array(cells, dtype=np.bool_).reshape(len(rows), steps)
    return Series(labels, pending=_pending(run, node, chosen)), chosen, mask


def _pending(run: Run, node: Binary, rows: Ints) -> Mask | None:
    """Arithmetic removes the name at once, `bool` in the end; a filter forgets what was due."""
    if not run.delayed_name_removal:
        return None
    return np.full(rows.size, node.return_bool)


def _reducer(run: Run, node: Binary, *, drops: bool) -> Callable[[Labels], Labels]:
    matching = node.matching
    names = frozenset(matching.labels)
    delayed = run.delayed_name_removal and node.return_bool
    one_to_one = matching.cardinality is Cardinality.ONE_TO_ONE

    def reduce(labels: Labels) -> Labels:
        if drops and not delayed:
            labels = without_name(labels)
        if not one_to_one:
            return labels
        return Labels([pair for pair in labels if (pair[0] in names) is matching.on])

    return reduce


def _repeated_results(series: Series, rows: Ints, cells: Mask, sides: Sides) -> Mask:
    """Steps at which two rows of one signature have the same result labels."""
    numbers: dict[tuple[int, Labels], int] = {}
    groups = [
        numbers.setdefault((int(sides.many_numbers[row]), labels), len(numbers))
        for row, labels in zip(rows.tolist(), series.labels, strict=True)
    ]
    steps = cells.shape[1]
    if len(numbers) == len(groups):
        return np.zeros(steps, dtype=np.bool_)
    counts = count_of_group(cells, np.array(groups, dtype=np.int64), len(numbers))
    repeated: Mask = np.any(counts > 1, axis=0)
    return repeated


def _repeated_matches(sides: Sides, matched: Mask) -> Mask:
    """Steps at which two rows of the many side meet one partner."""
    counts = count_of_group(matched, sides.many_numbers, len(sides.signatures))
    repeated: Mask = np.any(counts > 1, axis=0)
    return repeated


def _duplicates(sides: Sides, step: int) -> str:
    """The message for two series of one side that match alike."""
    present = np.flatnonzero(sides.one.held()[:, step])
    seen: dict[int, int] = {}
    labels = sides.one.series.labels
    for row in present.tolist():
        number = int(sides.one_numbers[row])
        if number in seen:
            group = _braced(sides.signatures[number])
            pair = ", ".join(sorted((_braced(labels[row]), _braced(labels[seen[number]]))))
            side = "left" if sides.swapped else "right"
            return (
                f"found duplicate series for the match group {group} on the {side} hand-side of "
                f"the operation: [{pair}];many-to-many matching not allowed: matching labels must "
                "be unique on one side"
            )
        seen[number] = row
    raise AssertionError("a clash has two rows")


def _braced(labels: Labels) -> str:
    """All labels inside braces, the metric name among them."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"
