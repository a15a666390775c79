"""Range functions where native histograms are in the window, alone or among floats.

Kernels answer for floats. Here is decided, window by window, what becomes of that answer: whether
it stands, is replaced, or goes. Source: reference 6.6 to 6.10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.model.values import Mask, TimesMs, Values
from termprom.promql import notices
from termprom.promql.histograms.combine import IncompatibleSchemas
from termprom.promql.histograms.value import Histogram
from termprom.promql.kernels.windows import Samples
from termprom.promql.operators import histogram_rate
from termprom.promql.operators.histogram_aggregate import folded, hints_collide
from termprom.promql.operators.histogram_rate import HistogramWindow, Remarker
from termprom.promql.operators.sample_pairs import Element, count_pairs, differ, fell
from termprom.promql.operators.select import RangeSource
from termprom.promql.operators.stream import Batch
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span

# They look at floats only, and say so where there are histograms as well.
_FLOATS_ONLY: Final = frozenset(
    {
        "deriv",
        "double_exponential_smoothing",
        "mad_over_time",
        "max_over_time",
        "min_over_time",
        "predict_linear",
        "quantile_over_time",
        "stddev_over_time",
        "stdvar_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
    }
)


@dataclass(frozen=True, slots=True)
class _Window:
    """The samples of one series at one step; `answer` is what the kernel said of the floats."""

    times_ms: TimesMs
    values: Values
    histograms: HistogramWindow
    answer: float | None
    remarks: Remarker
    range_seconds: float

    @property
    def mixed(self) -> bool:
        return self.values.size > 0

    def merged(self) -> list[tuple[int, Element]]:
        """All samples in order of time."""
        floats = zip(self.times_ms.tolist(), self.values.tolist(), strict=True)
        ours = zip(self.histograms.times_ms, self.histograms.histograms, strict=True)
        return sorted([*floats, *ours], key=lambda sample: sample[0])


def with_histograms(
    run: Run, func: str, source: RangeSource, batches: Iterator[tuple[Batch, Samples]], span: Span
) -> Iterator[Batch]:
    """The kernel's batches, put right wherever a window holds native histograms."""
    decide = _DECISIONS.get(func, _floats_only if func in _FLOATS_ONLY else _nothing)
    right = source.references.times_ms()
    left = right - source.range_ms
    seen: set[int] = set()
    nowhere = np.empty(0)

    def decided(
        row: int, times_ms: TimesMs, floats: Values, values: Values, present: Mask
    ) -> dict[int, Histogram]:
        """Cells of one row; its floats are put right in place."""
        one = source.histograms[row]
        remarks = Remarker(run, source.series.metric_of(row), span)
        first, end = one.bounds(left, right)
        anew = one.began_anew()
        float_first = np.searchsorted(times_ms, left, side="right")
        float_end = np.searchsorted(times_ms, right, side="right")
        cells: dict[int, Histogram] = {}
        for step in np.flatnonzero(end > first).tolist():
            inside = slice(int(float_first[step]), int(float_end[step]))
            ours = slice(int(first[step]), int(end[step]))
            window = _Window(
                times_ms[inside],
                floats[inside],
                HistogramWindow(
                    one.times_ms[ours].tolist(),
                    one.histograms[ours],
                    one.starts_ms[ours].tolist(),
                    anew[ours].tolist(),
                    int(left[step]),
                    int(right[step]),
                ),
                float(values[step]) if present[step] else None,
                remarks,
                source.range_seconds,
            )
            found = decide(func, window)
            present[step] = isinstance(found, float)
            if isinstance(found, float):
                values[step] = found
            elif found is not None:
                cells[step] = found
        return cells

    for batch, samples in batches:
        run.check()
        concerned = [
            (place, row)
            for place, row in enumerate(batch.rows.tolist())
            if row in source.histograms
        ]
        if not concerned:
            yield batch
            continue
        values, present = np.array(batch.values), np.array(batch.present)
        cells = {}
        for place, row in concerned:
            seen.add(row)
            times_ms, floats = samples.of_series(place)
            found = decided(row, times_ms, floats, values[place], present[place])
            if found:
                cells[row] = found
        yield Batch(batch.rows, values, present, cells)
    rest = [row for row in source.histograms if row not in seen]
    if rest:
        values = np.zeros((len(rest), right.size))
        present = np.zeros(values.shape, dtype=np.bool_)
        cells = {}
        for place, row in enumerate(rest):
            run.check()
            nothing = nowhere.astype(np.int64)
            found = decided(row, nothing, nowhere, values[place], present[place])
            if found:
                cells[row] = found
        yield Batch(np.array(rest, dtype=np.int64), values, present, cells)


