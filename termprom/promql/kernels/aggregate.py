"""Folding rows into groups, batch after batch.

A fold holds arrays (G, S). `reduce` makes a part of one batch of rows, `values` and `present`
(k, S) with their `groups` (k,): it changes nothing and may run in any thread. `merge` takes the
parts in, one after the other, and `result` gives values and present (G, S). Rows of one batch are
combined pairwise, so the number of numpy calls follows the logarithm of the batch and not the
number of groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from termprom.model.values import Ints, Mask, Values
from termprom.promql.kernels.compensated import (
    add_pairs,
    add_single,
    kahan_step,
    may_overflow,
    settle,
)
from termprom.promql.kernels.over_time import mean_step

Part = Any  # what a fold's `reduce` gives to its own `merge`


class Fold(Protocol):
    """One running aggregation."""

    def reduce(self, values: Values, present: Mask, groups: Ints) -> Part: ...

    def merge(self, part: Part) -> None: ...

    def result(self) -> tuple[Values, Mask]: ...


class _Segments:
    """Rows of a batch ordered by group, and how to halve them pairwise until one each is left.

    rounds: (kept, gaining, gained), rows that stay, the left of a pair or alone, and which of them
    gain which row: new = old[kept]; new[gaining] += old[gained].
    """

    def __init__(self, groups: Ints) -> None:
        self.order = np.argsort(groups, kind="stable")
        ordered = groups[self.order]
        is_first = np.ones(ordered.size, dtype=np.bool_)
        is_first[1:] = ordered[1:] != ordered[:-1]
        self.starts = np.flatnonzero(is_first)
        self.groups = ordered[self.starts]
        self.sizes = np.diff(np.append(self.starts, ordered.size))
        self.rounds = list(self._halvings())

    def _halvings(self) -> Iterator[tuple[Ints, Ints, Ints]]:
        sizes = self.sizes
        while sizes.max(initial=0) > 1:
            starts = np.cumsum(sizes) - sizes
            within = np.arange(int(sizes.sum())) - np.repeat(starts, sizes)
            kept = np.flatnonzero(within % 2 == 0)
            paired = within[kept] + 1 < np.repeat(sizes, sizes)[kept]
            gaining = np.flatnonzero(paired)
            yield kept, gaining, kept[gaining] + 1
            sizes = (sizes + 1) // 2


def _segments(groups: Ints) -> _Segments:
    return _segments_of(np.ascontiguousarray(groups, dtype=np.int64).tobytes())


# The batches of one query are alike: each target brings the same modes and buckets.
@lru_cache(maxsize=32)
def _segments_of(groups: bytes) -> _Segments:
    return _Segments(np.frombuffer(groups, dtype=np.int64))


class CountFold:
    """count: how many rows are present."""

    def __init__(self, groups_count: int, steps: int) -> None:
        self._counts = np.zeros((groups_count, steps), dtype=np.int64)

    def reduce(self, values: Values, present: Mask, groups: Ints) -> Part:
        segments = _segments(groups)
        if not present.all():
            ordered = present[segments.order]
            counts = np.add.reduceat(ordered, segments.starts, axis=0, dtype=np.int64)
        else:
            counts = segments.sizes[:, np.newaxis]
        return segments.groups, counts

    def merge(self, part: Part) -> None:
        into, counts = part
        self._counts[into] += counts

    def result(self) -> tuple[Values, Mask]:
        return self._counts.astype(np.float64), self._counts > 0


class GroupFold(CountFold):
    """group: 1 where any row is present."""

    def result(self) -> tuple[Values, Mask]:
        return np.ones(self._counts.shape), self._counts > 0


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of a batch by group, and what they lost; (g, S) each, `held` or (g, 1)."""

    into: Ints
    sums: Values
    rests: Values
    held: Mask


@dataclass(frozen=True, slots=True)
class _Addends:
    """A batch whose sums might overflow: to be added in order. Rows are ordered by group."""

    segments: _Segments
    values: Values
    held: Mask


