"""Folding rows into groups, batch after batch.

A fold holds arrays (G, S), takes batches of rows `values`, `present` (k, S) with their `groups`
(k,), and gives values and present (G, S) at the end. Rows of one batch are combined pairwise, so
the number of numpy calls follows the logarithm of the batch and not the number of groups.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from termprom.model.values import Ints, Mask, Values
from termprom.promql.kernels.compensated import add_pairs, kahan_step, may_overflow, settle
from termprom.promql.kernels.over_time import mean_step


class Fold(Protocol):
    """One running aggregation."""

    def add(self, values: Values, present: Mask, groups: Ints) -> None: ...

    def result(self) -> tuple[Values, Mask]: ...


class _Segments:
    """Rows of a batch ordered by group, and how to halve them pairwise until one each is left."""

    def __init__(self, groups: Ints) -> None:
        self.order = np.argsort(groups, kind="stable")
        ordered = groups[self.order]
        is_first = np.ones(ordered.size, dtype=np.bool_)
        is_first[1:] = ordered[1:] != ordered[:-1]
        self.starts = np.flatnonzero(is_first)
        self.groups = ordered[self.starts]
        self.sizes = np.diff(np.append(self.starts, ordered.size))

    def halvings(self) -> list[tuple[Ints, Ints, Ints]]:
        """Per round: rows that stay (left of a pair, or alone), and which of them gain which row.

        (kept, gaining, gained): new = old[kept]; new[gaining] += old[gained].
        """
        rounds = []
        sizes = self.sizes
        while sizes.max(initial=0) > 1:
            starts = np.cumsum(sizes) - sizes
            within = np.arange(int(sizes.sum())) - np.repeat(starts, sizes)
            kept = np.flatnonzero(within % 2 == 0)
            paired = within[kept] + 1 < np.repeat(sizes, sizes)[kept]
            gaining = np.flatnonzero(paired)
            rounds.append((kept, gaining, kept[gaining] + 1))
            sizes = (sizes + 1) // 2
        return rounds


class CountFold:
    """count: how many rows are present."""

    def __init__(self, groups_count: int, steps: int) -> None:
        self._counts = np.zeros((groups_count, steps), dtype=np.int64)

    def add(self, values: Values, present: Mask, groups: Ints) -> None:
        segments = _Segments(groups)
        counts = np.add.reduceat(present[segments.order], segments.starts, axis=0, dtype=np.int64)
        self._counts[segments.groups] += counts

    def result(self) -> tuple[Values, Mask]:
        return self._counts.astype(np.float64), self._counts > 0


class GroupFold(CountFold):
    """group: 1 where any row is present."""

    def result(self) -> tuple[Values, Mask]:
        return np.ones(self._counts.shape), self._counts > 0


class SumFold:
    """sum, compensated; in upstream's order where a partial sum might overflow."""

    def __init__(self, groups_count: int, steps: int) -> None:
        # Minus zero is the number that adding changes nothing, not even a sign.
        self._sums = np.full((groups_count, steps), -0.0)
        self._rests = np.zeros((groups_count, steps))
        self._held = np.zeros((groups_count, steps), dtype=np.bool_)

    def add(self, values: Values, present: Mask, groups: Ints) -> None:
        segments = _Segments(groups)
        ordered_present = present[segments.order]
        held = np.logical_or.reduceat(ordered_present, segments.starts, axis=0)
        self._held[segments.groups] |= held
        sums = values[segments.order]
        np.copyto(sums, -0.0, where=~ordered_present)
        if may_overflow(sums, groups.size) or may_overflow(self._sums, 1):
            self._add_in_order(sums, segments)
            return
        rests = np.zeros_like(sums)
        for kept, gaining, gained in segments.halvings():
            more, more_rests = sums[gained], rests[gained]
            sums, rests = sums[kept], rests[kept]
            if gaining.size == kept.size:
                sums, rests = add_pairs(sums, rests, more, more_rests)
            else:
                sums[gaining], rests[gaining] = add_pairs(
                    sums[gaining], rests[gaining], more, more_rests
                )
        into = segments.groups
        self._sums[into], self._rests[into] = add_pairs(
            self._sums[into], self._rests[into], sums, rests
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


class AverageFold:
    """avg: a compensated sum by count; a running mean from where the sum would overflow."""

    def __init__(self, groups_count: int, steps: int) -> None:
        self._sum = SumFold(groups_count, steps)
        self._counts = np.zeros((groups_count, steps))
        self._running: _RunningMean | None = None

    def add(self, values: Values, present: Mask, groups: Ints) -> None:
        shown = np.where(present, values, 0.0)
        if self._running is None and may_overflow(shown, groups.size + int(self._counts.max())):
            sums, rests, _ = self._sum.pairs()
            self._running = _RunningMean(sums, rests, self._counts)
        segments = _Segments(groups)
        if self._running is not None:
            self._running.add(values[segments.order], present[segments.order], segments)
            return
        self._sum.add(values, present, groups)
        self._counts[segments.groups] += np.add.reduceat(
            present[segments.order], segments.starts, axis=0, dtype=np.float64
        )

    def result(self) -> tuple[Values, Mask]:
        if self._running is not None:
            return self._running.result()
        sums, rests, held = self._sum.pairs()
        counts = np.maximum(self._counts, 1)
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

    def add(self, values: Values, present: Mask, groups: Ints) -> None:
        segments = _Segments(groups)
        ordered_present = present[segments.order]
        shown = np.where(ordered_present, values[segments.order], np.nan)
        best = self._better.reduceat(shown, segments.starts, axis=0)
        into = segments.groups
        self._best[into] = self._better(self._best[into], best)
        self._held[into] |= np.logical_or.reduceat(ordered_present, segments.starts, axis=0)

    def result(self) -> tuple[Values, Mask]:
        return self._best, self._held


class VarianceFold:
    """stdvar: population variance, partial results combined as Chan et al. (1979) do."""

    def __init__(self, groups_count: int, steps: int) -> None:
        shape = (groups_count, steps)
        self._parts = (np.zeros(shape), np.zeros(shape), np.zeros(shape))

    def add(self, values: Values, present: Mask, groups: Ints) -> None:
        segments = _Segments(groups)
        have = present[segments.order]
        means = np.where(have, values[segments.order], 0.0)
        squares = np.where(np.isfinite(means), 0.0, np.nan)
        parts = (have.astype(np.float64), means, squares)
        for kept, gaining, gained in segments.halvings():
            more = tuple(part[gained] for part in parts)
            parts = (parts[0][kept], parts[1][kept], parts[2][kept])
            joined = _join_variances(tuple(part[gaining] for part in parts), more)
            for part, new in zip(parts, joined, strict=True):
                part[gaining] = new
        into = segments.groups
        joined = _join_variances(tuple(part[into] for part in self._parts), parts)
        for part, new in zip(self._parts, joined, strict=True):
            part[into] = new

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
