"""Selectors: what the store holds, as values at steps or as samples for windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import numpy as np

from termprom.model.grid import Grid
from termprom.model.label_table import LabelTable
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import MatchOp
from termprom.model.values import TimesMs, Values, is_stale
from termprom.promql.histograms.value import Histogram
from termprom.promql.kernels.windows import References, Samples, Windows, windows_of
from termprom.promql.operators.histogram_series import HistogramSeries, histogram_series
from termprom.promql.operators.lanes import Lane, lanes
from termprom.promql.operators.smoothed import smoothed_batches
from termprom.promql.operators.stream import Batch, Series, Stream
from termprom.promql.plan import RangeSelect, Select
from termprom.promql.run import Run
from termprom.storage import Selection

_NEVER: Final = np.iinfo(np.int64).min  # the time of a sample that is not there


def references_of(grid: Grid, at_ms: int | None, offset_ms: int) -> References:
    """The times a selector looks back from, one per step."""
    if at_ms is not None:
        return References(at_ms - offset_ms, 0, grid.count)
    return References(grid.start_ms - offset_ms, grid.step_ms, grid.count)


class Shown(Enum):
    """What a selector shows of the sample that it finds; times are in seconds."""

    VALUE = "value"
    TIME = "time"
    START = "start"


def instant(run: Run, node: Select, grid: Grid, *, shown: Shown = Shown.VALUE) -> Stream:
    """The newest sample at each step.

    A sample counts from its time on for the lookback; a staleness marker hides what is before it.
    """
    references = references_of(grid, node.at_ms, node.offset_ms)
    ahead_ms = run.lookback_ms if node.smoothed else 0
    start_ms = references.start_ms - run.lookback_ms + 1
    selection = _select(run, node, start_ms, references.last_ms + ahead_ms)
    histograms = histogram_series(run, selection, keep_stale=True, derive_hints=node.derive_hints)
    series = _series(node, selection)
    if shown is not Shown.VALUE:
        series = series.dropping_name(delayed=run.delayed_name_removal)

    if node.smoothed and shown is Shown.VALUE:
        points = lanes(selection.frames(), grid.count, keep_stale=False)
        ours = {row: one.without_stale() for row, one in histograms.items()}
        return Stream(series, smoothed_batches(run, points, ours, series, references, node.span))

    found = lanes(selection.frames(), grid.count, keep_stale=True, keep_starts=shown is Shown.START)

    def newest(lane: Lane) -> tuple[Batch, Windows]:
        rows, samples = lane
        windows = windows_of(samples, references, run.lookback_ms)
        values = windows.pick(windows.end - 1)
        present = windows.held & ~is_stale(values)
        if shown is Shown.TIME:
            times = windows.pick_times(windows.end - 1) / 1000
            values = np.broadcast_to(times, values.shape)
        elif shown is Shown.START:
            values = _starts_of(samples, windows, values)
        run.pass_by(int(np.count_nonzero(present)))
        return Batch(rows, values, present), windows

    if not histograms:
        return Stream(series, found, lambda lane: newest(lane)[0])

    def batches() -> Iterator[Batch]:
        seen: set[int] = set()
        for batch, windows in map(newest, found):
            float_times = np.where(windows.held, windows.pick_times(windows.end - 1), _NEVER)
            yield _overlaid(batch, float_times, histograms, references, run.lookback_ms, shown)
            seen.update(batch.rows.tolist())
        rest = np.array([row for row in histograms if row not in seen], dtype=np.int64)
        if rest.size:
            shape = (rest.size, grid.count)
            nothing = Batch(rest, np.zeros(shape), np.zeros(shape, dtype=np.bool_))
            never = np.full(shape, _NEVER)
            yield _overlaid(nothing, never, histograms, references, run.lookback_ms, shown)

    return Stream(series, batches())


def _starts_of(samples: Samples, windows: Windows, values: Values) -> Values:
    """Since when the newest sample of each window counts, in seconds; 0 where unknown."""
    if samples.since_ms is None:
        return np.zeros(values.shape)
    return np.take(samples.since_ms, windows.end - 1, mode="clip") / 1000


def _overlaid(
    batch: Batch,
    float_times: TimesMs,
    histograms: Mapping[int, HistogramSeries],
    references: References,
    lookback_ms: int,
    shown: Shown,
) -> Batch:
    """The batch with histograms where they are newer than, or as new as, the newest float.

    float_times (k, S); of histograms only their times are shown as floats.
    """
    values, present = batch.values.copy(), batch.present.copy()
    cells: dict[int, dict[int, Histogram]] = {}
    for number, row in enumerate(batch.rows.tolist()):
        one = histograms.get(row)
        if one is None:
            continue
        newest, fresh = one.newest(references, lookback_ms)
        steps = np.flatnonzero(
            fresh & (np.take(one.times_ms, newest, mode="clip") >= float_times[number])
        )
        present[number, steps] = False
        for step, at in zip(steps.tolist(), newest[steps].tolist(), strict=True):
            histogram = one.histograms[at]
            if histogram.stale:
                continue
            if shown is not Shown.VALUE:
                times = one.times_ms if shown is Shown.TIME else one.starts_ms
                present[number, step] = True
                values[number, step] = times[at] / 1000
            else:
                cells.setdefault(row, {})[step] = histogram
    return Batch(batch.rows, values, present, cells)


@dataclass(frozen=True, slots=True)
class Edges:
    """That windows are anchored or `smoothed`: their edges look `lookback_ms` beyond."""

    smoothed: bool
    lookback_ms: int


@dataclass(frozen=True, slots=True)
class RangeSource:
    """Samples for windows (reference - range_ms, reference], from the store or from a subquery."""

    series: Series
    lanes: Iterator[Lane]
    references: References
    range_ms: int
    range_seconds: float
    histograms: Mapping[int, HistogramSeries] = field(default_factory=dict)
    edges: Edges | None = None


def ranged(run: Run, node: RangeSelect, grid: Grid) -> RangeSource:
    """The samples of a range selector; staleness markers are passed over."""
    edges = Edges(node.smoothed, run.lookback_ms) if node.anchored or node.smoothed else None
    references = references_of(grid, node.select.at_ms, node.select.offset_ms)
    start_ms = references.start_ms - node.range_ms + 1 - (run.lookback_ms if edges else 0)
    end_ms = references.last_ms + (run.lookback_ms if node.smoothed else 0)
    selection = _select(run, node.select, start_ms, end_ms)

    def batches() -> Iterator[Lane]:
        for rows, samples in lanes(
            selection.frames(),
            grid.count,
            keep_stale=False,
            keep_starts=run.start_timestamps and edges is None,
        ):
            run.pass_by(samples.values.size)
            yield rows, samples

    series = _series(node.select, selection)
    histograms = histogram_series(
        run, selection, keep_stale=False, derive_hints=node.select.derive_hints
    )
    return RangeSource(
        series, batches(), references, node.range_ms, node.range_seconds, histograms, edges
    )


def _select(run: Run, node: Select, start_ms: int, end_ms: int) -> Selection:
    run.check()
    return run.querier.select(node.matchers, start_ms=start_ms, end_ms=max(start_ms, end_ms))


def _series(node: Select, selection: Selection) -> Series:
    labels = selection.labels
    named = any(m.name == METRIC_NAME and m.op is MatchOp.EQUAL for m in node.matchers)
    # Type and unit labels are part of what a dropped name takes away; they sort right behind it.
    same_name = named and not _has_parts_of_a_name(labels)
    return Series(labels, same_name=same_name)


def _has_parts_of_a_name(labels: Sequence[Labels]) -> bool:
    if isinstance(labels, LabelTable):
        return any(name[:2] == "__" and name != METRIC_NAME for name in labels.names())
    return any(len(one) > 1 and one[1][0][:2] == "__" for one in labels)
