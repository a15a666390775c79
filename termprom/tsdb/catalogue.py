"""Every series of the head: interned symbols, label sets, and which columns hold each series."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.values import AnyArray, Ints, Mask
from termprom.tsdb.components import COMPONENT, is_component
from termprom.tsdb.growable import Growable
from termprom.tsdb.identity import HASH_BYTES, encoded, hash_words, series_hash
from termprom.tsdb.label_index import LabelIndex, expand_runs


class HeadSymbols:
    """Texts to int32 and back."""

    __slots__ = ("_numbers", "_texts")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def find(self, text: str) -> int:
        return self._numbers.get(text, -1)

    def text(self, number: int) -> str:
        return self._texts[number]

    def intern(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            # What cannot be written as UTF-8 would not come back from disk.
            text = encoded(text).decode("utf-8")
            number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return number


class Catalogue:
    """The series of the head, numbered from 0. One writer under the head's lock.

    A series' columns form a chain: first_column[series], then next_column[column], until -1. A
    series is nearly always in one group only, so the chain has one link.
    """

    def __init__(self) -> None:
        self.symbols = HeadSymbols()
        self._numbers: dict[bytes, int] = {}
        self._offsets = Growable("<i8")
        self._offsets.append(0)
        self._pair_names = Growable("<i4")
        self._pair_values = Growable("<i4")
        self._hashes = Growable("<u8")
        self._metrics = Growable("<i4")
        self._first_column = Growable("<i4")
        self._next_column = Growable("<i4")
        self._column_group = Growable("<i4")
        self._column_number = Growable("<i4")
        self._index: LabelIndex | None = None
        self.component_count = 0

    def __repr__(self) -> str:
        return f"Catalogue({self.series_count} series, {len(self.symbols)} symbols)"

    @property
    def series_count(self) -> int:
        return self._metrics.size

    @property
    def column_count(self) -> int:
        return self._column_group.size

    def intern(self, labels: Labels) -> int:
        """The number of this series; a new one if need be."""
        return self.intern_all([labels])[0]

    def intern_all(self, series: Sequence[Labels]) -> list[int]:
        """The number of each of these series; new ones if need be."""
        numbers = self._numbers
        digests = [series_hash(labels) for labels in series]
        found = [numbers.get(digest, -1) for digest in digests]
        new: dict[bytes, Labels] = {}
        for place, number in enumerate(found):
            if number < 0:
                new[digests[place]] = series[place]
        if new:
            self._add(new)
            found = [numbers[digest] for digest in digests]
        return found

    def _add(self, new: Mapping[bytes, Labels]) -> None:
        """Series that are not there yet, by their hashes."""
        intern = self.symbols.intern
        names: list[int] = []
        values: list[int] = []
        ends: list[int] = []
        metrics: list[int] = []
        for labels in new.values():
            metric = -1
            for name, value in labels:
                symbol = intern(value)
                names.append(intern(name))
                values.append(symbol)
                if name == METRIC_NAME:
                    metric = symbol
            metrics.append(metric)
            ends.append(len(names))
            self.component_count += is_component(labels)
        before = self._pair_names.size
        self._pair_names.extend(np.array(names, dtype=np.int32))
        self._pair_values.extend(np.array(values, dtype=np.int32))
        self._hashes.extend(hash_words(list(new)).reshape(-1))
        self._first_column.extend(np.full(len(new), -1, dtype=np.int32))
        self._offsets.extend(np.array(ends, dtype=np.int64) + before)
        first = self.series_count
        self._numbers.update(zip(new, range(first, first + len(new)), strict=True))
        # Last: `series_count` is what readers go by.
        self._metrics.extend(np.array(metrics, dtype=np.int32))

    def add_columns(self, series: Ints, group: int, numbers: Ints) -> None:
        """Each of these distinct series is now in that column of the group."""
        first = self._column_group.size
        self._column_number.extend(numbers)
        self._next_column.extend(self._first_column.view()[series])
        self._column_group.extend(np.full(series.size, group, dtype=np.int32))
        self._first_column.view()[series] = np.arange(first, first + series.size)

    def pairs(self, series: Ints) -> tuple[AnyArray, AnyArray]:
        """Symbols of these series (K,): pair counts (K,), names and values in turn (2 P,) int32."""
        starts, ends = self._offsets.view()[series], self._offsets.view()[series + 1]
        places = expand_runs(starts, ends)
        pairs = np.empty(2 * places.size, dtype=np.int32)
        pairs[0::2] = self._pair_names.view()[places]
        pairs[1::2] = self._pair_values.view()[places]
        return (ends - starts).astype(np.int32), pairs

    def metrics_of(self, series: Ints) -> AnyArray:
        """The symbol of each series' metric name, -1 where it has none."""
        return self._metrics.view()[series]

    def labels(self, series: int) -> Labels:
        """The label set of one series."""
        start, end = self._offsets.view()[series : series + 2].tolist()
        text = self.symbols.text
        names = self._pair_names.view()[start:end].tolist()
        values = self._pair_values.view()[start:end].tolist()
        return Labels((text(name), text(value)) for name, value in zip(names, values, strict=True))

    def are_components(self, series: Ints) -> Mask:
        """Which of these series are components; (K,)."""
        if not self.component_count:
            return np.zeros(series.size, dtype=np.bool_)
        # The name that only components have sorts before all others.
        first = self._pair_names.view()[
            np.minimum(self._offsets.view()[series], self._pair_names.size - 1)
        ]
        found: Mask = first == self.symbols.find(COMPONENT)
        return found

    def digest(self, series: int) -> bytes:
        digest: bytes = self._hashes.view()[2 * series : 2 * series + 2].tobytes()
        assert len(digest) == HASH_BYTES
        return digest

    def index(self) -> LabelIndex:
        """The series so far, as an immutable index. Call it under the head's lock."""
        if self._index is None or self._index.series_count != self.series_count:
            pairs = self._pair_names.size
            self._index = LabelIndex(
                self.symbols,
                self._offsets.view(),
                self._pair_names.view()[:pairs],
                self._pair_values.view()[:pairs],
                self._hashes.view().reshape(-1, 2),
            )
        return self._index

    def reduced(self, keep: Callable[[Ints, Ints], Mask]) -> tuple[Catalogue, Ints]:
        """A catalogue of the columns that `keep(groups, numbers)` names, and of their series.

        Also the new number of each series (S,), -1 where it is not kept. This one stays as it
        is, for readers that hold it. Call it under the head's locks.
        """
        places, groups, numbers = self.columns_of(np.arange(self.series_count, dtype=np.int64))
        kept = keep(groups, numbers)
        # Chains run from the newest column to the oldest, a series at a time.
        places, groups, numbers = places[kept][::-1], groups[kept][::-1], numbers[kept][::-1]
        order = np.argsort(places, kind="stable")
        places, groups, numbers = places[order], groups[order], numbers[order]
        alive = np.unique(places)
        renumbered = np.full(self.series_count, -1, dtype=np.int64)
        renumbered[alive] = np.arange(alive.size)
        found = Catalogue()
        found._copy_series(self, alive, renumbered)
        series = renumbered[places]
        chained = np.arange(series.size) - 1
        chained[np.flatnonzero(np.diff(series, prepend=-1))] = -1
        found._next_column.extend(chained)
        found._column_group.extend(groups)
        found._column_number.extend(numbers)
        first = np.full(alive.size, -1, dtype=np.int32)
        first[series] = np.arange(series.size)  # of equal series the last assignment stays
        found._first_column.extend(first)
        return found, renumbered

    def _copy_series(self, other: Catalogue, alive: Ints, renumbered: Ints) -> None:
        """Series `alive` of another catalogue, into this empty one."""
        starts, ends = other._offsets.view()[alive], other._offsets.view()[alive + 1]
        places = expand_runs(starts, ends)
        names, values = other._pair_names.view()[places], other._pair_values.view()[places]
        used = np.unique(np.concatenate([names, values]))
        lookup = np.full(len(other.symbols) + 1, -1, dtype=np.int32)  # the last is for -1
        lookup[used] = np.arange(used.size)
        for number in used.tolist():
            self.symbols.intern(other.symbols.text(number))
        self._pair_names.extend(lookup[names])
        self._pair_values.extend(lookup[values])
        self._offsets.extend(np.cumsum(ends - starts))
        self._hashes.extend(other._hashes.view().reshape(-1, 2)[alive].reshape(-1))
        new_numbers = renumbered.tolist()
        self._numbers = {
            digest: new_numbers[number]
            for digest, number in other._numbers.items()
            if new_numbers[number] >= 0
        }
        component = lookup[other.symbols.find(COMPONENT)]
        self.component_count = int(np.count_nonzero(self._pair_names.view() == component))
        self._metrics.extend(lookup[other._metrics.view()[alive]])

    def columns_of(self, series: Ints) -> tuple[Ints, Ints, Ints]:
        """Where these series are kept.

        Shapes: K series -> C places: position in `series`, group, column in that group; three (C,).
        Call it under the head's lock: chains grow at their start.
        """
        positions, columns = [], []
        here = np.arange(series.size)
        links = self._first_column.view()[series]
        while True:
            alive = links >= 0
            here, links = here[alive], links[alive]
            if not links.size:
                break
            positions.append(here)
            columns.append(links)
            links = self._next_column.view()[links]
        if not positions:
            nothing = np.zeros(0, dtype=np.int64)
            return nothing, nothing, nothing
        all_columns = np.concatenate(columns)
        return (
            np.concatenate(positions),
            self._column_group.view()[all_columns].astype(np.int64),
            self._column_number.view()[all_columns].astype(np.int64),
        )