class SumFold:
    """sum, compensated; in upstream's order where a partial sum might overflow."""

    def __init__(self, groups_count: int, steps: int) -> None:
        # Minus zero is the number that adding changes nothing, not even a sign.
        self._sums = np.full((groups_count, steps), -0.0)
        self._rests = np.zeros((groups_count, steps))
        self._held = np.zeros((groups_count, steps), dtype=np.bool_)

    def reduce(self, values: Values, present: Mask, groups: Ints) -> _Sums | _Addends:
        segments = _segments(groups)
        if present.all():
            shown = values
            held: Mask = np.ones((segments.groups.size, 1), dtype=np.bool_)
        else:
            shown = np.where(present, values, -0.0)
            held = np.logical_or.reduceat(present[segments.order], segments.starts, axis=0)
        if may_overflow(shown, groups.size):
            return _Addends(segments, shown[segments.order], held)
        sums, rests = _halved(shown, segments)
        return _Sums(segments.groups, sums, rests, held)

    def merge(self, part: _Sums | _Addends) -> None:
        if isinstance(part, _Addends):
            self._held[part.segments.groups] |= part.held
            self._add_in_order(part.values, part.segments)
            return
        into = part.into
        self._held[into] |= part.held
        self._sums[into], self._rests[into] = add_pairs(
            self._sums[into], self._rests[into], part.sums, part.rests
        )

    def _add_in_order(self, values: Values, segments: _Segments) -> None:
        for member in range(int(segments.sizes.max())):
            having = segments.sizes > member
            into = segments.groups[having]
            self._sums[into], self._rests[into] = kahan_step(
                values[segments.starts[having] + member], self._sums[into], self._rests[into]
            )

    def pairs(self) -> tuple[Values, Values, Mask]:
        """Sums, what they lost, present."""
        return self._sums, self._rests, self._held

    def result(self) -> tuple[Values, Mask]:
        return settle(self._sums, self._rests), self._held


def _halved(values: Values, segments: _Segments) -> tuple[Values, Values]:
    """The sum of each group's rows, and what it lost; (g, S)."""
    order = segments.order
    if not segments.rounds:
        return values[order], np.zeros(values.shape)
    # The first round takes single rows, which have lost nothing yet, from where they are.
    kept, gaining, gained = segments.rounds[0]
    sums = values[order[kept]]
    if gaining.size == kept.size:
        sums, rests = add_single(sums, values[order[gained]])
    else:
        rests = np.zeros_like(sums)
        sums[gaining], rests[gaining] = add_single(sums[gaining], values[order[gained]])
    for kept, gaining, gained in segments.rounds[1:]:
        more, more_rests = sums[gained], rests[gained]
        sums, rests = sums[kept], rests[kept]
        if gaining.size == kept.size:
            sums, rests = add_pairs(sums, rests, more, more_rests)
        else:
            sums[gaining], rests[gaining] = add_pairs(
                sums[gaining], rests[gaining], more, more_rests
            )
    return sums, rests


class AverageFold:
    """avg: a compensated sum by count; a running mean from where the sum would overflow."""

    def __init__(self, groups_count: int, steps: int) -> None:
        self._sum = SumFold(groups_count, steps)
        self._count = CountFold(groups_count, steps)
        self._running: _RunningMean | None = None

    def reduce(self, values: Values, present: Mask, groups: Ints) -> Part:
        summed = self._sum.reduce(values, present, groups)
        counted = self._count.reduce(values, present, groups)
        return summed, counted, values, present, _segments(groups)

    def merge(self, part: Part) -> None:
        summed, counted, values, present, segments = part
        if self._running is None and isinstance(summed, _Addends):
            sums, rests, _ = self._sum.pairs()
            counts, _ = self._count.result()
            self._running = _RunningMean(sums, rests, counts)
        if self._running is not None:
            self._running.add(values[segments.order], present[segments.order], segments)
            return
        self._sum.merge(summed)
        self._count.merge(counted)

    def result(self) -> tuple[Values, Mask]:
        if self._running is not None:
            return self._running.result()
        sums, rests, held = self._sum.pairs()
        counts = np.maximum(self._count.result()[0], 1)
        return settle(sums / counts, rests / counts), held


