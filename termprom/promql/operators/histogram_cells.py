"""Native histograms beside a matrix: by row, then by step. Few cells hold one, so they are sparse.

Rows without any histogram are not in it; a value without histograms has NO_HISTOGRAMS, and all
operators leave it alone then: floats pay nothing. Nobody changes cells that were handed on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from termprom.model.values import Ints, Mask
from termprom.promql.histograms.value import Histogram

Cells = Mapping[int, Mapping[int, Histogram]]
NO_HISTOGRAMS: Final[Cells] = MappingProxyType({})


def mask_of(cells: Cells, rows: int, steps: int) -> Mask:
    """Where there is a histogram; (rows, steps)."""
    mask = np.zeros((rows, steps), dtype=np.bool_)
    for row, held in cells.items():
        mask[row, list(held)] = True
    return mask


def held(present: Mask, cells: Cells) -> Mask:
    """Where there is anything, given where floats are; (K, S)."""
    return present | mask_of(cells, *present.shape) if cells else present


def mapped(cells: Cells, change: Callable[[Histogram], Histogram]) -> Cells:
    """`change` applied to every histogram."""
    return {row: {at: change(one) for at, one in held.items()} for row, held in cells.items()}


def taken(cells: Cells, rows: Ints) -> Cells:
    """Cells of some rows, in the order of `rows`."""
    if not cells:
        return cells
    return {new: cells[old] for new, old in enumerate(rows.tolist()) if old in cells}


def where(cells: Cells, mask: Mask) -> Cells:
    """The cells that `mask` (K, S) keeps."""
    found = {}
    for row, held in cells.items():
        kept = {step: one for step, one in held.items() if mask[row, step]}
        if kept:
            found[row] = kept
    return found


def shifted(cells: Cells, by: int) -> Cells:
    """The same cells as rows further down."""
    return {row + by: held for row, held in cells.items()}


def folded(cells: Cells, groups: Ints) -> Cells:
    """Rows of one group brought together; where two meet the first stays."""
    found: dict[int, dict[int, Histogram]] = {}
    for row in sorted(cells):
        into = found.setdefault(int(groups[row]), {})
        for step, one in cells[row].items():
            into.setdefault(step, one)
    return found


def spread(cells: Cells, steps: int) -> Cells:
    """The first step's histograms at every step."""
    return {row: dict.fromkeys(range(steps), held[0]) for row, held in cells.items() if 0 in held}


def sizes(cells: Cells) -> int:
    """What the histograms count for in the budget of samples."""
    return sum(one.size for held in cells.values() for one in held.values())
