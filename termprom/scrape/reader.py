"""One target's bodies made into pages, and what is kept from one to read the next by.

A text body goes through its layout (`page`), and through a `Shape` where lines of it become
something else; a protobuf body through its decoder. `read` may run in another thread as long as
the owner waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from termprom.exposition.negotiate import Format
from termprom.exposition.protobuf import HistogramForms
from termprom.model.metadata import Metadata
from termprom.scrape.keyed import KeyedLayout, PageLayout, kept_lines
from termprom.scrape.layout import TextLayout
from termprom.scrape.layouts import Layouts
from termprom.scrape.page import Page, read_page
from termprom.scrape.proto_page import ProtoReader
from termprom.scrape.reshape import Shape, plan_shape

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
        self._proto = ProtoReader()
        self._last: PageLayout | None = None
        self._families: tuple[PageLayout, Mapping[str, Metadata]] | None = None

    def __repr__(self) -> str:
        return f"PageReader({self._last})"

    def read(self, body: bytes, kind: Format, how: Reading) -> Page:
        """The page of `body`; one with a mistake has an error in it."""
        if kind is Format.PROTOBUF:
            return self._proto.read(body, how.forms, starts=how.starts)
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
            if page.source is None:
                self._proto.keep(layout)

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
