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
from termprom.tsdb.components import START, base_of, is_component
from termprom.tsdb.label_index import LabelIndex
from termprom.tsdb.source import Source

# Series in remembered unions, about 150 bytes each where labels are shared with nothing else.
_SERIES_MAX: Final = 200_000


@dataclass(frozen=True, slots=True)
class Components:
    """Component series of a union, in places behind those of its labels.

    Shapes: bases (H,) the place of the series that each belongs to; names (H,); starts (U,) the
    place of each label set's start timestamps, -1 where it has none.
    """

    bases: Ints
    names: Sequence[str]
    starts: Ints


@dataclass(frozen=True, slots=True)
class Union:
    """Shapes: labels (U,) unique and sorted; members: per source its series (K,) ascending and
    their places (K,): below U in `labels`, from U on among `components`; order (U,): the places
    of all labels, metric by metric; metrics (U,): the number of each place's metric in it.
    """

    labels: Sequence[Labels]
    members: Sequence[tuple[Ints, Ints]]
    order: Ints
    metrics: Ints
    components: Components | None = None

    @property
    def place_count(self) -> int:
        """Labels and components together."""
        return len(self.labels) + (len(self.components.names) if self.components else 0)


def unite(sources: Sequence[Source], matchers: Sequence[Matcher]) -> Union:
    """What `matchers` select in all sources."""
    found = [source.select(matchers) for source in sources]
    hashes = [source.index.hashes[series] for source, series in zip(sources, found, strict=True)]
    starts = np.cumsum([0, *(series.size for series in found)])
    if not starts[-1]:
        nothing = np.zeros(0, dtype=np.int64)
        return Union([], [(nothing, nothing) for _ in sources], nothing, nothing)
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
    rank, labels, components = _arranged(labels)
    places = rank[number]
    members = [
        (series, places[start : start + series.size])
        for series, start in zip(found, starts.tolist(), strict=False)
    ]
    return Union(labels, members, *_by_metric(labels), components)


def _arranged(labels: list[Labels]) -> tuple[Ints, list[Labels], Components | None]:
    """The place of each of these series (K,), the label sets sorted, and the components.

    A series that has nothing but components has a place as well.
    """
    order = sorted(range(len(labels)), key=labels.__getitem__)
    rank = np.empty(len(order), dtype=np.int64)
    # Components sort before all others, by the name that nobody else has.
    count = next((n for n, one in enumerate(order) if not is_component(labels[one])), len(order))
    if not count:
        rank[order] = np.arange(len(order))
        return rank, [labels[place] for place in order], None
    hidden, plain = order[:count], order[count:]
    bases = [base_of(labels[one]) for one in hidden]
    shown = sorted({*bases, *(labels[one] for one in plain)})
    place_of = dict(zip(shown, range(len(shown)), strict=True))
    rank[plain] = [place_of[labels[one]] for one in plain]
    rank[hidden] = np.arange(len(shown), len(shown) + count)
    names = [labels[one][0][1] for one in hidden]
    base_places = np.array([place_of[one] for one in bases], dtype=np.int64)
    starts = np.full(len(shown), -1, dtype=np.int64)
    for number, name in enumerate(names):
        if name == START:
            starts[base_places[number]] = len(shown) + number
    return rank, shown, Components(base_places, names, starts)


def _by_metric(labels: Sequence[Labels]) -> tuple[Ints, Ints]:
    """All places in the order of their metrics, and the number of each one's metric."""
    metrics = [one.metric for one in labels]
    numbers = {name: number for number, name in enumerate(sorted(set(metrics)))}
    if len(numbers) == 1:
        return np.arange(len(labels)), np.zeros(len(labels), dtype=np.int64)
    found = np.array([numbers[name] for name in metrics], dtype=np.int64)
    return np.argsort(found, kind="stable"), found


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
                self._series += union.place_count + 1
            while self._series > _SERIES_MAX and self._held:
                _, (dropped, _) = self._held.popitem(last=False)
                self._series -= dropped.place_count + 1
        return union

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self._series = 0
