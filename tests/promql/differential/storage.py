"""The same samples for our engine: floats in frames of whole targets, histograms beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, all_match
from termprom.model.values import ABSENT_BITS, full_of
from termprom.storage import BySelecting, Frame, HistogramFrame
from termprom.testing.array_storage import ArrayGroup, ArrayQuerier, ArraySelection, ArrayStorage
from termprom.testing.promqltest.store import frame_of, with_stored_hint
from tests.promql.differential.dataset import Line

_Histograms = dict[Labels, dict[int, FloatHistogram]]


class DifferentialStorage:
    """Queryable over the lines of a dataset."""

    def __init__(self, lines: Sequence[Line]) -> None:
        targets: dict[str, list[tuple[Labels, dict[int, float]]]] = {}
        self._histograms: _Histograms = {}
        for line in lines:
            floats = {t: one for t, one in line.samples if not isinstance(one, FloatHistogram)}
            held = dict(_with_hints(line))
            if floats:
                targets.setdefault(line.labels.get("instance"), []).append((line.labels, floats))
            if held:
                self._histograms[line.labels] = held
        self._floats = ArrayStorage([_group(members) for members in targets.values()])

    def querier(self, start_ms: int, end_ms: int) -> _Querier:
        return _Querier(self._floats.querier(start_ms, end_ms), self._histograms, start_ms, end_ms)


def _with_hints(line: Line) -> Iterator[tuple[int, FloatHistogram]]:
    before: FloatHistogram | None = None
    for time_ms, one in line.samples:
        if isinstance(one, FloatHistogram):
            before = with_stored_hint(one, before)
            yield time_ms, before
        else:
            before = None


def _group(members: list[tuple[Labels, dict[int, float]]]) -> ArrayGroup:
    times = np.unique(np.array([t for _, samples in members for t in samples], dtype=np.int64))
    values = full_of(ABSENT_BITS, len(members), times.size)
    for row, (_, samples) in enumerate(members):
        columns = np.searchsorted(times, np.array(list(samples), dtype=np.int64))
        values[row, columns] = np.array(list(samples.values()), dtype=np.float64)
    return ArrayGroup([labels for labels, _ in members], times, values)


class _Querier(BySelecting):
    def __init__(
        self, floats: ArrayQuerier, histograms: _Histograms, start_ms: int, end_ms: int
    ) -> None:
        self._floats = floats
        self._histograms = histograms
        super().__init__(start_ms, end_ms)

    def select(
        self,
        matchers: Sequence[Matcher],
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> _Selection:
        start, end = self._narrowed(start_ms, end_ms)
        floats = self._floats.select(matchers, start_ms=start, end_ms=end)
        histograms = {
            labels: inside
            for labels, samples in self._histograms.items()
            if all_match(matchers, labels)
            and (inside := {t: one for t, one in samples.items() if start <= t <= end})
        }
        return _Selection(floats, histograms)

    def close(self) -> None:
        self._floats.close()


class _Selection:
    def __init__(self, floats: ArraySelection, histograms: _Histograms) -> None:
        self._floats = floats
        self._histograms = histograms
        self._labels = sorted({*floats.labels, *histograms})
        self._number = {labels: number for number, labels in enumerate(self._labels)}

    @property
    def labels(self) -> Sequence[Labels]:
        return self._labels

    def frames(self, *, series_max: int = 4096) -> Iterator[Frame]:
        number_of = np.array([self._number[one] for one in self._floats.labels], dtype=np.int64)
        for frame in self._floats.frames(series_max=series_max):
            yield replace(frame, series=number_of[frame.series])

    def histograms(self) -> Iterator[HistogramFrame]:
        for labels in sorted(self._histograms):
            for time_ms, one in sorted(self._histograms[labels].items()):
                yield frame_of(self._number[labels], time_ms, one)
