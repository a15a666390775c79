"""A store of dictionaries: the plain twin of the TSDB for tests of everything above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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


class MemoryStorage:
    """Every series is a dict from time to value; every frame has one series.

    Histograms, start timestamps, exemplars and metadata are kept for tests to look at; a querier
    shows floats only.
    """

    def __init__(self) -> None:
        self.samples: dict[Labels, dict[int, np.float64]] = {}
        self.histograms: dict[Labels, dict[int, FloatHistogram]] = {}
        self.starts_ms: dict[Labels, dict[int, int]] = {}
        self.exemplars: list[tuple[Labels, Exemplar]] = []
        self.metadata: dict[str, Metadata] = {}

    def __repr__(self) -> str:
        return f"MemoryStorage({len(self.samples)} series)"

    def group(self, identity: Labels) -> Group:
        return _MemoryGroup(self, identity)

    def querier(self, start_ms: int, end_ms: int) -> MemoryQuerier:
        return MemoryQuerier(self, start_ms, end_ms)

    def add(self, labels: Labels, times_ms: Sequence[int], values: Sequence[float]) -> None:
        """Put samples of one series in, without any check."""
        series = self.samples.setdefault(labels, {})
        series.update(zip(times_ms, np.asarray(values, dtype=np.float64), strict=True))


class _MemoryGroup:
    def __init__(self, storage: MemoryStorage, identity: Labels) -> None:
        self._storage = storage
        self._identity = identity
        self._columns: list[Labels] = []

    @property
    def identity(self) -> Labels:
        return self._identity

    def columns(self, labels: Sequence[Labels]) -> Ints:
        known = {column: number for number, column in enumerate(self._columns)}
        numbers = []
        for one in labels:
            if one not in known:
                known[one] = len(self._columns)
                self._columns.append(one)
            numbers.append(known[one])
        return np.array(numbers, dtype=np.int64)

    def append(
        self,
        time_ms: int,
        columns: Ints,
        values: Values,
        *,
        histograms: Sequence[HistogramSample] = (),
        starts_ms: Ints | None = None,
    ) -> Appended:
        return self.append_loose(
            np.full(len(columns), time_ms, dtype=np.int64),
            columns,
            values,
            histograms=[(time_ms, one) for one in histograms],
            starts_ms=starts_ms,
        )

    def append_loose(
        self,
        times_ms: TimesMs,
        columns: Ints,
        values: Values,
        *,
        histograms: Sequence[tuple[int, HistogramSample]] = (),
        starts_ms: Ints | None = None,
    ) -> Appended:
        storage = self._storage
        stored = duplicates = out_of_order = created = 0
        starts = np.zeros(len(columns), dtype=np.int64) if starts_ms is None else starts_ms
        for time_ms, column, value, start_ms in zip(
            times_ms.tolist(), columns.tolist(), values, starts.tolist(), strict=True
        ):
            labels = self._columns[column]
            if labels not in storage.samples:
                storage.samples[labels] = {}
                created += 1
            series = storage.samples[labels]
            newest = max(series, default=time_ms)
            if time_ms < newest:
                out_of_order += 1
            elif time_ms in series and series[time_ms].tobytes() != value.tobytes():
                duplicates += 1
            else:
                series[time_ms] = value
                stored += 1
                if start_ms:
                    storage.starts_ms.setdefault(labels, {})[time_ms] = start_ms
        for time_ms, sample in histograms:
            labels = self._columns[sample.column]
            storage.histograms.setdefault(labels, {})[time_ms] = sample.histogram
            if sample.start_ms:
                storage.starts_ms.setdefault(labels, {})[time_ms] = sample.start_ms
            stored += 1
        return Appended(stored, duplicates, out_of_order, 0, created)

    def append_exemplars(self, exemplars: Sequence[tuple[int, Exemplar]]) -> ExemplarsAppended:
        self._storage.exemplars += [(self._columns[column], one) for column, one in exemplars]
        return ExemplarsAppended(len(exemplars))

    def set_metadata(self, metadata: Mapping[str, Metadata]) -> None:
        self._storage.metadata.update(metadata)

    def release(self) -> None:
        return


class MemorySelection:
    def __init__(self, series: dict[Labels, dict[int, np.float64]], start: int, end: int) -> None:
        self._series = series
        self._start_ms = start
        self._end_ms = end
        self._labels = sorted(series)

    @property
    def labels(self) -> Sequence[Labels]:
        return self._labels

    def frames(self, *, series_max: int = 4096) -> Iterator[Frame]:
        for number, labels in enumerate(self._labels):
            samples = self._series[labels]
            times = sorted(t for t in samples if self._start_ms <= t <= self._end_ms)
            if not times:
                continue
            values = np.array([samples[t] for t in times], dtype=np.float64)[np.newaxis, :]
            yield Frame(
                np.array([number], dtype=np.int64),
                np.array(times, dtype=np.int64),
                values,
                dense=not bool(is_stale(values).any()),
            )

    def histograms(self) -> Iterator[HistogramFrame]:
        return iter(())


class MemoryQuerier(BySelecting):
    def __init__(self, storage: MemoryStorage, start_ms: int, end_ms: int) -> None:
        self._samples = {labels: dict(series) for labels, series in storage.samples.items()}
        super().__init__(start_ms, end_ms)

    def select(
        self,
        matchers: Sequence[Matcher],
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> MemorySelection:
        start, end = self._narrowed(start_ms, end_ms)
        found = {
            labels: series
            for labels, series in self._samples.items()
            if all_match(matchers, labels) and any(start <= t <= end for t in series)
        }
        return MemorySelection(found, start, end)

    def close(self) -> None:
        self._samples = {}
