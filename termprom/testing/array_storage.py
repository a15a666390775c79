"""A store of matrices: wide frames with shared timestamps, as a scraped target gives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, all_match
from termprom.model.values import TimesMs, Values, is_absent, is_stale
from termprom.storage import BySelecting, Frame, HistogramFrame


@dataclass(frozen=True, slots=True)
class ArrayGroup:
    """Series scraped together: labels K, times_ms (T,), values (K, T) with any kind of cell."""

    labels: Sequence[Labels]
    times_ms: TimesMs
    values: Values


class ArrayStorage:
    """Queryable over groups; label sets must be unique across all of them."""

    def __init__(self, groups: Sequence[ArrayGroup]) -> None:
        self.groups = groups
        self._index = sorted(
            (labels, group, column)
            for group, one in enumerate(groups)
            for column, labels in enumerate(one.labels)
        )

    def __repr__(self) -> str:
        return f"ArrayStorage({len(self.groups)} groups, {len(self._index)} series)"

    def querier(self, start_ms: int, end_ms: int) -> ArrayQuerier:
        return ArrayQuerier(self.groups, self._index, start_ms, end_ms)


class ArrayQuerier(BySelecting):
    def __init__(
        self,
        groups: Sequence[ArrayGroup],
        index: Sequence[tuple[Labels, int, int]],
        start_ms: int,
        end_ms: int,
    ) -> None:
        self._groups = groups
        self._index = index
        super().__init__(start_ms, end_ms)

    def select(
        self,
        matchers: Sequence[Matcher],
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> ArraySelection:
        start, end = self._narrowed(start_ms, end_ms)
        found = [entry for entry in self._index if all_match(matchers, entry[0])]
        return ArraySelection(self._groups, found, start, end)

    def close(self) -> None:
        return


class ArraySelection:
    def __init__(
        self,
        groups: Sequence[ArrayGroup],
        found: Sequence[tuple[Labels, int, int]],
        start_ms: int,
        end_ms: int,
    ) -> None:
        self._groups = groups
        self._found = found
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._labels = [labels for labels, _, _ in found]

    @property
    def labels(self) -> Sequence[Labels]:
        return self._labels

    def frames(self, *, series_max: int = 4096) -> Iterator[Frame]:
        members: dict[int, list[tuple[int, int]]] = {}
        for number, (_, group, column) in enumerate(self._found):
            members.setdefault(group, []).append((number, column))
        for group, pairs in members.items():
            times = self._groups[group].times_ms
            first = int(np.searchsorted(times, self._start_ms, side="left"))
            end = int(np.searchsorted(times, self._end_ms, side="right"))
            if first == end:
                continue
            for start in range(0, len(pairs), series_max):
                part = np.array(pairs[start : start + series_max], dtype=np.int64)
                columns = part[:, 1]
                stored = self._groups[group].values
                # All columns in order: a view does, as a mapped page would.
                whole = columns.size == stored.shape[0] and (np.diff(columns) == 1).all()
                values = (stored if whole else stored[columns])[:, first:end]
                holes = is_absent(values) | is_stale(values)
                yield Frame(part[:, 0], times[first:end], values, dense=not bool(holes.any()))

    def histograms(self) -> Iterator[HistogramFrame]:
        return iter(())
