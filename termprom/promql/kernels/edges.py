"""Windows whose edges are looked up instead of extrapolated: `anchored` and `smoothed`.

    anchored   the value at an edge is that of the newest sample before it
    smoothed   the value at an edge lies on the line between its two neighbours

Samples beyond the window are seen as far as the lookback goes. All functions give values and
present (K, S). Source: reference 3.6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from termprom.model.values import Ints, Mask, TimesMs, Values
from termprom.promql.kernels import rate
from termprom.promql.kernels.windows import References, Samples, Windows, windows_of


@dataclass(frozen=True, slots=True)
class EdgeWindows:
    """`inner` are the samples inside (left, right], `outer` also those within reach of an edge.

    Both index the same samples. `smoothed` reaches to both sides, anchored to the left only.
    """

    inner: Windows
    outer: Windows
    smoothed: bool

    @property
    def first(self) -> Ints:
        """The newest sample at or before the left edge, or else the first one after it."""
        return np.maximum(self.outer.first, self.inner.first - 1)

    @property
    def last(self) -> Ints:
        """The newest sample at or before the right edge; smoothed the first at or after it."""
        newest = self.inner.end - 1
        if not self.smoothed:
            return newest
        on_edge = self.inner.pick_times(newest) == self.inner.right_ms
        on_edge &= newest >= self.outer.first
        return np.where(on_edge, newest, np.minimum(self.inner.end, self.outer.end - 1))


def edge_windows(
    samples: Samples, references: References, range_ms: int, lookback_ms: int, *, smoothed: bool
) -> EdgeWindows:
    """The windows (reference - range_ms, reference] and what their edges can see."""
    ahead = lookback_ms if smoothed else 0
    beyond = References(references.start_ms + ahead, references.step_ms, references.count)
    return EdgeWindows(
        windows_of(samples, references, range_ms),
        windows_of(samples, beyond, range_ms + lookback_ms + ahead),
        smoothed,
    )


def increase(
    windows: EdgeWindows, *, counter: bool, per_second: float | None
) -> tuple[Values, Mask]:
    """The value at the right edge less that at the left one; `counter` adds what resets took."""
    inner, outer = windows.inner, windows.outer
    left_ms, right_ms = inner.left_ms, inner.right_ms
    first, last = windows.first, windows.last
    first_ms, last_ms = inner.pick_times(first), inner.pick_times(last)
    present: Mask = (outer.counts > 0) & (last_ms > left_ms)
    left, right = inner.pick(first), inner.pick(last)
    if windows.smoothed:
        present &= first_ms <= right_ms
        between = _on_line(inner, first, first + 1, left_ms, counter=counter)
        np.copyto(left, between, where=inner.spread(first_ms < left_ms))
        between = _on_line(inner, last - 1, last, right_ms, counter=counter)
        np.copyto(right, between, where=inner.spread((last > outer.first) & (last_ms > right_ms)))
    result = right - left
    if counter:
        start = np.where(first_ms <= left_ms, first + 1, first)
        stop = np.where(last_ms >= right_ms, last, last + 1)
        _add_resets(inner, result, left, right, start, stop)
    if per_second is not None:
        result /= per_second
    return result, inner.spread(present)


def _on_line(
    windows: Windows, before: Ints, after: Ints, at_ms: Values | Ints, *, counter: bool
) -> Values:
    """The value at `at_ms` on the line from sample `before` to `after`; a fallen counter starts
    from zero."""
    low, high = windows.pick(before), windows.pick(after)
    if counter:
        np.copyto(low, 0.0, where=high < low)
    low_ms, high_ms = windows.pick_times(before), windows.pick_times(after)
    rise = (high - low) * (at_ms - low_ms)
    rise /= high_ms - low_ms
    low += rise
    return low


def _add_resets(
    windows: Windows, result: Values, left: Values, right: Values, start: Ints, stop: Ints
) -> None:
    """Walk from the left edge over the samples [start, stop) to the right edge; in place."""
    before = left.copy()
    for number in range(int((stop - start).max(initial=0))):
        index = start + number
        inside = windows.spread(index < stop)
        value = windows.pick(index)
        np.add(result, before, out=result, where=inside & (value < before))
        np.copyto(before, value, where=inside)
    np.add(result, before, out=result, where=right < before)


def changes(windows: EdgeWindows) -> tuple[Values, Mask]:
    """As rate.changes, from the sample at the left edge on."""
    return _counted(windows, rate.changes)


def resets(windows: EdgeWindows) -> tuple[Values, Mask]:
    """As rate.resets, from the sample at the left edge on."""
    return _counted(windows, rate.resets)


def _counted(windows: EdgeWindows, count: rate.Kernel) -> tuple[Values, Mask]:
    inner = windows.inner
    anchored = Windows(
        inner.times_ms, inner.values, windows.first, inner.end, inner.left_ms, inner.right_ms
    )
    values, _ = count(anchored)
    return values, inner.held


def at_references(
    samples: Samples, references: References, lookback_ms: int
) -> tuple[Values, Mask, Ints, Ints]:
    """A smoothed selector: the value at each reference itself, between its neighbours.

    Also the times of both neighbours, where they are used: with one on the reference, or none
    ahead, both are that of the older one. Shapes: (K, S) for all.
    """
    before = windows_of(samples, references, lookback_ms)
    beyond = References(references.start_ms + lookback_ms, references.step_ms, references.count)
    around = windows_of(samples, beyond, 2 * lookback_ms)
    older = before.end - 1
    older_ms = before.pick_times(older)
    alone = (around.end <= before.end) | (older_ms == before.right_ms)
    newer = np.where(alone, older, before.end)
    values = before.pick(older)
    between = _on_line(before, older, newer, before.right_ms, counter=False)
    np.copyto(values, between, where=before.spread(~alone))
    return (
        values,
        before.held,
        before.spread_ints(older_ms),
        before.spread_ints(before.pick_times(newer)),
    )


def with_edges(
    times_ms: TimesMs, values: Values, edges_ms: tuple[int, int], *, smoothed: bool
) -> tuple[TimesMs, Values]:
    """The samples (N,) of one series within its edges, and what it is at the edges themselves."""
    left_ms, right_ms = edges_ms
    nothing = times_ms[:0], values[:0]
    if not times_ms.size:
        return nothing
    first = max(int(np.searchsorted(times_ms, left_ms, side="right")) - 1, 0)
    last = times_ms.size - 1
    if smoothed:
        last = min(int(np.searchsorted(times_ms, right_ms, side="left")), last)
    if times_ms[last] <= left_ms or (smoothed and times_ms[first] > right_ms):
        return nothing
    left, right = values[first], values[last]
    if smoothed and times_ms[first] < left_ms:
        left = np.interp(left_ms, times_ms[first : first + 2], values[first : first + 2])
    if smoothed and last > 0 and times_ms[last] > right_ms:
        right = np.interp(right_ms, times_ms[last - 1 : last + 1], values[last - 1 : last + 1])
    inside = (times_ms > left_ms) & (times_ms < right_ms)
    return (
        np.concatenate([[left_ms], times_ms[inside], [right_ms]]),
        np.concatenate([[left], values[inside], [right]]),
    )