class _RunningMean:
    """An average of members one after the other, as upstream takes it near overflow."""

    def __init__(self, sums: Values, rests: Values, counts: Values) -> None:
        self._sums, self._rests, self._counts = sums.copy(), rests.copy(), counts.copy()
        self._running = np.zeros(sums.shape, dtype=np.bool_)

    def add(self, values: Values, present: Mask, segments: _Segments) -> None:
        for member in range(int(segments.sizes.max())):
            having = segments.sizes > member
            into = segments.groups[having]
            rows = segments.starts[having] + member
            have = present[rows]
            self._counts[into] += have
            number = np.maximum(self._counts[into], 1)
            self._sums[into], self._rests[into], self._running[into] = mean_step(
                values[rows],
                have,
                number,
                self._sums[into],
                self._rests[into],
                self._running[into],
            )

    def result(self) -> tuple[Values, Mask]:
        held: Mask = self._counts > 0
        counts = np.maximum(self._counts, 1)
        plain = settle(self._sums / counts, self._rests / counts)
        return np.where(self._running, settle(self._sums, self._rests), plain), held


class ExtremeFold:
    """min (np.fmin) or max (np.fmax): NaN only where all present rows are NaN."""

    def __init__(self, better: np.ufunc, groups_count: int, steps: int) -> None:
        self._better = better
        self._best = np.full((groups_count, steps), np.nan)
        self._held = np.zeros((groups_count, steps), dtype=np.bool_)

    def reduce(self, values: Values, present: Mask, groups: Ints) -> Part:
        segments = _segments(groups)
        if present.all():
            held: Mask = np.ones((segments.groups.size, 1), dtype=np.bool_)
        else:
            values = np.where(present, values, np.nan)
            held = np.logical_or.reduceat(present[segments.order], segments.starts, axis=0)
        best = self._better.reduceat(values[segments.order], segments.starts, axis=0)
        return segments.groups, best, held

    def merge(self, part: Part) -> None:
        into, best, held = part
        self._best[into] = self._better(self._best[into], best)
        self._held[into] |= held

    def result(self) -> tuple[Values, Mask]:
        return self._best, self._held


class VarianceFold:
    """stdvar: population variance, partial results combined as Chan et al. (1979) do."""

    def __init__(self, groups_count: int, steps: int) -> None:
        shape = (groups_count, steps)
        self._parts = (np.zeros(shape), np.zeros(shape), np.zeros(shape))

    def reduce(self, values: Values, present: Mask, groups: Ints) -> Part:
        segments = _segments(groups)
        have = present[segments.order]
        means = np.where(have, values[segments.order], 0.0)
        squares = np.where(np.isfinite(means), 0.0, np.nan)
        parts = (have.astype(np.float64), means, squares)
        for kept, gaining, gained in segments.rounds:
            more = tuple(one[gained] for one in parts)
            parts = (parts[0][kept], parts[1][kept], parts[2][kept])
            joined = _join_variances(tuple(one[gaining] for one in parts), more)
            for old, new in zip(parts, joined, strict=True):
                old[gaining] = new
        return segments.groups, parts

    def merge(self, part: Part) -> None:
        into, parts = part
        joined = _join_variances(tuple(one[into] for one in self._parts), parts)
        for old, new in zip(self._parts, joined, strict=True):
            old[into] = new

    def result(self) -> tuple[Values, Mask]:
        counts, _, squares = self._parts
        return squares / np.maximum(counts, 1), counts > 0


class DeviationFold(VarianceFold):
    """stddev."""

    def result(self) -> tuple[Values, Mask]:
        squares, held = super().result()
        return np.sqrt(squares), held


def _join_variances(
    left: tuple[Values, ...], right: tuple[Values, ...]
) -> tuple[Values, Values, Values]:
    """(count, mean, sum of squared distances) of two sets together."""
    count = left[0] + right[0]
    off = right[1] - left[1]
    share = right[0] / np.maximum(count, 1)
    mean = np.where(left[0] == 0, right[1], np.where(right[0] == 0, left[1], left[1] + off * share))
    both = left[0] * share
    squares = left[2] + right[2] + np.where(both > 0, off * off * both, 0.0)
    return count, mean, squares
