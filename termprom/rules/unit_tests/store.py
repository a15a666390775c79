"""A store for one test: sorted lists per series, so that thousands of evaluations stay cheap."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, all_match
from termprom.model.metadata import Metadata
from termprom.model.values import Ints, TimesMs, Values, is_stale
from termprom.storage import (
    Appended,
    BySelecting,
    Exemplar,
    ExemplarsAppended,
    Frame,
    Group,
    HistogramFrame,
    HistogramSample,
)
from termprom.testing.promqltest.store import frame_of, with_stored_hint


@dataclass(slots=True)
class _Series:
    """Samples in order of time; np.float64 keeps the bits of the stale marker."""

    times_ms: list[int] = field(default_factory=list)
    values: list[np.float64] = field(default_factory=list)
    histogram_times_ms: list[int] = field(default_factory=list)
    histograms: list[FloatHistogram] = field(default_factory=list)

    def span(self, start_ms: int, end_ms: int) -> slice:
        """The floats of [start_ms, end_ms]."""
        low = bisect_left(self.times_ms, start_ms)
        return slice(low, bisect_right(self.times_ms, end_ms, low))

    def histogram_span(self, start_ms: int, end_ms: int) -> slice:
        low = bisect_left(self.histogram_times_ms, start_ms)
        return slice(low, bisect_right(self.histogram_times_ms, end_ms, low))


class UnitStore:
    """Written and asked by one thread in turns: queriers see the store as it is."""

    def __init__(self) -> None:
        self._series: dict[Labels, _Series] = {}

    def __repr__(self) -> str:
        return f"UnitStore({len(self._series)} series)"

    def group(self, identity: Labels) -> Group:
        return _UnitGroup(self, identity)

    def querier(self, start_ms: int, end_ms: int) -> _UnitQuerier:
        return _UnitQuerier(self._series, start_ms, end_ms)

    def add(self, labels: Labels, time_ms: int, item: np.float64 | FloatHistogram) -> bool:
        """Whether the sample was newer than what the series has, and so taken."""
        series = self._series.setdefault(labels, _Series())
        if isinstance(item, FloatHistogram):
            times, items = series.histogram_times_ms, series.histograms
            if times and times[-1] >= time_ms:
                return False
            followed = bool(items) and not (series.times_ms and series.times_ms[-1] > times[-1])
            items.append(with_stored_hint(item, items[-1] if followed else None))
            times.append(time_ms)
            return True
        if series.times_ms and series.times_ms[-1] >= time_ms:
            return False
        series.times_ms.append(time_ms)
        series.values.append(item)
        return True

    def refusal(self, labels: Labels, time_ms: int, value: np.float64) -> str:
        """Why a sample that was not taken was not; empty when the same one is there."""
        series = self._series[labels]
        if series.times_ms[-1] > time_ms:
            return "out of order"
        return "" if series.values[-1].tobytes() == value.tobytes() else "duplicate"


class _UnitGroup:
    def __init__(self, store: UnitStore, identity: Labels) -> None:
        self._store = store
        self._identity = identity
        self._columns: dict[Labels, int] = {}
        self._labels: list[Labels] = []

    @property
    def identity(self) -> Labels:
        return self._identity

    def columns(self, labels: Sequence[Labels]) -> Ints:
        for one in labels:
            if one not in self._columns:
                self._columns[one] = len(self._labels)
                self._labels.append(one)
        return np.array([self._columns[one] for one in labels], dtype=np.int64)

    def append(
        self,
        time_ms: int,
        columns: Ints,
        values: Values,
        *,
        histograms: Sequence[HistogramSample] = (),
        starts_ms: Ints | None = None,
    ) -> Appended:
        times_ms = np.full(len(columns), time_ms, dtype=np.int64)
        pairs = [(time_ms, one) for one in histograms]
        return self.append_loose(times_ms, columns, values, histograms=pairs, starts_ms=starts_ms)

    def append_loose(
        self,
        times_ms: TimesMs,
        columns: Ints,
        values: Values,
        *,
        histograms: Sequence[tuple[int, HistogramSample]] = (),
        starts_ms: Ints | None = None,
    ) -> Appended:
        """Start times are not kept: rules write none."""
        stored = duplicates = out_of_order = 0
        for time_ms, column, value in zip(times_ms.tolist(), columns.tolist(), values, strict=True):
            labels = self._labels[column]
            if self._store.add(labels, time_ms, value):
                stored += 1
                continue
            refusal = self._store.refusal(labels, time_ms, value)
            out_of_order += refusal == "out of order"
            duplicates += refusal == "duplicate"
            stored += not refusal
        for time_ms, sample in histograms:
            taken = self._store.add(self._labels[sample.column], time_ms, sample.histogram)
            stored += taken
            duplicates += not taken
        return Appended(stored, duplicates, out_of_order, 0, 0)

    def append_exemplars(self, exemplars: Sequence[tuple[int, Exemplar]]) -> ExemplarsAppended:
        return ExemplarsAppended()

    def set_metadata(self, metadata: Mapping[str, Metadata]) -> None:
        return

    def release(self) -> None:
        return


class _UnitQuerier(BySelecting):
    def __init__(self, series: dict[Labels, _Series], start_ms: int, end_ms: int) -> None:
        self._series = series
        super().__init__(start_ms, end_ms)

    def select(
        self,
        matchers: Sequence[Matcher],
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> _UnitSelection:
        start, end = self._narrowed(start_ms, end_ms)
        found = []
        for labels, series in self._series.items():
            if all_match(matchers, labels):
                floats, histograms = series.span(start, end), series.histogram_span(start, end)
                if floats.start < floats.stop or histograms.start < histograms.stop:
                    found.append((labels, series, floats, histograms))
        found.sort(key=lambda one: one[0])
        return _UnitSelection(found)

    def close(self) -> None:
        self._series = {}


class _UnitSelection:
    def __init__(self, found: Sequence[tuple[Labels, _Series, slice, slice]]) -> None:
        self._found = found

    @property
    def labels(self) -> Sequence[Labels]:
        return [labels for labels, *_ in self._found]

    def frames(self, *, series_max: int = 4096) -> Iterator[Frame]:
        for number, (_, series, span, _) in enumerate(self._found):
            if span.start == span.stop:
                continue
            values = np.array(series.values[span], dtype=np.float64)[np.newaxis, :]
            yield Frame(
                np.array([number], dtype=np.int64),
                np.array(series.times_ms[span], dtype=np.int64),
                values,
                dense=not bool(is_stale(values).any()),
            )

    def histograms(self) -> Iterator[HistogramFrame]:
        for number, (_, series, _, span) in enumerate(self._found):
            times, items = series.histogram_times_ms[span], series.histograms[span]
            for time_ms, item in zip(times, items, strict=True):
                yield frame_of(number, time_ms, item)
