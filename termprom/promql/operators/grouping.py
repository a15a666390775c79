"""Which rows belong to one group, by the labels that a clause names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.values import Ints
from termprom.promql.operators.stream import NAME_LABELS, Series


def group_rows(
    series: Series, grouping: Sequence[str], *, without: bool
) -> tuple[list[Labels], Ints]:
    """(labels of each group in first-seen order, the group number of each row (K,))."""
    source: Sequence[Labels] = series.raw if series.nameless else series.labels
    reduce = keeper(grouping, without=without, nameless=series.nameless)
    numbers: dict[Labels, int] = {}
    rows = [numbers.setdefault(reduce(labels), len(numbers)) for labels in source]
    return list(numbers), np.array(rows, dtype=np.int64)


def keeper(
    grouping: Sequence[str], *, without: bool, nameless: bool = False
) -> Callable[[Labels], Labels]:
    """What remains of a label set: `by` keeps the names, `without` the others less the metric."""
    names = frozenset(grouping)
    if without:
        names |= {METRIC_NAME}
        if nameless:
            names |= set(NAME_LABELS)
        return lambda labels: Labels([pair for pair in labels if pair[0] not in names])
    if nameless:
        names -= set(NAME_LABELS)
    if not names:
        nothing = Labels()
        return lambda labels: nothing
    return lambda labels: Labels([pair for pair in labels if pair[0] in names])
