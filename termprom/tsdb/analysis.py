"""What a block is made of: where its series come from, which come and go, what they cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from termprom.model.labels import METRIC_NAME
from termprom.model.values import AnyArray, Ints, TimesMs
from termprom.tsdb.components import COMPONENT, base_of
from termprom.tsdb.identity import series_hash
from termprom.tsdb.label_index import LabelIndex

Counted = list[tuple[str, int]]  # greatest first


@dataclass(frozen=True, slots=True)
class EntryPart:
    """Some entries of one page: series (E,), samples (E,), first and last time (E,), and how many
    bytes of the block's pages they take together."""

    series: Ints
    samples: Ints
    first_ms: TimesMs
    last_ms: TimesMs
    page_bytes: int


@dataclass(frozen=True, slots=True)
class MetricCost:
    metric: str
    series: int
    samples: int
    page_bytes: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """Churn is counted in lifetimes: a series that lived for a quarter of the block adds 3/4.

    `series` leaves out the columns that native histograms are made of; `costs` are all metrics,
    the most expensive first.
    """

    series: int
    components: int
    label_names: int
    pairs: int
    pair_entries: int
    churn_by_pair: Counted
    churn_by_name: Counted
    by_pair: Counted
    value_bytes_by_name: Counted
    values_by_name: Counted
    by_metric: Counted
    costs: Sequence[MetricCost]


def analyse(index: LabelIndex, parts: Iterator[EntryPart], range_ms: int, limit: int) -> Analysis:
    """`range_ms` is the block's length; `limit` the length of the lists."""
    count = index.series_count
    first = np.full(count, 2**62, dtype=np.int64)
    last = np.full(count, -(2**62), dtype=np.int64)
    samples = np.zeros(count, dtype=np.int64)
    spent = np.zeros(count, dtype=np.float64)
    for part in parts:
        np.minimum.at(first, part.series, part.first_ms)
        np.maximum.at(last, part.series, part.last_ms)
        np.add.at(samples, part.series, part.samples)
        # A page's bytes are shared by its samples.
        share = part.samples / max(int(part.samples.sum()), 1)
        np.add.at(spent, part.series, share * part.page_bytes)
    components = index.with_name(COMPONENT)
    shown = _shown(index, components)
    absence = np.clip(range_ms - (last - first), 0, range_ms) / max(range_ms, 1)
    tally = _Tally(index, limit)
    names, values, counts = _by_pair(index, shown, np.ones(shown.size))
    pair_names, pair_values, churn = _by_pair(index, shown, absence[shown])
    is_metric = names == index.find(METRIC_NAME)
    distinct, place = np.unique(names, return_inverse=True)
    sizes = np.array([len(index.text(one).encode()) for one in values.tolist()], dtype=np.int64)
    churn_names, churn_place = np.unique(pair_names, return_inverse=True)
    return Analysis(
        series=shown.size,
        components=components.size,
        label_names=distinct.size,
        pairs=counts.size,
        pair_entries=int(counts.sum()),
        churn_by_pair=tally.pairs(pair_names, pair_values, churn),
        churn_by_name=tally.names(churn_names, np.bincount(churn_place, weights=churn)),
        by_pair=tally.pairs(names, values, counts),
        value_bytes_by_name=tally.names(distinct, np.bincount(place, weights=sizes)),
        values_by_name=tally.names(distinct, np.bincount(place)),
        by_metric=tally.names(values[is_metric], counts[is_metric]),
        costs=_costs(index, shown, samples, spent),
    )


def _by_pair(index: LabelIndex, series: Ints, weights: AnyArray) -> tuple[Ints, Ints, AnyArray]:
    """Distinct (name, value) symbols of these series, and the weights of each summed up."""
    counts, pairs = index.symbol_pairs(series)
    keys = pairs[0::2].astype(np.int64) << 32 | pairs[1::2].astype(np.int64)
    distinct, place = np.unique(keys, return_inverse=True)
    sums = np.bincount(place, weights=np.repeat(weights, counts), minlength=distinct.size)
    named = distinct >> 32 != index.find(COMPONENT)
    return distinct[named] >> 32, distinct[named] & 0xFFFFFFFF, sums[named]


def _shown(index: LabelIndex, components: Ints) -> Ints:
    """One of each series: itself, or a component where it has nothing else."""
    plain = np.setdiff1d(np.arange(index.series_count, dtype=np.int64), components)
    if not components.size:
        return plain
    known = {words.tobytes() for words in index.hashes[plain]}
    alone: dict[bytes, int] = {}
    labels = index.labels_of(components)
    for number, one in zip(components.tolist(), labels, strict=True):
        if one[0][1].startswith("sum "):
            digest = series_hash(base_of(one))
            if digest not in known:
                alone.setdefault(digest, number)
    return np.sort(np.concatenate([plain, np.array(list(alone.values()), dtype=np.int64)]))


def _costs(index: LabelIndex, shown: Ints, samples: Ints, spent: AnyArray) -> list[MetricCost]:
    symbol = index.find(METRIC_NAME)
    if symbol < 0:
        return []
    is_shown = np.zeros(index.series_count, dtype=np.bool_)
    is_shown[shown] = True
    postings = index.postings(symbol)
    found = []
    for place, value in enumerate(postings.values.tolist()):
        series = postings.series[postings.bounds[place] : postings.bounds[place + 1]]
        plain = int(np.count_nonzero(is_shown[series]))
        found.append(
            MetricCost(
                index.text(value),
                plain,
                int(samples[series].sum()),
                float(spent[series].sum()),
            )
        )
    return sorted(found, key=lambda one: (-one.page_bytes, one.metric))


class _Tally:
    """The greatest numbers with their texts."""

    def __init__(self, index: LabelIndex, limit: int) -> None:
        self._text = index.text
        self._limit = limit

    def names(self, symbols: AnyArray, counts: AnyArray) -> Counted:
        named = ((self._text(one), int(n)) for one, n in zip(symbols.tolist(), counts, strict=True))
        return self._greatest(named)

    def pairs(self, names: AnyArray, values: AnyArray, counts: AnyArray) -> Counted:
        # Texts only of those that can be among the greatest.
        order = np.argsort(-counts, kind="stable")[: self._limit * 2 + 50]
        return self._greatest(
            (f"{self._text(int(names[row]))}={self._text(int(values[row]))}", int(counts[row]))
            for row in order.tolist()
        )

    def _greatest(self, named: Iterator[tuple[str, int]]) -> Counted:
        found = [one for one in named if one[1] > 0]
        return sorted(found, key=lambda one: (-one[1], one[0]))[: self._limit]