def _floats_only(func: str, window: _Window) -> Element | None:
    if window.mixed:
        # Regressions need two samples, and are silent where there are none of floats.
        text = notices.ignored_histograms(window.remarks.metric)
        window.remarks.run.notices.inform(text, window.remarks.span)
    return window.answer


def _nothing(func: str, window: _Window) -> Element | None:
    return window.answer


def _count(func: str, window: _Window) -> Element | None:
    return float(window.values.size + len(window.histograms.histograms))


def _present(func: str, window: _Window) -> Element | None:
    return 1.0


def _first(func: str, window: _Window) -> Element | None:
    ours = window.histograms
    if window.mixed and window.times_ms[0] < ours.times_ms[0]:
        return float(window.values[0])
    return ours.histograms[0]


def _last(func: str, window: _Window) -> Element | None:
    ours = window.histograms
    if window.mixed and window.times_ms[-1] > ours.times_ms[-1]:
        return float(window.values[-1])
    return ours.histograms[-1]


def _time_of_first(func: str, window: _Window) -> Element | None:
    times = [*window.times_ms[:1].tolist(), window.histograms.times_ms[0]]
    return float(min(times)) / 1000


def _time_of_last(func: str, window: _Window) -> Element | None:
    times = [*window.times_ms[-1:].tolist(), window.histograms.times_ms[-1]]
    return float(max(times)) / 1000


def _fold(func: str, window: _Window) -> Element | None:
    if window.mixed:
        window.remarks.mixed_kinds()
        return None
    ours, remarks = window.histograms.histograms, window.remarks
    op = func.removesuffix("_over_time")
    if op == "avg" and len(ours) == 1:
        return ours[0]
    try:
        fold = folded(op, ours)
    except IncompatibleSchemas:
        remarks.mixed_schemas()
        return None
    if hints_collide(ours):
        remarks.run.notices.warn(notices.conflicting_resets("aggregation"), remarks.span)
    if fold.reconciled:
        remarks.reconciled("aggregation")
    return fold.result()


def _changes(func: str, window: _Window) -> Element | None:
    return count_pairs([value for _, value in window.merged()], differ)


def _resets(func: str, window: _Window) -> Element | None:
    if not window.mixed:
        return float(sum(histogram_rate.resets_within(window.histograms)))
    return count_pairs([value for _, value in window.merged()], fell)


def _extrapolated(func: str, window: _Window) -> Element | None:
    if window.mixed:
        window.remarks.mixed_kinds()
        return None
    return histogram_rate.extrapolated(
        window.histograms,
        window.remarks,
        counter=func != "delta",
        per_second=window.range_seconds if func == "rate" else None,
    )


def _instantaneous(func: str, window: _Window) -> Element | None:
    samples = window.merged()[-2:]
    if len(samples) < 2 or samples[0][0] == samples[1][0]:
        return None
    (before_ms, before), (last_ms, last) = samples
    counter = func == "irate"
    if isinstance(before, Histogram) and isinstance(last, Histogram):
        return histogram_rate.instantaneous(
            (before_ms, before),
            (last_ms, last),
            window.remarks,
            counter=counter,
            began_anew=window.histograms.anew[-1],
        )
    if isinstance(before, Histogram) or isinstance(last, Histogram):
        window.remarks.mixed_kinds()
        return None
    # The last two are floats, so the kernel saw the same pair.
    return window.answer


_DECISIONS: Final[Mapping[str, Callable[[str, _Window], Element | None]]] = {
    "avg_over_time": _fold,
    "changes": _changes,
    "count_over_time": _count,
    "delta": _extrapolated,
    "first_over_time": _first,
    "idelta": _instantaneous,
    "increase": _extrapolated,
    "irate": _instantaneous,
    "last_over_time": _last,
    "present_over_time": _present,
    "rate": _extrapolated,
    "resets": _resets,
    "sum_over_time": _fold,
    "ts_of_first_over_time": _time_of_first,
    "ts_of_last_over_time": _time_of_last,
}
