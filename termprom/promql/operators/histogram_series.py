"""Native histogram samples of a selection, series by series, beside the lanes of its floats."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from termprom.model.histogram import CounterResetHint
from termprom.model.values import Ints, Mask, TimesMs
from termprom.promql.histograms.resets import was_reset
from termprom.promql.histograms.value import Histogram, from_frame
from termprom.promql.kernels.start_times import began_anew
from termprom.promql.kernels.windows import References
from termprom.promql.operators.histogram_cells import Cells
from termprom.promql.run import Run
from termprom.storage import Selection


@dataclass(frozen=True, slots=True)
class HistogramSeries:
    """times_ms (N,) ascending, and as many histograms; starts_ms (N,) tells since when each counts,
    0 where that is unknown."""

    times_ms: TimesMs
    histograms: list[Histogram]
    starts_ms: Ints

    def began_anew(self) -> Mask:
        """Whether each sample's start tells of a reset before it; (N,)."""
        anew = np.zeros(self.times_ms.size, dtype=np.bool_)
        if self.starts_ms.any():
            anew[1:] = began_anew(self.times_ms, self.starts_ms)
        return anew

    def without_stale(self) -> HistogramSeries:
        """The samples less the markers that the series ended."""
        kept = [number for number, one in enumerate(self.histograms) if not one.stale]
        return HistogramSeries(
            self.times_ms[np.array(kept, dtype=np.int64)],
            [self.histograms[n] for n in kept],
            self.starts_ms[np.array(kept, dtype=np.int64)],
        )

    def newest(self, references: References, lookback_ms: int) -> tuple[Ints, Mask]:
        """Per step the newest sample's number, and whether it is within the lookback; (S,)."""
        edges = references.times_ms()
        newest = np.searchsorted(self.times_ms, edges, side="right") - 1
        times = np.take(self.times_ms, newest, mode="clip")
        fresh: Mask = (newest >= 0) & (times > edges - lookback_ms)
        return newest, fresh

    def bounds(self, left_ms: TimesMs, right_ms: TimesMs) -> tuple[Ints, Ints]:
        """Per window (left, right] the first sample's number and the one after the last; (S,)."""
        first = np.searchsorted(self.times_ms, left_ms, side="right")
        return first, np.searchsorted(self.times_ms, right_ms, side="right")


def histogram_series(
    run: Run, selection: Selection, *, keep_stale: bool, derive_hints: bool = False
) -> Mapping[int, HistogramSeries]:
    """By row of the selection; rows without histograms are not in it."""
    times: dict[int, list[int]] = {}
    starts: dict[int, list[int]] = {}
    found: dict[int, list[Histogram]] = {}
    for frame in selection.histograms():
        one = list(from_frame(frame))
        run.pass_by(sum(histogram.size for histogram in one))
        since = frame.starts_ms if run.start_timestamps else None
        since = np.zeros(len(one), dtype=np.int64) if since is None else since
        for time_ms, start_ms, histogram in zip(
            frame.times_ms.tolist(), since.tolist(), one, strict=True
        ):
            if keep_stale or not histogram.stale:
                starts.setdefault(frame.series, []).append(start_ms)
                times.setdefault(frame.series, []).append(time_ms)
                found.setdefault(frame.series, []).append(histogram)
    return {
        row: HistogramSeries(
            np.array(times[row], dtype=np.int64),
            _with_derived_hints(found[row]) if derive_hints else found[row],
            np.array(starts[row], dtype=np.int64),
        )
        for row in sorted(found)
    }


def _with_derived_hints(histograms: list[Histogram]) -> list[Histogram]:
    """Those that know nothing of a reset, compared with the one before; the first stays so."""
    derived = histograms[:1]
    for before, one in itertools.pairwise(histograms):
        if one.hint is CounterResetHint.UNKNOWN and not one.stale:
            reset = was_reset(one, before)
            one = one.with_hint(CounterResetHint.RESET if reset else CounterResetHint.NOT_RESET)
        derived.append(one)
    return derived


def series_of_cells(cells: Cells, times_ms: TimesMs) -> Mapping[int, HistogramSeries]:
    """What a subquery gave, as samples. What it knew of resets holds no longer between them."""
    found = {}
    for row in sorted(cells):
        steps = sorted(cells[row])
        found[row] = HistogramSeries(
            times_ms[np.array(steps, dtype=np.int64)],
            [_without_order(cells[row][step]) for step in steps],
            np.zeros(len(steps), dtype=np.int64),
        )
    return found


def _without_order(histogram: Histogram) -> Histogram:
    if histogram.hint is CounterResetHint.GAUGE:
        return histogram
    return histogram.with_hint(CounterResetHint.UNKNOWN)
