"""Which series have which labels: postings over interned symbols.

One immutable table of series, each a run of (name, value) symbol pairs. Postings are built per
label name when first asked for. The head hands out a new index when it has grown; a block has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.values import AnyArray, Ints, Mask


class Symbols(Protocol):
    """Interned texts."""

    def find(self, text: str) -> int:
        """The number of `text`, -1 where no series uses it."""
        ...

    def text(self, number: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Postings:
    """The series that have one label name, ordered by value, then by series.

    Shapes: values (V,) distinct symbols, ascending; bounds (V + 1,); series (P,).
    Series of value v: series[bounds[v]:bounds[v + 1]], ascending.
    """

    values: AnyArray
    bounds: Ints
    series: Ints

    def of_value(self, symbol: int) -> Ints:
        place = int(np.searchsorted(self.values, symbol))
        if place == self.values.size or int(self.values[place]) != symbol:
            return self.series[:0]
        return self.series[self.bounds[place] : self.bounds[place + 1]]

    def of_places(self, chosen: Sequence[int]) -> Ints:
        """The series of several values, ascending."""
        if not chosen:
            return self.series[:0]
        parts = [self.series[self.bounds[p] : self.bounds[p + 1]] for p in chosen]
        return parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))


class LabelIndex:
    """Series by number, their labels, and the way from matchers to numbers.

    Shapes: offsets (S + 1,); pair_names, pair_values (P,) symbols; hashes (S, 2).
    """

    def __init__(
        self,
        symbols: Symbols,
        offsets: Ints,
        pair_names: AnyArray,
        pair_values: AnyArray,
        hashes: AnyArray,
    ) -> None:
        self._symbols = symbols
        self._offsets = offsets
        self._names = pair_names
        self._values = pair_values
        self.hashes = hashes
        self._postings: dict[int, Postings] = {}

    def __repr__(self) -> str:
        return f"LabelIndex({self.series_count} series, {len(self._postings)} postings built)"

    @property
    def series_count(self) -> int:
        return self._offsets.size - 1

    def labels(self, series: int) -> Labels:
        """The label set of one series."""
        start, end = int(self._offsets[series]), int(self._offsets[series + 1])
        text = self._symbols.text
        return Labels(
            (text(name), text(value))
            for name, value in zip(
                self._names[start:end].tolist(), self._values[start:end].tolist(), strict=True
            )
        )

    def labels_of(self, series: Ints) -> list[Labels]:
        """The label sets of these series."""
        text = self._symbols.text
        places = self.pairs_of(series)
        keys = self._names[places].astype(np.int64) << 32 | self._values[places].astype(np.int64)
        distinct, inverse = np.unique(keys, return_inverse=True)
        # Label sets share their pairs: most of the memory of a label set is in them.
        pairs = [(text(key >> 32), text(key & 0xFFFFFFFF)) for key in distinct.tolist()]
        flat = [pairs[number] for number in inverse.tolist()]
        ends = np.cumsum(self._offsets[series + 1] - self._offsets[series]).tolist()
        return [Labels(flat[start:end]) for start, end in zip([0, *ends], ends, strict=False)]

    def select(self, matchers: Iterable[Matcher]) -> Ints:
        """The series that pass all matchers, ascending."""
        wanted: list[Ints] = []
        refused: list[Ints] = []
        for matcher in matchers:
            inside, series = self._apply(matcher)
            (wanted if inside else refused).append(series)
        wanted.sort(key=len)
        found = wanted[0] if wanted else np.arange(self.series_count, dtype=np.int64)
        for other in wanted[1:]:
            found = found[self._mask(other)[found]]
        for other in refused:
            if other.size:
                found = found[~self._mask(other)[found]]
        return found

    def values(self, name: str, among: Ints | None = None) -> set[str]:
        """The values of `name`, of all series or of those `among` (ascending)."""
        symbol = self._symbols.find(name)
        if symbol < 0:
            return set()
        postings = self.postings(symbol)
        symbols = postings.values
        if among is not None:
            used = self._mask(among)[postings.series]
            symbols = np.unique(np.repeat(symbols, np.diff(postings.bounds))[used])
        return {self._symbols.text(number) for number in symbols.tolist()}

    def names(self, among: Ints | None = None) -> set[str]:
        """The label names, of all series or of those `among`."""
        symbols = np.unique(self._names if among is None else self._names[self.pairs_of(among)])
        return {self._symbols.text(number) for number in symbols.tolist()}

    def pairs_of(self, series: Ints) -> Ints:
        """The positions of these series' pairs, series after series."""
        if series.size and (series[1:] - series[:-1] == 1).all():
            # All in a row, as series of one metric often are.
            return np.arange(self._offsets[series[0]], self._offsets[series[-1] + 1])
        return expand_runs(self._offsets[series], self._offsets[series + 1])

    def symbol_pairs(self, series: Ints) -> tuple[Ints, AnyArray]:
        """Symbols of these series (K,): pair counts (K,), names and values in turn (2 P,)."""
        places = self.pairs_of(series)
        pairs = np.empty(2 * places.size, dtype=np.int32)
        pairs[0::2] = self._names[places]
        pairs[1::2] = self._values[places]
        return self._offsets[series + 1] - self._offsets[series], pairs

    def pair_counts(self, among: Ints | None = None) -> tuple[AnyArray, AnyArray, Ints]:
        """Distinct (name, value) symbols and how many series have each; three arrays (P',)."""
        places = slice(None) if among is None else self.pairs_of(among)
        keys = self._names[places].astype(np.int64) << 32 | self._values[places].astype(np.int64)
        distinct, counts = np.unique(keys, return_counts=True)
        return distinct >> 32, distinct & 0xFFFFFFFF, counts

    def text(self, symbol: int) -> str:
        return self._symbols.text(symbol)

    def find(self, text: str) -> int:
        """The symbol of `text`, -1 where no series uses it."""
        return self._symbols.find(text)

    def with_name(self, name: str) -> Ints:
        """The series that have a label of that name, ascending."""
        symbol = self._symbols.find(name)
        if symbol < 0:
            return np.zeros(0, dtype=np.int64)
        return np.sort(self.postings(symbol).series)

    def postings(self, name_symbol: int) -> Postings:
        """Built once per name; two threads may build the same, which does no harm."""
        found = self._postings.get(name_symbol)
        if found is None:
            found = self._postings[name_symbol] = self._build(name_symbol)
        return found

    def _build(self, name_symbol: int) -> Postings:
        pairs = np.flatnonzero(self._names == name_symbol)
        series = np.searchsorted(self._offsets, pairs, side="right") - 1
        values = self._values[pairs]
        order = np.argsort(values, kind="stable")
        values = values[order]
        starts = np.flatnonzero(np.diff(values, prepend=-1))
        return Postings(values[starts], np.append(starts, values.size), series[order])

    def _apply(self, matcher: Matcher) -> tuple[bool, Ints]:
        """(True, those that pass) or, where a missing label passes, (False, those that fail)."""
        symbol = self._symbols.find(matcher.name)
        passes_empty = matcher.matches_empty()
        if symbol < 0:
            return not passes_empty, np.zeros(0, dtype=np.int64)
        postings = self.postings(symbol)
        # Equality is one look-up; anything else is tried once on each distinct value.
        if matcher.op in (MatchOp.EQUAL, MatchOp.NOT_EQUAL) and matcher.value:
            return not passes_empty, postings.of_value(self._symbols.find(matcher.value))
        text = self._symbols.text
        chosen = [
            place
            for place, value in enumerate(postings.values.tolist())
            if matcher.matches(text(value)) != passes_empty
        ]
        return not passes_empty, postings.of_places(chosen)

    def _mask(self, series: Ints) -> Mask:
        mask = np.zeros(self.series_count, dtype=np.bool_)
        mask[series] = True
        return mask


def expand_runs(starts: Ints, ends: Ints) -> Ints:
    """start..end of each run, one after the other: ([0, 7], [2, 8]) -> [0, 1, 7]."""
    lengths = ends - starts
    total = int(lengths.sum())
    before = np.cumsum(lengths) - lengths
    expanded: Ints = np.arange(total, dtype=np.int64) + np.repeat(starts - before, lengths)
    return expanded
