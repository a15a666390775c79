"""The series of several sources, as one sorted list."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.values import Ints
from termprom.tsdb.label_index import LabelIndex
from termprom.tsdb.source import Source

# Series in remembered unions, about 150 bytes each where labels are shared with nothing else.
_SERIES_MAX: Final = 200_000


@dataclass(frozen=True, slots=True)
class Union:
    """Shapes: labels (U,) unique and sorted; members: per source its series (K,) ascending and
    their places in `labels` (K,); order (U,): all places, metric by metric.
    """

    labels: Sequence[Labels]
    members: Sequence[tuple[Ints, Ints]]
    order: Ints


def unite(sources: Sequence[Source], matchers: Sequence[Matcher]) -> Union:
    """What `matchers` select in all sources."""
    found = [source.select(matchers) for source in sources]
    hashes = [source.index.hashes[series] for source, series in zip(sources, found, strict=True)]
    starts = np.cumsum([0, *(series.size for series in found)])
    if not starts[-1]:
        nothing = np.zeros(0, dtype=np.int64)
        return Union([], [(nothing, nothing) for _ in sources], nothing)
    joined = np.concatenate(hashes)
    # Equal hashes are neighbours after sorting; each run of them is one series.
    by_hash = np.lexsort((joined[:, 1], joined[:, 0]))
    ordered = joined[by_hash]
    is_first = np.ones(len(ordered), dtype=np.bool_)
    is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    number = np.empty(len(ordered), dtype=np.int64)
    number[by_hash] = np.cumsum(is_first) - 1
    # Any source can name a series; the stable sort puts the first source first.
    representative = by_hash[is_first]
    labels: list[Labels] = [Labels()] * representative.size
    for source, series, start in zip(sources, found, starts.tolist(), strict=False):
        mine = np.flatnonzero((representative >= start) & (representative < start + series.size))
        chosen = series[representative[mine] - start]
        for place, one in zip(mine.tolist(), source.index.labels_of(chosen), strict=True):
            labels[place] = one
    order = sorted(range(len(labels)), key=labels.__getitem__)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    places = rank[number]
    labels = [labels[place] for place in order]
    members = [
        (series, places[start : start + series.size])
        for series, start in zip(found, starts.tolist(), strict=False)
    ]
    return Union(labels, members, _by_metric(labels))


def _by_metric(labels: Sequence[Labels]) -> Ints:
    metrics = [one.metric for one in labels]
    if len(set(metrics)) == 1:
        return np.arange(len(labels), dtype=np.int64)
    return np.array(sorted(range(len(labels)), key=metrics.__getitem__), dtype=np.int64)


class UnionCache:
    """The newest unions. Dashboards and rules ask for the same series again and again."""

    def __init__(self) -> None:
        self._held: OrderedDict[
            tuple[tuple[Matcher, ...], tuple[int, ...]], tuple[Union, list[LabelIndex]]
        ] = OrderedDict()
        self._series = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"UnionCache({len(self._held)} unions, {self._series} series)"

    def get(self, sources: Sequence[Source], matchers: Sequence[Matcher]) -> Union:
        """`unite(sources, matchers)`; good for as long as the sources' indexes live."""
        indexes = [source.index for source in sources]
        # The indexes are held beside the union, so that their addresses are not used again.
        key = (tuple(matchers), tuple(map(id, indexes)))
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
                return found[0]
        union = unite(sources, matchers)
        with self._lock:
            if key not in self._held:
                self._held[key] = (union, indexes)
                self._series += len(union.labels) + 1
            while self._series > _SERIES_MAX and self._held:
                _, (dropped, _) = self._held.popitem(last=False)
                self._series -= len(dropped.labels) + 1
        return union

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self._series = 0
