"""Query results, read back: JSON objects into matrices on the grid that was asked for.

A server may answer at other times than the grid's (some align start and end to the step); every
point goes to the nearest step, and the later one wins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from termprom.backend.wire_histogram import histogram_from
from termprom.backend.wire_text import Json, labels_from
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.notices import Notice
from termprom.model.result import (
    HistogramPoint,
    QueryResult,
    QueryStats,
    RawSeries,
    ResultType,
)
from termprom.model.values import Ints, TimesMs, Values


def decode_result(
    data: Json, grid: Grid, *, over_time: bool, notices: Sequence[Notice] = ()
) -> QueryResult:
    """The result of a `data` object. A matrix that answers an instant query is raw.

    Raises ValueError for what does not have the shape of a query result.
    """
    try:
        kind = ResultType(data["resultType"])
        found = data["result"] or []
        stats = _stats(data.get("stats"))
        match kind:
            case ResultType.SCALAR:
                result = _scalar(found)
            case ResultType.STRING:
                result = _string(found)
            case ResultType.VECTOR:
                result = _vector(found, grid)
            case ResultType.MATRIX:
                result = _matrix(found, grid) if over_time else _raw(found, grid)
    except (TypeError, KeyError, IndexError, AttributeError) as problem:
        raise ValueError(f"not a query result: {problem!r}") from problem
    return QueryResult(
        result.type,
        result.labels,
        result.times_ms,
        result.values,
        result.present,
        text=result.text,
        raw=result.raw,
        histograms=result.histograms,
        notices=tuple(notices),
        stats=stats,
    )


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _stats(value: Json) -> QueryStats:
    if not value:
        return QueryStats()
    samples, timings = value.get("samples", {}), value.get("timings", {})
    return QueryStats(
        duration_seconds=float(timings.get("execTotalTime", 0.0)),
        samples=int(samples.get("totalQueryableSamples", 0)),
        peak_samples=int(samples.get("peakSamples", 0)),
    )


def _scalar(found: Json) -> QueryResult:
    times = np.array([milliseconds(found[0])], dtype=np.int64)
    values = np.array([[float(found[1])]])
    return QueryResult(
        ResultType.SCALAR, (Labels(),), times, values, np.ones((1, 1), dtype=np.bool_)
    )


def _string(found: Json) -> QueryResult:
    times = np.array([milliseconds(found[0])], dtype=np.int64)
    nothing = np.empty((0, 1))
    return QueryResult(
        ResultType.STRING,
        (),
        times,
        nothing,
        np.empty((0, 1), dtype=np.bool_),
        text=str(found[1]),
    )


def _vector(found: Json, grid: Grid) -> QueryResult:
    labels = [labels_from(one["metric"]) for one in found]
    values = np.full((len(found), 1), np.nan)
    present = np.zeros((len(found), 1), dtype=np.bool_)
    histograms = []
    for number, one in enumerate(found):
        if "value" in one:
            values[number, 0] = float(one["value"][1])
            present[number, 0] = True
        elif "histogram" in one:
            histograms.append(HistogramPoint(number, 0, histogram_from(one["histogram"][1])))
    times = grid.steps_ms()
    if found:
        # Where no time was asked for, it is the server's that counts.
        time = (found[0].get("value") or found[0]["histogram"])[0]
        times = np.array([milliseconds(time)], dtype=np.int64)
    return QueryResult(ResultType.VECTOR, labels, times, values, present, histograms=histograms)


def _matrix(found: Json, grid: Grid) -> QueryResult:
    count = grid.count
    labels = [labels_from(one["metric"]) for one in found]
    values = np.full((len(found), count), np.nan)
    present = np.zeros((len(found), count), dtype=np.bool_)
    histograms = []
    for number, one in enumerate(found):
        times_ms, floats = _points(one.get("values") or ())
        steps = _steps(times_ms, grid)
        inside = (steps >= 0) & (steps < count)
        values[number, steps[inside]] = floats[inside]
        present[number, steps[inside]] = True
        for time, tree in one.get("histograms") or ():
            step = int(_steps(np.array([milliseconds(time)], dtype=np.int64), grid)[0])
            if 0 <= step < count:
                histograms.append(HistogramPoint(number, step, histogram_from(tree)))
    times = grid.steps_ms()
    return QueryResult(ResultType.MATRIX, labels, times, values, present, histograms=histograms)


def _raw(found: Json, grid: Grid) -> QueryResult:
    raw = []
    for one in found:
        times_ms, floats = _points(one.get("values") or ())
        raw.append(RawSeries(labels_from(one["metric"]), times_ms, floats))
    nothing = np.empty((0, grid.count))
    return QueryResult(
        ResultType.MATRIX,
        [one.labels for one in raw],
        grid.steps_ms(),
        nothing,
        np.empty(nothing.shape, dtype=np.bool_),
        raw=raw,
    )


def _points(points: Json) -> tuple[TimesMs, Values]:
    """[[seconds, text], ...] -> (N,) milliseconds, (N,) values."""
    if not points:
        return np.empty(0, dtype=np.int64), np.empty(0)
    seconds, texts = zip(*points, strict=True)
    times_ms = np.rint(np.array(seconds, dtype=np.float64) * 1000).astype(np.int64)
    return times_ms, np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))


def _steps(times_ms: TimesMs, grid: Grid) -> Ints:
    """The number of the nearest step of each time; outside of [0, count) is off the grid."""
    return (times_ms - grid.start_ms + grid.step_ms // 2) // grid.step_ms
