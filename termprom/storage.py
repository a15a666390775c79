"""The protocols between those who write samples, those who read them, and the store.

A writer holds a `Group`: the series that one source writes together, a *row* at a time. A reader
holds a `Querier`: a fixed time range of an immutable snapshot, that hands out *frames*, matrices of
series that share their timestamps. Neither side knows the other, nor the store between them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.metadata import Metadata
from termprom.model.values import Ints, TimesMs, Values

# --- Writing ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of the cells of one append; a rejected sample is counted and never an error.

    duplicates: another value at a time that already has one (the same value again counts as stored)
    out_of_order: older than the series' newest sample and outside the out-of-order window
    too_old: older than anything the head still takes
    """

    stored: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    too_old: int = 0
    created: int = 0


@dataclass(frozen=True, slots=True)
class HistogramSample:
    """A native histogram of the series in `column`, beside or instead of its floats.

    Whoever reads integer histograms makes floats and absolute bucket counts of them. A stale
    marker is no histogram: append STALE at the series' column, as for a float.
    start_ms: since when it counts, 0 where that is not known.
    """

    column: int
    histogram: FloatHistogram
    start_ms: int = 0


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One traced observation of a series; its label values are unescaped."""

    labels: Labels
    value: float
    time_ms: int


@dataclass(frozen=True, slots=True)
class ExemplarsAppended:
    """What became of exemplars; one that is already there counts as stored.

    too_long: names and values of its labels have more than 128 characters together
    """

    stored: int = 0
    out_of_order: int = 0
    too_long: int = 0


class Group(Protocol):
    """The door of one source into the store: a target, a rule group, a pushed group.

    Owned by the engine's event loop: no method may be called from another thread. Each append is
    one WAL record, handed to the kernel before the method returns and before any query can see it.
    Any append may raise DiskFull or StorageError; nothing of it is stored then.
    """

    @property
    def identity(self) -> Labels:
        """The labels that make this group the same group after a restart."""
        ...

    def columns(self, labels: Sequence[Labels]) -> Ints:
        """The column numbers of these series, new columns for those not seen before.

        Shapes: K label sets -> (K,) int64. A column that is written to keeps its number; one that
        nobody has written to for hours may be dropped. An append to it then raises ColumnsDropped
        and stores nothing: ask again for the columns of all series.
        """
        ...

    def append(
        self,
        time_ms: int,
        columns: Ints,
        values: Values,
        *,
        histograms: Sequence[HistogramSample] = (),
        starts_ms: Ints | None = None,
    ) -> Appended:
        """Store one row: `values` (K,) at `columns` (K,) and `histograms`, all at `time_ms`.

        Columns must not repeat within a call, floats and histograms together; either may be
        empty. Cells may be stale markers, which end whatever the series last had. A second append
        at the time of the newest row fills the cells that are still absent there.
        `starts_ms` (K,) tells since when each float counts, 0 where that is not known; leave it
        out unless the operator asked for start timestamps. Each histogram counts once in the
        answer, whatever its number of buckets.
        """
        ...

    def append_loose(
        self,
        times_ms: TimesMs,
        columns: Ints,
        values: Values,
        *,
        histograms: Sequence[tuple[int, HistogramSample]] = (),
        starts_ms: Ints | None = None,
    ) -> Appended:
        """Store samples that bring their own timestamps; all arrays (N,), any order.

        `histograms` are pairs of time and sample; `starts_ms` (N,) as in `append`. Those that
        share a timestamp may end up in one row.
        """
        ...

    def append_exemplars(self, exemplars: Sequence[tuple[int, Exemplar]]) -> ExemplarsAppended:
        """Keep exemplars of the series in these columns, in a ring of bounded size.

        As upstream, those of one series have to come in the order of (time, value); append what
        one scrape brings sorted so. The series need not have samples.
        """
        ...

    def set_metadata(self, metadata: Mapping[str, Metadata]) -> None:
        """What this source says of metric families, by their names; told again it costs nothing.

        It lasts over restarts for as long as the log holds samples of this group.
        """
        ...

    def release(self) -> None:
        """The source is gone; its samples stay. The same identity may be opened again later."""
        ...


# --- Reading ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """Series that share timestamps, as a matrix.

    Shapes:  series (K,) positions in `Selection.labels`; times_ms (T,) strictly ascending;
             values (K, T), C order or a view: read only.
    Cells:   ABSENT_BITS where a series has no sample at that time; STALE_BITS where it ended.
    `dense` promises that no cell is absent or stale, so that kernels may skip the masks.
    `starts_ms` (K, T), where a store knows them, tells since when each sample counts; 0 is unknown.
    """

    series: Ints
    times_ms: TimesMs
    values: Values
    dense: bool
    starts_ms: Ints | None = None


@dataclass(frozen=True, slots=True)
class HistogramFrame:
    """Native histograms of one series under one bucket layout, as matrices.

    Shapes: times_ms, counts, sums, zero_counts, hints, starts_ms (T,); positive (T, P), negative
    (T, N).
    A stale marker is a row whose `sums` cell has STALE_BITS.
    """

    series: int
    schema: int
    zero_threshold: float
    positive_spans: tuple[BucketSpan, ...]
    negative_spans: tuple[BucketSpan, ...]
    custom_values: tuple[float, ...]
    times_ms: TimesMs
    hints: Ints
    counts: Values
    sums: Values
    zero_counts: Values
    positive: Values
    negative: Values
    starts_ms: Ints | None = None


class Selection(Protocol):
    """The series that some matchers select, known before any sample is read."""

    @property
    def labels(self) -> Sequence[Labels]:
        """The label sets, unique, sorted."""
        ...

    def frames(self, *, series_max: int = 4096) -> Iterator[Frame]:
        """The float samples, decoded batch by batch.

        Every selected series with at least one sample in the querier's range is in exactly one
        frame, with all of them: times_ms lie in [start, end]. A frame holds at most `series_max`
        series. May be called again; must be consumed before the querier closes.
        """
        ...

    def histograms(self) -> Iterator[HistogramFrame]:
        """The native histogram samples of the selected series, ordered by series, then time."""
        ...


class Querier(Protocol):
    """A fixed range [start, end] of an immutable snapshot; safe to use from one other thread."""

    def select(
        self,
        matchers: Sequence[Matcher],
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Selection:
        """Series that pass all matchers; the range may be narrowed to [start_ms, end_ms].

        Raises StorageError where a block cannot be read.
        """
        ...

    def label_names(self, matchers: Sequence[Matcher] = (), *, limit: int = 0) -> list[str]:
        """Sorted names among the matching series; limit 0 means all."""
        ...

    def label_values(
        self, name: str, matchers: Sequence[Matcher] = (), *, limit: int = 0
    ) -> list[str]:
        """Sorted values of `name` among the matching series; limit 0 means all."""
        ...

    def close(self) -> None:
        """Give the snapshot back; nothing that it handed out may be used afterwards."""
        ...


class BySelecting(ABC):
    """Base of the queriers in memory: label names and values are those of what `select` finds."""

    def __init__(self, start_ms: int, end_ms: int) -> None:
        self._start_ms = start_ms
        self._end_ms = end_ms

    @abstractmethod
    def select(
        self,
        matchers: Sequence[Matcher],
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Selection: ...

    def _narrowed(self, start_ms: int | None, end_ms: int | None) -> tuple[int, int]:
        """The part of the querier's own range that lies in [start_ms, end_ms]."""
        start = self._start_ms if start_ms is None else max(start_ms, self._start_ms)
        return start, self._end_ms if end_ms is None else min(end_ms, self._end_ms)

    def label_names(self, matchers: Sequence[Matcher] = (), *, limit: int = 0) -> list[str]:
        names = {name for labels in self.select(matchers).labels for name in labels.names()}
        return sorted(names)[: limit or None]

    def label_values(
        self, name: str, matchers: Sequence[Matcher] = (), *, limit: int = 0
    ) -> list[str]:
        values = {labels.get(name) for labels in self.select(matchers).labels} - {""}
        return sorted(values)[: limit or None]

    def close(self) -> None:
        return


class Queryable(Protocol):
    """Whatever can be asked: the TSDB, arrays in a test, another's block, a remote read."""

    def querier(self, start_ms: int, end_ms: int) -> Querier:
        """A snapshot of [start_ms, end_ms]. May be called from any thread."""
        ...


class ExemplarQueryable(Protocol):
    """Whatever can be asked for exemplars."""

    def exemplars(
        self, selectors: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> list[tuple[Labels, list[Exemplar]]]:
        """Those in [start_ms, end_ms] of the series that pass any of the selectors.

        Series ordered by their labels, exemplars as they came. May be called from any thread.
        """
        ...


class MetadataQueryable(Protocol):
    """Whatever remembers what sources said of metric families."""

    def metadata(self) -> list[tuple[Labels, str, Metadata]]:
        """Identity of the group, metric family, and what the group last said of it; ordered.

        May be called from any thread.
        """
        ...


class Storage(Queryable, Protocol):
    """What the engine needs of a store."""

    def group(self, identity: Labels) -> Group:
        """The group of that identity, made if need be; one holder at a time, on the loop."""
        ...
