"""The series of several sources, as one sorted list."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.model.label_table import KEPT_MAX, LabelTable
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher
from termprom.model.values import AnyArray, Ints
from termprom.tsdb.components import COMPONENT, START, base_of, is_component
from termprom.tsdb.label_index import LabelIndex, expand_runs
from termprom.tsdb.source import Source

# Of remembered unions: enough for one of a million series. A series takes about 60 bytes, and 150
# more where its label set was made and kept.
_BYTES_MAX: Final = 64 << 20
_SERIES_BYTES, _LABELS_BYTES = 60, 150


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
    number, representative = _distinct(hashes)
    table = _table(sources, found, starts, representative)
    rank, labels, components = _arranged(table)
    places = rank[number]
    members = [
        (series, places[start : start + series.size])
        for series, start in zip(found, starts.tolist(), strict=False)
    ]
    return Union(labels, members, *_by_metric(labels), components)


def _distinct(hashes: Sequence[AnyArray]) -> tuple[Ints, Ints]:
    """The series behind the hashes (K, 2) of all sources: the number of each (K,), and where one
    of that number is (U,)."""
    joined = np.concatenate(hashes)
    if sum(1 for one in hashes if len(one)) == 1:
        everything = np.arange(len(joined))  # one source has each series once
        return everything, everything
    # Equal hashes are neighbours after sorting; each run of them is one series.
    by_hash = np.lexsort((joined[:, 1], joined[:, 0]))
    ordered = joined[by_hash]
    is_first = np.ones(len(ordered), dtype=np.bool_)
    is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    number = np.empty(len(ordered), dtype=np.int64)
    number[by_hash] = np.cumsum(is_first) - 1
    # Any source can name a series; the stable sort puts the first source first.
    return number, by_hash[is_first]


def _table(
    sources: Sequence[Source], found: Sequence[Ints], starts: Ints, representative: Ints
) -> LabelTable:
    """The label sets of series, each named by one source: (K,) places in what all found."""
    lengths = np.zeros(representative.size, dtype=np.int64)
    parts: list[tuple[Ints, Ints, AnyArray]] = []  # rows, their lengths, numbers of their pairs
    number_of: dict[tuple[str, str], int] = {}
    for source, series, start in zip(sources, found, starts.tolist(), strict=False):
        mine = np.flatnonzero((representative >= start) & (representative < start + series.size))
        if not mine.size:
            continue
        counts, symbols = source.index.symbol_pairs(series[representative[mine] - start])
        keys = symbols[0::2].astype(np.int64) << 32 | symbols[1::2].astype(np.int64)
        # There are few pairs: finding each among them is faster than sorting all.
        distinct = np.unique(keys)
        text = source.index.text
        numbers = [
            number_of.setdefault((text(key >> 32), text(key & 0xFFFFFFFF)), len(number_of))
            for key in distinct.tolist()
        ]
        lengths[mine] = counts
        places = np.searchsorted(distinct, keys)
        parts.append((mine, counts, np.array(numbers, dtype=np.int32)[places]))
    pairs = sorted(number_of)
    rank = np.empty(len(pairs), dtype=np.int32)
    rank[[number_of[pair] for pair in pairs]] = np.arange(len(pairs))
    offsets = np.zeros(lengths.size + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    held = np.empty(int(offsets[-1]), dtype=np.int32)
    for rows, counts, numbers_of_rows in parts:
        held[expand_runs(offsets[rows], offsets[rows] + counts)] = rank[numbers_of_rows]
    return LabelTable(pairs, offsets, held)


def _arranged(table: LabelTable) -> tuple[Ints, Sequence[Labels], Components | None]:
    """The place of each of these series (K,), the label sets sorted, and the components.

    A series that has nothing but components has a place as well.
    """
    sorted_rows = table.ordered()
    rank = np.empty(len(table), dtype=np.int64)
    if COMPONENT not in table.names():
        rank[sorted_rows] = np.arange(len(table))
        return rank, table.take(sorted_rows), None
    labels, order = list(table), sorted_rows.tolist()
    # Components sort before all others, by the name that nobody else has.
    count = next((n for n, one in enumerate(order) if not is_component(labels[one])), len(order))
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
    if isinstance(labels, LabelTable):
        found = labels.value_numbers(METRIC_NAME)
    else:
        metrics = [one.metric for one in labels]
        numbers = {name: number for number, name in enumerate(sorted(set(metrics)))}
        found = np.array([numbers[name] for name in metrics], dtype=np.int64)
    if (found == found[:1]).all():
        return np.arange(found.size), found
    return np.argsort(found, kind="stable"), found


class UnionCache:
    """The newest unions. Dashboards and rules ask for the same series again and again."""

    def __init__(self) -> None:
        self._held: OrderedDict[
            tuple[tuple[Matcher, ...], tuple[int, ...]], tuple[Union, list[LabelIndex]]
        ] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"UnionCache({len(self._held)} unions, {self._bytes} bytes)"

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
                self._bytes += _bytes_of(union)
            while self._bytes > _BYTES_MAX and self._held:
                _, (dropped, _) = self._held.popitem(last=False)
                self._bytes -= _bytes_of(dropped)
        return union

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self._bytes = 0


def _bytes_of(union: Union) -> int:
    """About what a union takes."""
    kept = len(union.labels) <= KEPT_MAX or not isinstance(union.labels, LabelTable)
    return (union.place_count + 1) * (_SERIES_BYTES + (_LABELS_BYTES if kept else 0))
