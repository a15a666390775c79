"""Native histograms at the edges of anchored and smoothed windows. Source: reference 3.6."""

from __future__ import annotations

from dataclasses import replace

from termprom.model.histogram import CounterResetHint
from termprom.promql.histograms.combine import add, divide, scale, subtract
from termprom.promql.histograms.resets import was_reset
from termprom.promql.histograms.value import Histogram, compacted
from termprom.promql.operators.histogram_rate import Remarker
from termprom.promql.operators.sample_pairs import Element, count_pairs, differ, fell

Sample = tuple[int, Element]
_GAUGE = CounterResetHint.GAUGE


def decide(
    func: str,
    window: list[Sample],
    edges_ms: tuple[int, int],
    remarks: Remarker,
    *,
    smoothed: bool,
    seconds: float,
) -> Element | None:
    """`func` of samples in and around (left, right], of which at least one is a histogram."""
    left_ms, right_ms = edges_ms
    if func in ("changes", "resets"):
        before = [one for one in window if one[0] <= left_ms][-1:]
        inside = [one for one in window if left_ms < one[0] <= right_ms]
        if not inside:
            return None
        return count_pairs(
            [value for _, value in [*before, *inside]], differ if func == "changes" else fell
        )
    histograms = [(at, one) for at, one in window if isinstance(one, Histogram)]
    if len(histograms) < len(window):
        remarks.mixed_kinds()
        return None
    counter = func != "delta"
    found = _increase(histograms, edges_ms, remarks, smoothed=smoothed, counter=counter)
    if found is None or func != "rate":
        return found
    return divide(found, seconds)


def _increase(
    samples: list[tuple[int, Histogram]],
    edges_ms: tuple[int, int],
    remarks: Remarker,
    *,
    smoothed: bool,
    counter: bool,
) -> Histogram | None:
    left_ms, right_ms = edges_ms
    first = max(sum(at <= left_ms for at, _ in samples) - 1, 0)
    last = len(samples) - 1
    if smoothed:
        last = next((n for n, (at, _) in enumerate(samples) if at >= right_ms), last)
    if samples[last][0] <= left_ms or (smoothed and samples[first][0] > right_ms):
        return None
    looked_at = [one for _, one in samples[first : last + 1]]
    gauges = [one.hint is _GAUGE for one in looked_at]
    if len({one.custom for one in looked_at}) > 1:
        remarks.mixed_schemas()
        return None
    if counter and any(gauges):
        remarks.not_a_counter()
    if not counter and not (gauges[0] and gauges[-1]):
        remarks.not_a_gauge()
    left, right, spanned = samples[first][1], samples[last][1], False
    if smoothed and samples[first][0] < left_ms:
        pair = samples[first], samples[first + 1]
        left = between(*pair, left_ms, counter=counter)
        spanned = counter and was_reset(pair[1][1], pair[0][1])
    if smoothed and last > 0 and samples[last][0] > right_ms:
        right = between(samples[last - 1], samples[last], right_ms, counter=counter)
    difference = subtract(right, left)
    reconciled = difference.reconciled
    result = difference.histogram
    if counter:
        before = left
        inner = [one for _, one in samples[first + 1 : last]]
        for number, one in enumerate([*inner, right]):
            # The line to the left edge has gone over the first reset already; and a sample that
            # says of itself that it comes after a reset says nothing when compared with itself.
            if spanned and number == 0:
                before = one
                continue
            if one is not before and was_reset(one, before):
                total = add(result, before)
                reconciled |= total.reconciled
                result = total.histogram
            before = one
    if reconciled:
        remarks.reconciled("subtraction")
    return compacted(replace(result, hint=_GAUGE))


def between(
    older: tuple[int, Histogram], newer: tuple[int, Histogram], at_ms: int, *, counter: bool
) -> Histogram:
    """The histogram at `at_ms` on the line between two; a counter that was reset starts anew.

    Raises IncompatibleSchemas.
    """
    share = (at_ms - older[0]) / (newer[0] - older[0])
    if counter and was_reset(newer[1], older[1]):
        return scale(newer[1], share)
    rise = subtract(newer[1], older[1]).histogram
    return add(older[1], scale(rise, share)).histogram
