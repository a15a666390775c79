"""What scripts load into: floats in a `MemoryStorage`, native histograms beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from termprom.model.histogram import CounterResetHint, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, all_match
from termprom.model.values import Ints, TimesMs
from termprom.promql.histograms.resets import shrank
from termprom.promql.histograms.value import from_model
from termprom.storage import BySelecting, Frame, HistogramFrame
from termprom.testing.memory_storage import MemoryStorage
from termprom.testing.promqltest.script import Load

_Starts = dict[Labels, dict[int, int]]  # since when the sample at a time counts, in milliseconds


class ScriptStorage:
    """Queryable over what was loaded. The last line of a series in one load counts."""

    def __init__(self) -> None:
        self._floats = MemoryStorage()
        self._histograms: dict[Labels, dict[int, FloatHistogram]] = {}
        self._starts: _Starts = {}

    def __repr__(self) -> str:
        return f"ScriptStorage({self._floats!r}, {len(self._histograms)} histogram series)"

    def load(self, command: Load) -> None:
        lines = {one.labels: one for one in command.series if one.start_offsets is None}
        for line in command.series:
            for position, offset in enumerate(line.start_offsets or ()):
                time_ms = position * command.step_ms
                if offset is not None:
                    self._starts.setdefault(line.labels, {})[time_ms] = time_ms + offset
        for labels, line in lines.items():
            times: list[int] = []
            values: list[float] = []
            for position, item in enumerate(line.items):
                time_ms = position * command.step_ms
                if isinstance(item, FloatHistogram):
                    self._histograms.setdefault(labels, {})[time_ms] = item
                elif item is not None:
                    times.append(time_ms)
                    values.append(item)
            if times:
                self._floats.add(labels, times, values)

            if labels in self._histograms:
                floats = self._floats.samples.get(labels, {})
                set_hints(self._histograms[labels], sorted(floats))

    def querier(self, start_ms: int, end_ms: int) -> _ScriptQuerier:
        return _ScriptQuerier(self._floats, self._histograms, self._starts, start_ms, end_ms)


def set_hints(samples: dict[int, FloatHistogram], float_times: Sequence[int]) -> None:
    """Replace the hints of one series by those that the original's store hands out."""
    kinds = sorted([*((time_ms, True) for time_ms in samples), *((t, False) for t in float_times)])
    before: FloatHistogram | None = None
    for time_ms, is_histogram in kinds:
        if not is_histogram:
            before = None
            continue
        samples[time_ms] = with_stored_hint(samples[time_ms], before)
        before = samples[time_ms]


def with_stored_hint(one: FloatHistogram, before: FloatHistogram | None) -> FloatHistogram:
    """A sample as the original's store hands it out, behind another one of its series.

    Of counters it knows only what its chunks tell, which begin anew at a reset, at a change of
    layout and at a change of kind; `before` is None behind a float. Source: reference 7.9.
    """
    now = from_model(one)
    if now.hint is CounterResetHint.GAUGE:
        return one
    last = None if before is None else from_model(before)
    goes_on = (
        last is not None
        and last.hint is not CounterResetHint.GAUGE
        and now.hint is not CounterResetHint.RESET
        and not last.stale
        and now.schema == last.schema
        and now.zero_threshold == last.zero_threshold
        and now.custom_values == last.custom_values
        and not shrank(now, last)
    )
    return replace(one, hint=CounterResetHint.NOT_RESET if goes_on else CounterResetHint.UNKNOWN)


class _ScriptQuerier(BySelecting):
    def __init__(
        self,
        floats: MemoryStorage,
        histograms: dict[Labels, dict[int, FloatHistogram]],
        starts: _Starts,
        start_ms: int,
        end_ms: int,
    ) -> None:
        self._floats = floats.querier(start_ms, end_ms)
        self._histograms = histograms
        self._starts = starts
        super().__init__(start_ms, end_ms)

    def select(
        self,
        matchers: Sequence[Matcher],
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> _ScriptSelection:
        start, end = self._narrowed(start_ms, end_ms)
        floats = self._floats.select(matchers, start_ms=start, end_ms=end)
        inside = {
            labels: {t: one for t, one in samples.items() if start <= t <= end}
            for labels, samples in self._histograms.items()
            if all_match(matchers, labels)
        }
        histograms = {labels: samples for labels, samples in inside.items() if samples}
        labels = sorted({*floats.labels, *histograms})
        number_of = {one: number for number, one in enumerate(labels)}
        frames = [
            Frame(
                np.array([number_of[floats.labels[int(frame.series[0])]]], dtype=np.int64),
                frame.times_ms,
                frame.values,
                frame.dense,
                self._starts_of(floats.labels[int(frame.series[0])], frame.times_ms),
            )
            for frame in floats.frames()
        ]
        ours = {number_of[one]: samples for one, samples in histograms.items()}
        starts = {number_of[one]: self._starts.get(one, {}) for one in histograms}
        return _ScriptSelection(labels, frames, ours, starts)

    def _starts_of(self, labels: Labels, times_ms: TimesMs) -> Ints | None:
        """Start times of one series (1, T); None where it has none at all."""
        known = self._starts.get(labels)
        if known is None:
            return None
        return np.array([[known.get(one, 0) for one in times_ms.tolist()]], dtype=np.int64)

    def close(self) -> None:
        self._floats.close()


class _ScriptSelection:
    def __init__(
        self,
        labels: Sequence[Labels],
        frames: Sequence[Frame],
        histograms: dict[int, dict[int, FloatHistogram]],
        starts: dict[int, dict[int, int]],
    ) -> None:
        self._labels = labels
        self._frames = frames
        self._histograms = histograms
        self._starts = starts

    @property
    def labels(self) -> Sequence[Labels]:
        return self._labels

    def frames(self, *, series_max: int = 4096) -> Iterator[Frame]:
        return iter(self._frames)

    def histograms(self) -> Iterator[HistogramFrame]:
        for series in sorted(self._histograms):
            for time_ms in sorted(self._histograms[series]):
                start_ms = self._starts[series].get(time_ms, 0)
                yield frame_of(series, time_ms, self._histograms[series][time_ms], start_ms)


def frame_of(series: int, time_ms: int, one: FloatHistogram, start_ms: int = 0) -> HistogramFrame:
    """One sample as a frame of its own: scripts are small, layouts change at will."""

    def row(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array(values, dtype=np.float64)

    return HistogramFrame(
        series,
        one.schema,
        one.zero_threshold,
        one.positive_spans,
        one.negative_spans,
        one.custom_values,
        np.array([time_ms], dtype=np.int64),
        np.array([int(one.hint)], dtype=np.int64),
        row(one.count),
        row(one.sum),
        row(one.zero_count),
        row(*one.positive_buckets)[np.newaxis, :],
        row(*one.negative_buckets)[np.newaxis, :],
        np.array([start_ms], dtype=np.int64),
    )
