"""rate, increase, delta, irate and idelta of native histograms, window by window.

Source: reference 6.7, 6.8; kernels.rate does the same for floats.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from termprom.model.histogram import CounterResetHint
from termprom.promql import notices
from termprom.promql.histograms.combine import IncompatibleSchemas, add, divide, scale, subtract
from termprom.promql.histograms.layout import reduced
from termprom.promql.histograms.resets import was_reset
from termprom.promql.histograms.value import Histogram, compacted
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span

_GAUGE = CounterResetHint.GAUGE
_EDGE_SPACINGS = 1.1  # as in kernels.rate


@dataclass(frozen=True, slots=True)
class Remarker:
    """Says things about one series."""

    run: Run
    metric: str
    span: Span

    def not_a_counter(self) -> None:
        self.run.notices.warn(notices.histogram_is_no_counter(self.metric), self.span)

    def not_a_gauge(self) -> None:
        self.run.notices.warn(notices.histogram_is_no_gauge(self.metric), self.span)

    def mixed_schemas(self) -> None:
        self.run.notices.warn(notices.mixed_schemas(self.metric), self.span)

    def mixed_kinds(self) -> None:
        self.run.notices.warn(notices.mixed_kinds(self.metric), self.span)

    def reconciled(self, doing: str) -> None:
        self.run.notices.inform(notices.bounds_reconciled(doing), self.span)


@dataclass(frozen=True, slots=True)
class HistogramWindow:
    """Histograms of one series with their times, inside (left_ms, right_ms].

    starts_ms tells since when each counts, 0 where unknown; `anew` where that tells of a reset.
    """

    times_ms: list[int]
    histograms: list[Histogram]
    starts_ms: list[int]
    anew: list[bool]
    left_ms: int
    right_ms: int

    @property
    def began_inside(self) -> bool:
        """Whether the first sample counts from within the window."""
        return self.starts_ms[0] != 0 and self.left_ms < self.starts_ms[0] < self.times_ms[0]


def resets_within(window: HistogramWindow) -> list[bool]:
    """For each sample but the first, whether the counter was reset before it."""
    pairs = zip(window.histograms, window.histograms[1:], window.anew[1:], strict=False)
    return [anew or was_reset(one, before) for before, one, anew in pairs]


def extrapolated(
    window: HistogramWindow, remarks: Remarker, *, counter: bool, per_second: float | None
) -> Histogram | None:
    """The increase over the window, extrapolated to its edges. Needs two samples, or one that
    counts from within the window."""
    began_inside = counter and window.began_inside
    if len(window.histograms) < 2 and not began_inside:
        return None
    found = increase(window, remarks, counter=counter)
    if found is None:
        return None
    times = window.times_ms
    sampled = (times[-1] - times[0]) / 1000
    average = sampled / max(len(times) - 1, 1)
    to_start = (times[0] - window.left_ms) / 1000
    to_end = (window.right_ms - times[-1]) / 1000
    if to_start >= average * _EDGE_SPACINGS:
        to_start = average / 2
    first = window.histograms[0].count
    if counter and found.count > 0 and first >= 0:
        to_start = min(to_start, sampled * (first / found.count))
    if began_inside:
        found = compacted(add(found, window.histograms[0]).histogram.with_hint(_GAUGE))
        to_start, sampled = 0.0, (times[-1] - window.starts_ms[0]) / 1000
    if to_end >= average * _EDGE_SPACINGS:
        to_end = average / 2
    factor = (sampled + to_start + to_end) / sampled if sampled else 1.0
    return scale(found, factor / per_second if per_second is not None else factor)


def increase(window: HistogramWindow, remarks: Remarker, *, counter: bool) -> Histogram | None:
    """Last less first, and what resets took away; a gauge."""
    histograms = window.histograms
    fallen = resets_within(window) if counter else []
    first, last = histograms[0], histograms[-1]
    gauge = [one.hint is _GAUGE for one in histograms]
    if counter and any(gauge):
        remarks.not_a_counter()
    if not counter and not (gauge[0] and gauge[-1]):
        remarks.not_a_gauge()
    if fallen[:1] == [True]:
        # What the first one looked like does not matter then.
        second = histograms[1]
        first = Histogram(second.schema, 0.0, 0.0, 0.0, 0.0, {}, {}, second.custom_values)
    looked_at = [first, *histograms[1:]] if counter else [first, last]
    if len({one.custom for one in looked_at}) > 1:
        remarks.mixed_schemas()
        return None
    result = reduced(last, min(one.schema for one in looked_at))
    difference = subtract(result, first)
    if difference.reconciled:
        remarks.reconciled("subtraction")
    result = difference.histogram
    if counter:
        before = first
        # The first may be an empty one by now, from which nothing can fall.
        rest = fallen if before is histograms[0] else [False, *fallen[1:]]
        for one, reset in zip(histograms[1:], rest, strict=True):
            if reset:
                total = add(result, before)
                if total.reconciled:
                    remarks.reconciled("addition")
                result = total.histogram
            before = one
    return compacted(replace(result, hint=_GAUGE))


def instantaneous(
    before: tuple[int, Histogram],
    last: tuple[int, Histogram],
    remarks: Remarker,
    *,
    counter: bool,
    began_anew: bool,
) -> Histogram | None:
    """irate (`counter`) or idelta, from the last two samples."""
    previous, current = before[1], last[1]
    gauges = [one.hint is _GAUGE for one in (previous, current)]
    if counter and any(gauges):
        remarks.not_a_counter()
    if not counter and not all(gauges):
        remarks.not_a_gauge()
    result = current
    if not counter or not (began_anew or was_reset(current, previous)):
        try:
            difference = subtract(current, previous)
        except IncompatibleSchemas:
            remarks.mixed_schemas()
            return None
        if difference.reconciled:
            remarks.reconciled("subtraction")
        result = difference.histogram
    result = compacted(result.with_hint(_GAUGE))
    return divide(result, (last[0] - before[0]) / 1000) if counter else result
