"""The shape of a text body: everything in it but the values.

    heads       the texts in front of the values, and the one behind the last of them
    end_lines   for each sample: which physical line it ends in, counted from 0

Most bodies of a target differ from the last one in their values only. `match` finds out with a few
passes of numpy over the whole body: where the newlines are says where each value must be, and what
is in front of it must be its head, byte for byte. Then every line means what it meant last time,
because a scanner's reading of a line up to its value depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from termprom.exposition.entries import LabelPairs, SeriesEntry
from termprom.exposition.negotiate import Format, scanner_for
from termprom.exposition.scanner import scan
from termprom.model.metadata import Metadata, MetricType
from termprom.model.values import Ints
from termprom.scrape.heads import Heads
from termprom.scrape.metadata import layout_metadata

Bytes = NDArray[np.uint8]

_NEWLINE: Final = 0x0A
_COMMA: Final = 0x2C

# How `le` and `quantile` were read in a line: as they stand, or as bounds in one spelling.
BOUND_CODES: Final = {MetricType.HISTOGRAM: 1, MetricType.SUMMARY: 2}


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the values of a body are, and what they say.

    Shapes: value_starts, ends (K,) byte places; `tails` are the K texts between them, with commas.
    """

    body: bytes
    value_starts: Ints
    ends: Ints
    tails: bytes


class TextLayout:
    """The series lines of a text body, in order. Equal bodies but for values share one layout."""

    __slots__ = (
        "__weakref__",
        "_pairs",
        "bounds",
        "end_lines",
        "heads",
        "kind",
        "line_count",
        "simple",
    )

    def __init__(
        self,
        kind: Format,
        cut: Cut,
        line_starts: Sequence[int] | Ints,
        bounds: Sequence[int] | NDArray[np.uint8],
        pairs: Sequence[LabelPairs] | None,
    ) -> None:
        """`line_starts` say where each sample's line starts, `bounds` are its BOUND_CODES."""
        newlines = newlines_of(cut.body)
        self.kind = kind
        self.heads = Heads(cut.body, cut.value_starts, cut.ends)
        self.line_count = len(newlines)
        self.end_lines = np.searchsorted(newlines, cut.ends)
        physical = line_starts_of(newlines)[self.end_lines]
        self.bounds = np.asarray(bounds, dtype=np.uint8)
        # A label value may hold a newline, and a NUL may end a body before its time; such bodies
        # are not taken apart any further.
        whole = bool((physical == np.asarray(line_starts, dtype=np.int64)).all())
        self.simple = whole and b"\0" not in cut.body
        self._pairs = pairs

    def __repr__(self) -> str:
        return f"TextLayout({self.kind}, {self.count} series in {self.line_count} lines)"

    @property
    def count(self) -> int:
        """K: how many samples a body of this layout has."""
        return len(self.end_lines)

    @property
    def key(self) -> tuple[Format, int]:
        """What a body must have in common with this layout to be worth a look."""
        return self.kind, self.line_count

    def match(self, body: bytes) -> Cut | None:
        """`body` taken apart if it differs in its values only; else None."""
        newlines = newlines_of(body)
        if len(newlines) != self.line_count:
            return None
        ends = newlines[self.end_lines]
        value_starts = self.heads.find(body, ends)
        return take_apart(body, value_starts, ends) if value_starts is not None else None

    @property
    def skeleton(self) -> bytes:
        """The body without its values, and without what follows these up to the newline."""
        return self.heads.text()

    def series_keys(self) -> Sequence[Hashable]:
        """For each sample, the text of its last physical line up to the value."""
        lines = self.skeleton.split(b"\n")
        return [lines[number] for number in self.end_lines.tolist()]

    def families(self) -> Mapping[str, Metadata]:
        """What the comments say of metric families; the last word counts."""
        return layout_metadata(self.skeleton, self.kind)

    def pairs(self) -> Sequence[LabelPairs]:
        """For each sample, its labels as exposed; read again where they were forgotten."""
        if self._pairs is None:
            scanner = scanner_for(self.specimen(), self.kind)
            self._pairs = tuple(e.pairs for e in scan(scanner) if isinstance(e, SeriesEntry))
        return self._pairs

    def specimen(self) -> bytes:
        """A body of this layout, all of whose values are 0."""
        lines = self.skeleton.split(b"\n")
        for number in self.end_lines.tolist():
            lines[number] += b"0"
        return b"\n".join(lines)

    def forget_pairs(self) -> None:
        """Give their memory back; they can be read again from the skeleton."""
        self._pairs = None


def newlines_of(body: bytes) -> Ints:
    """Where the newlines are."""
    # Two calls: with a cold cache the calls cost more than what they do.
    places: Ints = (np.frombuffer(body, dtype=np.uint8) == _NEWLINE).nonzero()[0]
    return places


def line_starts_of(newlines: Ints) -> Ints:
    """Where the physical lines start that end at `newlines`."""
    starts = np.empty(len(newlines), dtype=np.int64)
    starts[:1] = 0
    starts[1:] = newlines[:-1] + 1
    return starts


def take_apart(body: bytes, value_starts: Ints, ends: Ints) -> Cut:
    """The texts [value_starts, ends) of `body`, none empty; `ends` are newlines."""
    if not len(ends):
        return Cut(body, value_starts, ends, b"")
    array: Bytes = np.frombuffer(body, dtype=np.uint8)
    lengths = ends - value_starts
    lengths += 1
    behind = lengths.cumsum()
    places = (value_starts - behind + lengths).repeat(lengths)
    places += np.arange(len(places))
    tails = array[places]
    behind -= 1
    tails[behind] = _COMMA
    return Cut(body, value_starts, ends, tails[:-1].tobytes())
