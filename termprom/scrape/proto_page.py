"""Protobuf bodies made into pages, by what the last one was.

    family = a message behind its length; of most, only float64 values of 8 bytes change

The values of such families are set to zero in a copy of the body, all at once, and what is left is
compared with what was left last time: where it is the same, so are the series. A family of another
shape (histograms and summaries have counts of varying length), and one that changed, is decoded.
523 samples of a node exporter take 0.5 ms that way, and 3.3 ms when all are decoded.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from termprom.errors import ExpositionError
from termprom.exposition.entries import Exemplar, LabelPairs
from termprom.exposition.numbers import NAN
from termprom.exposition.protobuf import (
    HistogramForms,
    ProtoFamily,
    ProtoSample,
    messages,
    read_family,
    value_places,
)
from termprom.model.histogram import FloatHistogram
from termprom.model.metadata import Metadata
from termprom.model.values import Ints, Values
from termprom.scrape.keyed import KeyedLayout, kept_lines
from termprom.scrape.page import Page
from termprom.scrape.tails import Readings

_EIGHT: Final = np.arange(8)


@dataclass(frozen=True, slots=True)
class _Family:
    """A family of the last page whose values have fixed places.

    rest: its message with zeros for values; places: where these are, from its start
    """

    rest: bytes
    places: Ints
    header: ProtoFamily
    keys: tuple[Hashable, ...]


class ProtoReader:
    """The cache of one target. `keep` a page that was whole to read the next one by it."""

    def __init__(self) -> None:
        self._layout: KeyedLayout | None = None
        self._families: list[_Family | None] = []  # by their place in the body
        self._fresh: list[_Family | None] = []

    def __repr__(self) -> str:
        return f"ProtoReader({self._layout})"

    def keep(self, layout: KeyedLayout) -> None:
        """The last page was whole, and has this layout."""
        self._layout = layout
        self._families = self._fresh

    def read(self, body: bytes, forms: HistogramForms, *, starts: bool) -> Page:
        """The page of `body`; one with a mistake has an error in it."""
        collected = _Collector(self._layout, starts=starts)
        self._fresh = []
        error: ExpositionError | None = None
        bounds: list[tuple[int, int]] = []
        try:
            bounds.extend(messages(body))
        except ExpositionError as problem:
            error = problem
            bounds = _whole_messages(body)
        known = self._known_families(body, bounds)
        try:
            for number, (start, end) in enumerate(bounds):
                found = known.get(number)
                if found is not None:
                    family, values = found
                    collected.take(family, values)
                    self._fresh.append(family)
                else:
                    self._fresh.append(_decode(body, start, end, forms, collected))
        except ExpositionError as problem:
            error = problem
        return replace(collected.page(), error=error)

    def _known_families(
        self, body: bytes, bounds: Sequence[tuple[int, int]]
    ) -> dict[int, tuple[_Family, Values]]:
        """The families that are as last time but for their values, and these values."""
        likely = [
            (number, start, end, family)
            for number, ((start, end), family) in enumerate(
                zip(bounds, self._families, strict=False)
            )
            if family is not None and len(family.rest) == end - start
        ]
        if not likely:
            return {}
        places = np.concatenate([family.places + start for _, start, _, family in likely])
        copy = np.frombuffer(bytearray(body), dtype=np.uint8)
        cells = places[:, None] + _EIGHT
        values = copy[cells].view("<f8").ravel()
        copy[cells] = 0
        rest = copy.tobytes()
        values[np.isnan(values)] = NAN
        known: dict[int, tuple[_Family, Values]] = {}
        at = 0
        for number, start, end, family in likely:
            behind = at + len(family.places)
            if rest[start:end] == family.rest:
                known[number] = (family, values[at:behind])
            at = behind
        return known


def _whole_messages(body: bytes) -> list[tuple[int, int]]:
    """The messages before the one that is cut off."""
    found: list[tuple[int, int]] = []
    try:
        for bound in messages(body):
            found.append(bound)  # noqa: PERF402 - what came before the mistake counts
    except ExpositionError:
        return found
    return found


def _decode(
    body: bytes, start: int, end: int, forms: HistogramForms, collected: _Collector
) -> _Family | None:
    """Collect the samples of a family; what it is next time, if its values have fixed places.

    Raises ExpositionError.
    """
    header: ProtoFamily | None = None
    first = collected.count
    for entry in read_family(body, start, end, forms):
        if isinstance(entry, ProtoFamily):
            header = entry
            collected.families[entry.name] = entry.metadata
        else:
            collected.add(entry)
    places = value_places(body, start, end) if header is not None else None
    if header is None or places is None:
        return None
    relative = np.array(places, dtype=np.int64) - start
    rest = np.frombuffer(bytearray(body[start:end]), dtype=np.uint8)
    rest[relative[:, None] + _EIGHT] = 0
    return _Family(rest.tobytes(), relative, header, collected.keys_from(first))


class _Collector:
    """Samples and whole families, put together into a page."""

    def __init__(self, known: KeyedLayout | None, *, starts: bool) -> None:
        self.families: dict[str, Metadata] = {}
        self._starts_wanted = starts
        self._known = known
        self._places = known.places() if known is not None else {}
        self._keys: list[Hashable] = []
        self._fresh: dict[Hashable, LabelPairs] = {}
        self._values: list[float] = []
        self._stamps: list[tuple[int, int]] = []
        self._starts: dict[int, int] = {}
        self._exemplars: list[tuple[int, Exemplar]] = []
        self._histograms: list[tuple[int, FloatHistogram]] = []

    @property
    def count(self) -> int:
        return len(self._keys)

    def keys_from(self, first: int) -> tuple[Hashable, ...]:
        return tuple(self._keys[first:])

    def take(self, family: _Family, values: Values) -> None:
        """A family of the last page, with new values."""
        self.families[family.header.name] = family.header.metadata
        self._keys.extend(family.keys)
        self._values.extend(values.tolist())

    def add(self, sample: ProtoSample) -> None:
        """Raises ExpositionError where the labels of a new series are broken."""
        key = sample.key
        if key not in self._places and key not in self._fresh:
            self._fresh[key] = sample.pairs()
        line = len(self._keys)
        self._keys.append(key)
        self._values.append(sample.value)
        if sample.start_ms and self._starts_wanted:
            self._starts[line] = sample.start_ms
        if sample.time_ms is not None:
            self._stamps.append((line, sample.time_ms))
        for exemplar in sample.exemplars:
            self._exemplars.append((line, exemplar))
        if sample.histogram is not None:
            self._histograms.append((line, sample.histogram))

    def page(self) -> Page:
        numbers, times = zip(*self._stamps, strict=True) if self._stamps else ((), ())
        readings = Readings(
            np.array(self._values, dtype=np.float64),
            np.array(numbers, dtype=np.int64),
            np.array(times, dtype=np.int64),
            tuple(self._exemplars),
            tuple(self._histograms),
            self._start_times(),
        )
        known = self._known
        families = self.families
        if known is not None and known.has(self._keys) and known.families() == families:
            return Page(known, readings)
        pairs = [self._pairs_of(key) for key in self._keys]
        layout = KeyedLayout(self._keys, pairs, lambda: families)
        kept = kept_lines(known, self._keys) if known is not None else None
        return Page(layout, readings, None, known, kept)

    def _pairs_of(self, key: Hashable) -> LabelPairs:
        if key in self._fresh:
            return self._fresh[key]
        assert self._known is not None, "a key that is not new is one of the last page"
        return self._known.pairs()[self._places[key]]

    def _start_times(self) -> Ints | None:
        if not self._starts:
            return None
        starts = np.zeros(len(self._keys), dtype=np.int64)
        starts[list(self._starts)] = list(self._starts.values())
        return starts
