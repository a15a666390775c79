"""Which rows belong to one group, by the labels that a clause names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from termprom.model.label_table import LabelTable
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.values import Ints
from termprom.promql.operators.stream import NAME_LABELS, Series

# From here on hashing a table's numbers is faster than looking at label set after label set.
_TABLE_ROWS_MIN: Final = 512


def group_rows(
    series: Series, grouping: Sequence[str], *, without: bool
) -> tuple[list[Labels], Ints]:
    """(labels of each group in first-seen order, the group number of each row (K,))."""
    source: Sequence[Labels] = series.raw if series.nameless else series.labels
    keeps = _keeps(grouping, without=without, nameless=series.nameless)

    def reduced(labels: Labels) -> Labels:
        return Labels([pair for pair in labels if keeps(pair[0])])

    if not grouping and not without:
        return ([Labels()] if len(source) else []), np.zeros(len(source), dtype=np.int64)
    if isinstance(source, LabelTable) and len(source) >= _TABLE_ROWS_MIN:
        firsts, groups = source.grouped(keeps)
        return [reduced(source[row]) for row in firsts.tolist()], groups
    numbers: dict[Labels, int] = {}
    rows = [numbers.setdefault(reduced(labels), len(numbers)) for labels in source]
    return list(numbers), np.array(rows, dtype=np.int64)


def _keeps(grouping: Sequence[str], *, without: bool, nameless: bool) -> Callable[[str], bool]:
    """Whether a label of that name remains: `by` keeps the names, `without` the others less the
    metric's. Of rows whose name is gone, type and unit are gone as well."""
    gone = frozenset(NAME_LABELS) if nameless else frozenset()
    if without:
        dropped = gone | frozenset(grouping) | {METRIC_NAME}
        return lambda name: name not in dropped
    kept = frozenset(grouping) - gone
    return lambda name: name in kept
