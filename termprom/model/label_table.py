"""Many label sets as numbers: made into `Labels` one by one, when somebody looks at them.

A query over a million series looks at the labels of its few groups; making a million tuples first
would be most of its time. Grouping and ordering work on the numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Final, overload

import numpy as np

from termprom.model.labels import Labels
from termprom.model.values import AnyArray, Ints, Mask

# Tables up to this length keep the label sets that were made: dashboards ask again.
KEPT_MAX: Final = 20_000

_SEED: Final = 0x7E12  # of the numbers that stand for pairs in hashes; any will do


class LabelTable(Sequence[Labels]):
    """Label sets, in the order of their rows.

    Shapes: pairs P distinct (name, value), ascending; offsets (K + 1,); numbers (N,) int32: row k
    has pairs[numbers[offsets[k]:offsets[k + 1]]], ascending. Treat as read only.
    """

    __slots__ = ("_made", "numbers", "offsets", "pairs")

    def __init__(self, pairs: Sequence[tuple[str, str]], offsets: Ints, numbers: AnyArray) -> None:
        self.pairs = pairs
        self.offsets = offsets
        self.numbers = numbers
        self._made: list[Labels] | None = None

    def __repr__(self) -> str:
        return f"LabelTable({len(self)} label sets of {len(self.pairs)} pairs)"

    def __len__(self) -> int:
        return int(self.offsets.size) - 1

    @overload
    def __getitem__(self, at: int) -> Labels: ...
    @overload
    def __getitem__(self, at: slice) -> list[Labels]: ...
    def __getitem__(self, at: int | slice) -> Labels | list[Labels]:
        if self._made is not None:
            return self._made[at]
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        row = at + len(self) if at < 0 else at
        if not 0 <= row < len(self):
            raise IndexError(at)
        inside = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        return Labels([self.pairs[number] for number in self.numbers[inside].tolist()])

    def __iter__(self) -> Iterator[Labels]:
        if self._made is None and len(self) <= KEPT_MAX:
            self._made = list(self._make())
        return self._make() if self._made is None else iter(self._made)

    def _make(self) -> Iterator[Labels]:
        pairs, ends = self.pairs, self.offsets.tolist()
        step = 4096
        for first in range(0, len(self), step):
            borders = ends[first : first + step + 1]
            flat = [pairs[number] for number in self.numbers[borders[0] : borders[-1]].tolist()]
            for start, end in itertools.pairwise(borders):
                yield Labels(flat[start - borders[0] : end - borders[0]])

    def take(self, rows: Ints) -> LabelTable:
        """Some rows, in the order of `rows`."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.zeros(rows.size + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        within = np.arange(int(offsets[-1])) - np.repeat(offsets[:-1], lengths)
        numbers = self.numbers[np.repeat(self.offsets[:-1][rows], lengths) + within]
        return LabelTable(self.pairs, offsets, numbers)

    def ordered(self) -> Ints:
        """The rows (K,) in the order of their label sets; of equal ones the first comes first."""
        lengths = np.diff(self.offsets)
        columns: list[AnyArray] = []
        for place in range(int(lengths.max(initial=0))):
            # A set that ends sorts before one that goes on.
            column = np.full(lengths.size, -1, dtype=np.int32)
            longer = np.flatnonzero(lengths > place)
            column[longer] = self.numbers[self.offsets[:-1][longer] + place]
            if (column != column[0]).any():
                columns.append(column)
        if not columns:
            return np.arange(lengths.size, dtype=np.int64)
        return np.lexsort(columns[::-1])

    def names(self) -> set[str]:
        """All label names."""
        return {name for name, _ in self.pairs}

    def value_numbers(self, name: str) -> Ints:
        """The number of each row's pair with that name, -1 where it has none; (K,)."""
        is_named: Mask = np.fromiter((pair[0] == name for pair in self.pairs), np.bool_)
        found = np.full(len(self), -1, dtype=np.int64)
        places = np.flatnonzero(is_named[self.numbers])
        rows = np.searchsorted(self.offsets, places, side="right") - 1
        found[rows] = self.numbers[places]
        return found

    def grouped(self, keep: Callable[[str], bool]) -> tuple[Ints, Ints]:
        """Rows by the labels whose names are kept: (a row of each group, the group of each row).

        Groups come in the order of their first rows.
        """
        kept: Mask = np.fromiter((keep(name) for name, _ in self.pairs), np.bool_)
        # Sums of two random numbers per pair: 128 bits, as those that identify series on disk.
        chance = np.random.default_rng(_SEED)
        sums = np.zeros((2, len(self)), dtype=np.uint64)
        starts, ends = self.offsets[:-1], self.offsets[1:]
        for row in sums:
            weights = chance.integers(1, 1 << 63, len(self.pairs), dtype=np.uint64)
            weights[~kept] = 0
            running = np.zeros(self.numbers.size + 1, dtype=np.uint64)
            # Wraps around, and so does the difference.
            np.cumsum(weights[self.numbers], out=running[1:])
            np.subtract(running[ends], running[starts], out=row)
        order = np.lexsort(sums[::-1])
        is_first = np.ones(order.size, dtype=np.bool_)
        is_first[1:] = (sums[:, order[1:]] != sums[:, order[:-1]]).any(axis=0)
        # The sort is stable: the first of equals is the first row.
        firsts = order[is_first]
        by_row = np.argsort(firsts)
        rank = np.empty(by_row.size, dtype=np.int64)
        rank[by_row] = np.arange(by_row.size)
        groups = np.empty(order.size, dtype=np.int64)
        groups[order] = rank[np.cumsum(is_first) - 1]
        return firsts[by_row], groups


def label_table(labels: Sequence[Labels]) -> LabelTable:
    """The table of these label sets."""
    pairs = sorted({pair for one in labels for pair in one})
    number_of = {pair: number for number, pair in enumerate(pairs)}
    offsets = np.cumsum([0, *map(len, labels)], dtype=np.int64)
    numbers = np.array([number_of[pair] for one in labels for pair in one], dtype=np.int32)
    return LabelTable(pairs, offsets, numbers)
