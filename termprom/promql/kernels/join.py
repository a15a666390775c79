"""Bringing rows of two matrices together by numbers that stand for their matching labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from termprom.model.values import Ints, Mask, Values


@dataclass(frozen=True, slots=True)
class Folded:
    """Rows (K, S) brought down to one row per group (G, S).

    `source` (G, S) is the row a cell came from, `clash` (S,) the steps at which some group had two
    rows, `present` (G, S).
    """

    values: Values
    present: Mask
    source: Ints
    clash: Mask


def fold_rows(values: Values, present: Mask, groups: Ints, groups_count: int) -> Folded:
    """One row per group, assuming that its rows take turns; `clash` tells where they do not."""
    rows, steps = present.shape
    if groups_count == rows and (groups == np.arange(rows)).all():
        source = np.broadcast_to(np.arange(rows)[:, np.newaxis], present.shape)
        return Folded(values, present, source, np.zeros(steps, dtype=np.bool_))
    counts = np.zeros((groups_count, steps), dtype=np.int64)
    source = np.zeros((groups_count, steps), dtype=np.int64)
    folded = np.zeros((groups_count, steps))
    row_at, step_at = np.nonzero(present)
    np.add.at(counts, (groups[row_at], step_at), 1)
    # Written from last to first, so that the first of several rows stays.
    backwards = (groups[row_at[::-1]], step_at[::-1])
    source[backwards] = row_at[::-1]
    folded[backwards] = values[row_at[::-1], step_at[::-1]]
    clash: Mask = np.any(counts > 1, axis=0)
    return Folded(folded, counts > 0, source, clash)


def any_of_group(present: Mask, groups: Ints, groups_count: int) -> Mask:
    """Where at least one row of each group is present; (K, S) -> (G, S)."""
    held = np.zeros((groups_count, present.shape[1]), dtype=np.bool_)
    if groups.size:
        order = np.argsort(groups, kind="stable")
        ordered = groups[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        held[ordered[starts]] = np.logical_or.reduceat(present[order], starts, axis=0)
    return held


def count_of_group(present: Mask, groups: Ints, groups_count: int) -> Ints:
    """How many rows of each group are present; (K, S) -> (G, S)."""
    counts = np.zeros((groups_count, present.shape[1]), dtype=np.int64)
    if groups.size:
        order = np.argsort(groups, kind="stable")
        ordered = groups[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        counts[ordered[starts]] = np.add.reduceat(present[order], starts, axis=0, dtype=np.int64)
    return counts


def first_true(mask: Mask) -> int:
    """The first true position of (S,), or S where there is none."""
    found = np.flatnonzero(mask)
    return int(found[0]) if found.size else mask.size
