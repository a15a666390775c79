"""Choosing k of each group: best values (topk, bottomk) or first rows (limitk)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from termprom.model.values import Ints, Mask, Values

_Relation = Callable[[int, int], bool]


def size_classes(groups: Ints) -> Iterator[Ints]:
    """Row numbers (g, n) of all groups with n rows, for each n; rows ascend within a group.

    There are at most sqrt(2 K) different sizes of groups among K rows.
    """
    order = np.argsort(groups, kind="stable")
    _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    for size in np.unique(sizes):
        chosen = starts[sizes == size]
        yield order[chosen[:, np.newaxis] + np.arange(size)]


def choose_best(
    values: Values, present: Mask, groups: Ints, limits: Ints, *, largest: bool
) -> Mask:
    """Which cells are among the `limits` (S,) best of their group at their step; (K, S).

    NaN is worse than any number. Where equals compete for the last place, the answer is that of
    upstream's heap.
    """
    chosen = np.zeros(values.shape, dtype=np.bool_)
    for rows in size_classes(groups):
        have, shown = present[rows], values[rows]
        size = rows.shape[1]
        if (limits >= size).all():
            chosen[rows] = have
            continue
        winners = _clear_winners(shown, have, limits, largest=largest)
        if winners is not None:
            chosen[rows] = winners
            continue
        # Sorting key: best first, NaN after every number, absent last of all.
        key = np.where(have, -shown if largest else shown, np.inf)
        number: Mask = have & ~np.isnan(shown)
        rank_class = np.where(number, 0, np.where(have, 1, 2))
        key = np.where(number, key, 0.0)
        order = np.lexsort((key, rank_class), axis=1)
        place = np.arange(size)[np.newaxis, :, np.newaxis]
        picked = np.zeros(have.shape, dtype=np.bool_)
        np.put_along_axis(picked, order, np.broadcast_to(place < limits, have.shape), axis=1)
        picked &= have
        _settle_ties(picked, shown, have, key, rank_class, order, limits, largest=largest)
        chosen[rows] = picked
    return chosen


def _clear_winners(values: Values, have: Mask, limits: Ints, *, largest: bool) -> Mask | None:
    """The best of each group (g, n, S) where no step needs a closer look; else None.

    Finding the last that wins costs a fifth of sorting all. With equals on the border, NaN, or the
    worst of all values among the members, only the order of everything tells.
    """
    limit = int(limits[0])
    if limit < 1 or (limits != limit).any():
        return None
    # The best first; absent ones last, with the worst of all values.
    key = np.where(have, -values if largest else values, np.inf)
    if np.isnan(key).any():
        return None
    # Steps in rows: the partition runs over neighbours in memory.
    by_step = np.array(key.transpose(0, 2, 1), order="C")
    by_step.partition(limit - 1, axis=-1)
    last = by_step[:, :, limit - 1][:, np.newaxis, :]
    if np.isinf(last).any():
        return None
    picked: Mask = key <= last
    return picked if (np.count_nonzero(picked, axis=1) == limit).all() else None


def _settle_ties(
    picked: Mask,
    values: Values,
    have: Mask,
    key: Values,
    rank_class: Ints,
    order: Ints,
    limits: Ints,
    *,
    largest: bool,
) -> None:
    """Redo, in place, the groups and steps in which equals straddle the last place; (g, n, S)."""
    size, steps = values.shape[1], values.shape[2]
    if size < 2:
        return
    inside = np.clip(limits - 1, 0, size - 1)
    outside = np.clip(limits, 0, size - 1)
    at = np.arange(steps)
    in_row, out_row = order[:, inside, at], order[:, outside, at]
    group_number = np.arange(values.shape[0])[:, np.newaxis]
    tied: Mask = (
        (limits >= 1)
        & (limits < size)
        & (key[group_number, in_row, at] == key[group_number, out_row, at])
        & (rank_class[group_number, in_row, at] == rank_class[group_number, out_row, at])
        & have[group_number, out_row, at]
    )
    for group, step in zip(*(found.tolist() for found in np.nonzero(tied)), strict=True):
        members = np.flatnonzero(have[group, :, step])
        best = heap_order(values[group, members, step], int(limits[step]), largest=largest)
        picked[group, :, step] = False
        picked[group, members[best], step] = True


def heap_order(values: Values, limit: int, *, largest: bool) -> Ints:
    """Positions of the `limit` best of (n,), best first, with upstream's order among equals.

    Source: reference 4.4: a heap whose root is the worst, then an insertion sort of its array.
    """
    if limit < 1:
        return np.empty(0, dtype=np.int64)
    sign = 1.0 if largest else -1.0
    items = [float(value) * sign for value in values]

    def worse(left: int, right: int) -> bool:
        return items[left] != items[left] or items[left] < items[right]

    heap: list[int] = []
    for index, item in enumerate(items):
        if len(heap) < limit:
            heap.append(index)
            _sift_up(heap, worse)
        else:
            root = items[heap[0]]
            if root < item or (root != root and item == item):
                heap[0] = index
                _sift_down(heap, worse)
    for start in range(1, len(heap)):
        j = start
        while j > 0 and worse(heap[j - 1], heap[j]):
            heap[j - 1], heap[j] = heap[j], heap[j - 1]
            j -= 1
    return np.array(heap, dtype=np.int64)


def _sift_up(heap: list[int], worse: _Relation) -> None:
    j = len(heap) - 1
    while j > 0:
        parent = (j - 1) // 2
        if not worse(heap[j], heap[parent]):
            break
        heap[j], heap[parent] = heap[parent], heap[j]
        j = parent


def _sift_down(heap: list[int], worse: _Relation) -> None:
    j = 0
    while 2 * j + 1 < len(heap):
        child = 2 * j + 1
        if child + 1 < len(heap) and worse(heap[child + 1], heap[child]):
            child += 1
        if not worse(heap[child], heap[j]):
            break
        heap[j], heap[child] = heap[child], heap[j]
        j = child


def sort_order(values: Values, *, descending: bool) -> Ints:
    """The order of (n,) that sort() and sort_desc() give; NaN last in both.

    Upstream sorts up to twelve elements by insertion, which is stable except that NaNs turn round.
    """
    nans = np.flatnonzero(np.isnan(values))
    numbers = np.flatnonzero(~np.isnan(values))
    keys = -values[numbers] if descending else values[numbers]
    return np.concatenate([numbers[np.argsort(keys, kind="stable")], nans[::-1]])


def choose_first(present: Mask, groups: Ints, limits: Ints) -> Mask:
    """Which cells are among the first `limits` (S,) present ones of their group; (K, S)."""
    chosen = np.zeros(present.shape, dtype=np.bool_)
    for rows in size_classes(groups):
        have = present[rows]
        chosen[rows] = have & (have.cumsum(axis=1) <= limits)
    return chosen
