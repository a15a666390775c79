"""Counters whose samples say since when they count: resets that no value shows.

`starts` (N,) are the samples' start times in milliseconds, 0 where unknown, beside ragged samples.
A sample that counts from a time at or after the sample before it began anew. Source: reference
6.12; without starts all functions answer as those of kernels.rate do.
"""

from __future__ import annotations

import numpy as np

from termprom.model.values import Ints, Mask, TimesMs, Values
from termprom.promql.kernels import rate
from termprom.promql.kernels.windows import Windows

_EDGE_SPACINGS = 1.1  # as in kernels.rate


def began_anew(times_ms: TimesMs, starts: TimesMs) -> Mask:
    """Whether each sample but the first has a start that tells of a reset; (N - 1,)."""
    start, before, time = starts[1:], starts[:-1], times_ms[1:]
    time_before = times_ms[:-1]
    usable = (start != 0) & (start < time) & (start >= time_before)
    touching = (before != 0) & (before < time_before)
    anew: Mask = usable & ((start > time_before) | touching)
    return anew


def overlapping(windows: Windows, starts: TimesMs) -> Ints:
    """Per window, how many samples count from before the sample in front of them; (K, S)."""
    start, before = starts[1:], starts[:-1]
    overlaps = (start != 0) & (start < windows.times_ms[:-1]) & (start != before)
    counts, _ = rate.count_pairs(windows, overlaps)
    return np.maximum(counts, 0).astype(np.int64)


def increase(windows: Windows, starts: TimesMs, *, per_second: float | None) -> tuple[Values, Mask]:
    """rate and increase. A window whose first sample began inside it counts from there."""
    first, last = windows.first, windows.end - 1
    first_ms, last_ms = windows.pick_times(first), windows.pick_times(last)
    first_values = windows.pick(first)
    first_start = np.take(starts, first, mode="clip")
    inside: Mask = (first_start != 0) & (first_start > windows.left_ms) & (first_start < first_ms)
    present: Mask = (windows.counts >= 2) | (inside & (windows.counts == 1))
    result = windows.pick(last) - first_values
    fallen = (windows.values[1:] < windows.values[:-1]) | began_anew(windows.times_ms, starts)
    rate.add_resets_at(
        result, windows.values, np.flatnonzero(fallen) + 1, windows.first, windows.end
    )
    np.add(result, first_values, out=result, where=inside)
    spacing = (last_ms - first_ms) / 1000 / np.maximum(windows.counts - 1, 1)
    threshold = spacing * _EDGE_SPACINGS
    sampled = np.where(inside, last_ms - first_start, last_ms - first_ms) / 1000
    to_start = (first_ms - windows.left_ms) / 1000
    to_end = (windows.right_ms - last_ms) / 1000
    to_start = np.where(to_start >= threshold, spacing / 2, to_start)
    to_end = np.where(to_end >= threshold, spacing / 2, to_end)
    to_zero = sampled * (first_values / result)
    clamped = (result > 0) & (first_values >= 0)
    to_start = np.where(clamped, np.minimum(to_start, to_zero), to_start)
    to_start = np.where(inside, 0.0, to_start)
    factor = (sampled + to_start + to_end) / sampled
    if per_second is not None:
        factor /= per_second
    return result * factor, windows.spread(present)


def instantaneous(windows: Windows, starts: TimesMs) -> tuple[Values, Mask]:
    """irate."""
    last, before = windows.end - 1, windows.end - 2
    current, previous = windows.pick(last), windows.pick(before)
    anew = np.zeros(windows.values.size, dtype=np.bool_)
    anew[1:] = began_anew(windows.times_ms, starts)
    fallen = (current < previous) | np.take(anew, last, mode="clip")
    seconds = (windows.pick_times(last) - windows.pick_times(before)) / 1000
    result = np.where(fallen, current, current - previous) / seconds
    return result, windows.spread(windows.counts >= 2)


def resets(windows: Windows, starts: TimesMs) -> tuple[Values, Mask]:
    """How often a value is lower than the one before, or began anew."""
    fallen = windows.values[1:] < windows.values[:-1]
    return rate.count_pairs(windows, fallen | began_anew(windows.times_ms, starts))
