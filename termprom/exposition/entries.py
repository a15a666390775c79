"""What a parser finds in an exposition, in the order of the body.

The stream is flat, as upstream's: nothing is grouped into families or checked across lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from termprom.model.metadata import MetricType

LabelPairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TypeEntry:
    metric: str
    type: MetricType


@dataclass(frozen=True, slots=True)
class HelpEntry:
    metric: str
    help: str


@dataclass(frozen=True, slots=True)
class UnitEntry:
    metric: str
    unit: str


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One traced observation; the label values are kept as written, not unescaped."""

    labels: LabelPairs
    value: float
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesEntry:
    """One sample line.

    `pairs` are as exposed: `__name__` first, then in text order, duplicates and empty values kept.
    `key` is the text from the line's start to the end of name and labels. The value is
    body[value_start:value_end]; `start` and `end` bound the whole line, without its newline.
    """

    key: bytes
    pairs: LabelPairs
    value: float
    timestamp_ms: int | None
    exemplar: Exemplar | None
    start: int
    value_start: int
    value_end: int
    end: int

    @property
    def plain(self) -> bool:
        """Whether nothing stands between the value and the end of the line."""
        return self.value_end == self.end


@dataclass(frozen=True, slots=True)
class Tail:
    """What stands behind name and labels: the value up to `value_end`, the line up to `end`."""

    value: float
    timestamp_ms: int | None
    exemplar: Exemplar | None
    value_end: int
    end: int


Entry = TypeEntry | HelpEntry | UnitEntry | SeriesEntry
Entries = Sequence[Entry]
