"""Where the lines of a layout go in a target's group of series.

A binding holds for as long as layout, target and job stay the same: then a scrape is one append of
its values at the columns that are known from last time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from termprom.errors import ScrapeError
from termprom.exposition.entries import LabelPairs
from termprom.model.labels import Labels
from termprom.model.values import Ints, Mask
from termprom.scrape.keyed import PageLayout
from termprom.scrape.labelling import Labelling
from termprom.storage import Group

DROPPED: Final = -1
_UNBOUND: Final = -2


class Binding:
    """The columns of a layout's lines. With an `error`, of the lines before the one at fault.

    columns: (K,) DROPPED where relabelling drops the line, or behind the fault
    stored: (M,) the lines whose values are appended: kept, and the first of their series
    reached: how many lines were read; K without an error
    """

    __slots__ = ("columns", "duplicates", "error", "layout", "reached", "stored", "targets")

    def __init__(
        self, layout: PageLayout, columns: Ints, reached: int, error: ScrapeError | None
    ) -> None:
        self.layout = layout
        self.columns = columns
        self.reached = reached
        self.error = error
        kept = np.flatnonzero(columns != DROPPED)
        _, first = np.unique(columns[kept], return_index=True)
        self.duplicates = len(kept) - len(first)
        self.stored: Ints = kept if not self.duplicates else kept[np.sort(first)]
        self.targets: Ints = columns[self.stored]

    def __repr__(self) -> str:
        return f"Binding({len(self.stored)} of {self.layout.count} lines)"

    @property
    def kept(self) -> int:
        """How many lines metric relabelling left, repeated ones included."""
        return len(self.stored) + self.duplicates

    @property
    def whole(self) -> bool:
        """Whether every line is stored, so that values need no picking."""
        return len(self.stored) == self.layout.count


Labelled = tuple[list[Labels | None], ScrapeError | None]


def bind(
    layout: PageLayout,
    labelling: Labelling,
    group: Group,
    before: Binding | None = None,
    kept: Ints | None = None,
    labelled: Labelled | None = None,
) -> Binding:
    """The binding of `layout`. `kept` (K,) are the lines' numbers in the layout of `before`.

    `labelled` is what `label_lines` makes of all lines, where somebody has done it already.
    """
    columns = np.full(layout.count, _UNBOUND, dtype=np.int64)
    if before is not None and kept is not None and before.error is None:
        known: Mask = kept >= 0
        columns[known] = before.columns[kept[known]]
    new = np.flatnonzero(columns == _UNBOUND)
    if not len(new):
        return Binding(layout, columns, layout.count, None)
    if labelled is None or len(new) < layout.count:
        pairs = layout.pairs()
        labelled = label_lines([pairs[number] for number in new.tolist()], labelling)
    labels, error = labelled
    present = np.array([one is not None for one in labels], dtype=np.bool_)
    columns[new] = DROPPED
    columns[new[: len(labels)][present]] = group.columns([one for one in labels if one is not None])
    if error is None:
        return Binding(layout, columns, layout.count, None)
    at_fault = int(new[len(labels)])
    columns[at_fault:] = DROPPED
    return Binding(layout, columns, at_fault + 1, error)


def label_lines(lines: Sequence[LabelPairs], labelling: Labelling) -> Labelled:
    """Labels of the lines up to the first that fails the scrape, and that failure."""
    labels: list[Labels | None] = []
    for pairs in lines:
        try:
            labels.append(labelling(pairs))
        except ScrapeError as problem:
            return labels, problem
    return labels, None
