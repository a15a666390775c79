"""One target's bodies made into pages, and what is kept from one to read the next by.

A text body goes through its layout (`page`), and through a `Shape` where lines of it become
something else; a protobuf body through its decoder. `read` may run in another thread as long as
the owner waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from termprom.errors import ExpositionError
from termprom.exposition.entries import Exemplar, LabelPairs
from termprom.exposition.negotiate import Format
from termprom.exposition.protobuf import HistogramForms, ProtoFamily, read_protobuf
from termprom.model.histogram import FloatHistogram
from termprom.model.metadata import Metadata
from termprom.scrape.keyed import KeyedLayout, PageLayout, kept_lines
from termprom.scrape.layout import TextLayout
from termprom.scrape.layouts import Layouts
from termprom.scrape.page import Page, read_page
from termprom.scrape.reshape import Shape, plan_shape
from termprom.scrape.tails import Readings

_PLAIN: Final = HistogramForms()


@dataclass(frozen=True, slots=True)
class Reading:
    """How a target's bodies are to be read."""

    forms: HistogramForms = _PLAIN
    starts: bool = False  # since when series count is of interest

    @property
    def reshapes(self) -> bool:
        """Whether lines of a text body may become something else."""
        return self.forms.convert or self.starts


class PageReader:
    """The caches of one target; owned by its loop."""

    def __init__(self, layouts: Layouts) -> None:
        self._layouts = layouts
        self._text: TextLayout | None = None
        self._keyed: KeyedLayout | None = None
        self._shape: Shape | None = None
        self._last: PageLayout | None = None
        self._families: tuple[PageLayout, Mapping[str, Metadata]] | None = None

    def __repr__(self) -> str:
        return f"PageReader({self._last})"

    def read(self, body: bytes, kind: Format, how: Reading) -> Page:
        """The page of `body`; one with a mistake has an error in it."""
        if kind is Format.PROTOBUF:
            return self._read_protobuf(body, how)
        page = read_page(body, kind, self._text, self._layouts.candidates(kind, body))
        return self._reshaped(page, how) if how.reshapes else page

    def keep(self, page: Page) -> None:
        """`page` was whole: read the next one by it."""
        layout = page.layout
        self._last = layout
        text = page.source if page.source is not None else layout
        if isinstance(text, TextLayout):
            self._text = text
            self._layouts.add(text)
        if isinstance(layout, KeyedLayout):
            self._keyed = layout

    def families(self) -> Mapping[str, Metadata]:
        """What the last whole page said of metric families."""
        layout = self._last
        if layout is None:
            return {}
        if self._families is None or self._families[0] is not layout:
            self._families = (layout, layout.families())
        return self._families[1]

    # --- Pages with keys ----------------------------------------------------------------------

    def _reshaped(self, page: Page, how: Reading) -> Page:
        source = page.layout
        assert isinstance(source, TextLayout), "lines of text are what is reshaped"
        shape = self._shape
        if shape is None or shape.source is not source or shape.forms != how.forms:
            shape = plan_shape(source, how.forms, starts=how.starts)
            if page.error is None:
                self._shape = shape
        present, readings = shape.apply(page.readings)
        keys, pairs = shape.keys, shape.pairs
        if present is not None:
            keys = tuple(keys[number] for number in present)
            pairs = tuple(pairs[number] for number in present)
        known = self._keyed
        if known is not None and known.has(keys):
            return Page(known, readings, page.error, source=source)
        layout = KeyedLayout(keys, pairs, source.families)
        kept = kept_lines(known, keys) if known is not None else None
        return Page(layout, readings, page.error, known, kept, source)

    def _read_protobuf(self, body: bytes, how: Reading) -> Page:
        collected = _Collector(self._keyed)
        error: ExpositionError | None = None
        try:
            for entry in read_protobuf(body, how.forms):
                if isinstance(entry, ProtoFamily):
                    collected.families[entry.name] = entry.metadata
                else:
                    collected.add(
                        entry.key,
                        entry.pairs,
                        entry.value,
                        entry.time_ms,
                        entry.start_ms if how.starts else 0,
                        entry.exemplars,
                        entry.histogram,
                    )
        except ExpositionError as problem:
            error = problem
        return replace(collected.page(), error=error)


class _Collector:
    """Samples one by one, put together into a page."""

    def __init__(self, known: KeyedLayout | None) -> None:
        self.families: dict[str, Metadata] = {}
        self._known = known
        self._places = known.places() if known is not None else {}
        self._known_pairs = known.pairs() if known is not None else ()
        self._keys: list[Hashable] = []
        self._fresh: dict[Hashable, LabelPairs] = {}
        self._values: list[float] = []
        self._stamps: list[tuple[int, int]] = []
        self._starts: list[int] = []
        self._exemplars: list[tuple[int, Exemplar]] = []
        self._histograms: list[tuple[int, FloatHistogram]] = []

    def add(
        self,
        key: Hashable,
        pairs: Callable[[], LabelPairs],
        value: float,
        time_ms: int | None,
        start_ms: int,
        exemplars: tuple[Exemplar, ...],
        histogram: FloatHistogram | None,
    ) -> None:
        """Raises ExpositionError where the labels of a new series are broken."""
        if key not in self._places and key not in self._fresh:
            self._fresh[key] = pairs()
        line = len(self._keys)
        self._keys.append(key)
        self._values.append(value)
        self._starts.append(start_ms)
        if time_ms is not None:
            self._stamps.append((line, time_ms))
        for exemplar in exemplars:
            self._exemplars.append((line, exemplar))
        if histogram is not None:
            self._histograms.append((line, histogram))

    def page(self) -> Page:
        numbers, times = zip(*self._stamps, strict=True) if self._stamps else ((), ())
        readings = Readings(
            np.array(self._values, dtype=np.float64),
            np.array(numbers, dtype=np.int64),
            np.array(times, dtype=np.int64),
            tuple(self._exemplars),
            tuple(self._histograms),
            np.array(self._starts, dtype=np.int64) if any(self._starts) else None,
        )
        known = self._known
        families = self.families
        if known is not None and known.has(self._keys) and known.families() == families:
            return Page(known, readings)
        pairs = [
            self._fresh[key] if key in self._fresh else self._known_pairs[self._places[key]]
            for key in self._keys
        ]
        layout = KeyedLayout(self._keys, pairs, lambda: families)
        kept = kept_lines(known, self._keys) if known is not None else None
        return Page(layout, readings, None, known, kept)
