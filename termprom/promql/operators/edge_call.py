"""Functions of `anchored` and `smoothed` ranges, and smoothed selectors.

Floats go through kernels.edges lane by lane; windows with native histograms are decided one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.values import Mask, TimesMs, Values
from termprom.promql.histograms.value import Histogram
from termprom.promql.kernels import edges
from termprom.promql.kernels.edges import EdgeWindows, edge_windows
from termprom.promql.kernels.windows import Samples
from termprom.promql.operators import edge_histograms
from termprom.promql.operators.edge_histograms import Sample
from termprom.promql.operators.histogram_rate import Remarker
from termprom.promql.operators.sample_pairs import Element
from termprom.promql.operators.select import RangeSource
from termprom.promql.operators.stream import Batch
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span

_ALLOWED: Final = {
    "anchored": ("changes", "delta", "increase", "rate", "resets"),
    "smoothed": ("delta", "increase", "rate"),
}


def check_modifier(func: str, source: RangeSource) -> None:
    """Raises EvaluationError where a function does not know the source's modifier."""
    if source.edges is None:
        return
    name = "smoothed" if source.edges.smoothed else "anchored"
    allowed = _ALLOWED[name]
    if func not in allowed:
        listed = ", ".join(allowed)
        raise EvaluationError(f"{name} modifier can only be used with: {listed} - not with {func}")


def edge_points(samples: Samples, place: int, source: RangeSource) -> tuple[TimesMs, Values]:
    """The samples of one series in the first window, with points at both edges."""
    assert source.edges is not None
    if source.histograms:
        name = "smoothed" if source.edges.smoothed else "anchored"
        raise EvaluationError(f"{name} modifier is not supported with histograms")
    right_ms = source.references.start_ms
    left_ms = right_ms - source.range_ms
    reach_ms = source.edges.lookback_ms
    times_ms, values = samples.of_series(place)
    seen = (times_ms > left_ms - reach_ms) & (
        times_ms <= right_ms + (reach_ms if source.edges.smoothed else 0)
    )
    return edges.with_edges(
        times_ms[seen], values[seen], (left_ms, right_ms), smoothed=source.edges.smoothed
    )


def edge_batches(run: Run, func: str, source: RangeSource, span: Span) -> Iterator[Batch]:
    """`func` over windows whose edges are looked up."""
    assert source.edges is not None
    seen: set[int] = set()
    steps = source.references.count
    for rows, samples in source.lanes:
        run.check()
        windows = edge_windows(
            samples,
            source.references,
            source.range_ms,
            source.edges.lookback_ms,
            smoothed=source.edges.smoothed,
        )
        values, present = _of_floats(func, windows, source.range_seconds)
        batch = Batch(rows, values, present)
        if source.histograms:
            seen.update(rows.tolist())
            batch = _with_histograms(run, func, source, batch, samples, span)
        yield batch
    rest = np.array([row for row in source.histograms if row not in seen], dtype=np.int64)
    if rest.size:
        shape = (rest.size, steps)
        nothing = Batch(rest, np.zeros(shape), np.zeros(shape, dtype=np.bool_))
        yield _with_histograms(run, func, source, nothing, None, span)


def _of_floats(func: str, windows: EdgeWindows, seconds: float) -> tuple[Values, Mask]:
    match func:
        case "changes":
            return edges.changes(windows)
        case "resets":
            return edges.resets(windows)
        case "delta":
            return edges.increase(windows, counter=False, per_second=None)
        case "increase":
            return edges.increase(windows, counter=True, per_second=None)
        case _:
            return edges.increase(windows, counter=True, per_second=seconds)


@dataclass(frozen=True, slots=True)
class _Reach:
    """What the windows of all steps see, as (start, end] in milliseconds."""

    left_ms: list[int]
    right_ms: list[int]
    behind_ms: int
    ahead_ms: int


def _with_histograms(
    run: Run, func: str, source: RangeSource, batch: Batch, samples: Samples | None, span: Span
) -> Batch:
    """The batch with windows that see a histogram decided anew."""
    assert source.edges is not None
    right = source.references.times_ms()
    reach = _Reach(
        (right - source.range_ms).tolist(),
        right.tolist(),
        source.edges.lookback_ms,
        source.edges.lookback_ms if source.edges.smoothed else 0,
    )
    values, present = np.array(batch.values), np.array(batch.present)
    cells: dict[int, dict[int, Histogram]] = {}
    for place, row in enumerate(batch.rows.tolist()):
        if row not in source.histograms:
            continue
        every = _merged(source, row, samples, place)
        remarks = Remarker(run, source.series.metric_of(row), span)
        for step, (left_ms, right_ms) in enumerate(zip(reach.left_ms, reach.right_ms, strict=True)):
            start, end = left_ms - reach.behind_ms, right_ms + reach.ahead_ms
            window = [one for one in every if start < one[0] <= end]
            if not any(isinstance(value, Histogram) for _, value in window):
                continue
            found = edge_histograms.decide(
                func,
                window,
                (left_ms, right_ms),
                remarks,
                smoothed=source.edges.smoothed,
                seconds=source.range_seconds,
            )
            present[place, step] = isinstance(found, float)
            if isinstance(found, float):
                values[place, step] = found
            elif found is not None:
                cells.setdefault(row, {})[step] = found
    return Batch(batch.rows, values, present, cells)


def _merged(source: RangeSource, row: int, samples: Samples | None, place: int) -> list[Sample]:
    """All samples of one row in order of time; of two at one time the float comes last."""
    one = source.histograms[row]
    found: list[tuple[int, Element]] = list(zip(one.times_ms.tolist(), one.histograms, strict=True))
    if samples is not None:
        times_ms, floats = samples.of_series(place)
        found += zip(times_ms.tolist(), floats.tolist(), strict=True)
    return sorted(found, key=lambda sample: sample[0])
