"""What the head and a block have in common for those who read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.values import AnyArray, Ints, Mask, TimesMs
from termprom.tsdb.label_index import LabelIndex

OWN_TIMES: Final = b""


@dataclass(frozen=True, slots=True)
class Piece:
    """Cells of one timeline out of one source.

    Shapes: series (K,) positions in what was picked; times_ms (T,) strictly ascending; bits (K, T)
            uint64, ABSENT_BITS where there is no sample. Read only.
    `timeline` is the hash that makes it the same timeline in another source; OWN_TIMES says that
    the times are those of its one series.
    """

    timeline: bytes
    series: Ints
    times_ms: TimesMs
    bits: AnyArray


class Picked(Protocol):
    """Some series of a source in [start, end], fixed from now on."""

    @property
    def present(self) -> Mask:
        """Which of the series may have samples in the range, (K,)."""
        ...

    @property
    def rows(self) -> Ints:
        """About how many samples each series has there, (K,)."""
        ...

    def read(self, wanted: Ints) -> Iterator[Piece]:
        """The cells of the series at these positions (ascending).

        Each timeline comes once, except that own times may come several times for one series.
        """
        ...


@runtime_checkable
class ByTimeline(Protocol):
    """Picked series of which is known who shares times with whom."""

    @property
    def timelines(self) -> Ints:
        """A number per series (K,), equal for those of one timeline."""
        ...


class Source(Protocol):
    """A head or a block, as a reader sees it."""

    @property
    def index(self) -> LabelIndex: ...
    def pick(self, series: Ints, start_ms: int, end_ms: int) -> Picked:
        """Series of `index` (ascending) in [start_ms, end_ms]."""
        ...

    def identity_of(self, timeline: bytes) -> Labels | None:
        """The group that the timeline is the rows of; None where this source does not know it."""
        ...

    def times_of(self, timeline: bytes, start_ms: int, end_ms: int) -> TimesMs:
        """All row times of a group's timeline in [start_ms, end_ms]; none where it is not here."""
        ...

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        """Whether there may be samples in [start_ms, end_ms]."""
        ...

    def select(self, matchers: Sequence[Matcher]) -> Ints: ...
