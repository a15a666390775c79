"""The result of an instant query for a range vector: samples at their own times."""

from __future__ import annotations

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.grid import Grid
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.model.result import QueryResult, RawSeries, ResultType
from termprom.model.values import TimesMs, Values
from termprom.promql.histograms.value import to_model
from termprom.promql.kernels.windows import Samples
from termprom.promql.operators.edge_call import edge_points
from termprom.promql.operators.select import RangeSource
from termprom.promql.operators.stream import without_name
from termprom.promql.operators.unique import SAME_LABELS


def raw_result(source: RangeSource, grid: Grid) -> QueryResult:
    """The samples of the only window of `grid`, series in the order of their labels."""
    found: list[RawSeries] = []
    labels = _labels(source)
    seen: set[int] = set()
    for rows, samples in source.lanes:
        for number, row in enumerate(rows.tolist()):
            times, values = _points_of_window(source, samples, number)
            histograms = _histograms_of_window(source, row)
            seen.add(row)
            if values.size or histograms:
                found.append(RawSeries(labels[row], times, values, histograms))
    nothing = np.empty(0)
    for row in source.histograms:
        histograms = _histograms_of_window(source, row)
        if row not in seen and histograms:
            found.append(RawSeries(labels[row], nothing.astype(np.int64), nothing, histograms))
    found = _merged(found)
    found.sort(key=lambda one: one.labels)
    cells = np.empty((0, grid.count))
    return QueryResult(
        ResultType.MATRIX,
        [one.labels for one in found],
        grid.steps_ms(),
        cells,
        np.empty(cells.shape, dtype=np.bool_),
        raw=found,
    )


def _labels(source: RangeSource) -> list[Labels]:
    """After names that were kept for the end have gone."""
    labels, pending = source.series.labels, source.series.pending
    if pending is None:
        return list(labels)
    return [
        without_name(one) if drop else one
        for one, drop in zip(labels, pending.tolist(), strict=True)
    ]


def _merged(found: list[RawSeries]) -> list[RawSeries]:
    """Series that came to have equal labels as one. Raises EvaluationError where they meet."""
    merged: dict[Labels, RawSeries] = {}
    for one in found:
        other = merged.get(one.labels)
        merged[one.labels] = one if other is None else _together(other, one)
    return list(merged.values())


def _together(one: RawSeries, other: RawSeries) -> RawSeries:
    times = np.concatenate([one.times_ms, other.times_ms])
    order = np.argsort(times, kind="stable")
    histograms = tuple(sorted((*one.histograms, *other.histograms), key=lambda pair: pair[0]))
    every = [*times.tolist(), *(time_ms for time_ms, _ in histograms)]
    if len(set(every)) < len(every):
        raise EvaluationError(SAME_LABELS)
    values = np.concatenate([one.values, other.values])
    return RawSeries(one.labels, times[order], values[order], histograms)


def _points_of_window(source: RangeSource, samples: Samples, number: int) -> tuple[TimesMs, Values]:
    """The float samples of one series in the only window of an instant query."""
    if source.edges is not None:
        return edge_points(samples, number, source)
    times, values = samples.of_series(number)
    right = source.references.start_ms
    first = np.searchsorted(times, right - source.range_ms, side="right")
    end = np.searchsorted(times, right, side="right")
    return times[first:end], values[first:end]


def _histograms_of_window(source: RangeSource, row: int) -> tuple[tuple[int, FloatHistogram], ...]:
    """Times and histograms of one row in the only window of an instant query."""
    one = source.histograms.get(row)
    if one is None:
        return ()
    right = source.references.times_ms()
    first, end = one.bounds(right - source.range_ms, right)
    inside = slice(int(first[0]), int(end[0]))
    return tuple(
        (time_ms, to_model(histogram))
        for time_ms, histogram in zip(
            one.times_ms[inside].tolist(), one.histograms[inside], strict=True
        )
    )
