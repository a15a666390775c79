"""rate, increase, delta, irate, idelta over windows.

All take Windows and give values and present, both (K, S).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from termprom.model.values import Ints, Mask, Values
from termprom.promql.kernels.windows import Windows

Kernel = Callable[[Windows], tuple[Values, Mask]]

# A gap at a window's edge of this many average spacings says that the series begins or ends there.
_EDGE_SPACINGS = 1.1


def extrapolated(
    windows: Windows, *, counter: bool, per_second: float | None
) -> tuple[Values, Mask]:
    """The increase over each window, extrapolated to its edges.

    `counter` adds what resets took away and does not extrapolate below zero; `per_second` is the
    range in seconds to divide by, None for increase and delta. Needs two samples.
    Source: reference 6.7; operations in upstream's order, so that results agree to the bit.
    """
    first, last = windows.first, windows.end - 1
    present: Mask = windows.counts >= 2
    first_values = windows.pick(first)
    result = windows.pick(last)
    result -= first_values
    if counter:
        _add_resets(windows, result)

    # Times depend on the series only where series are ragged: shared ones pay this once.
    first_ms, last_ms = windows.pick_times(first), windows.pick_times(last)
    to_start = (first_ms - windows.left_ms) / 1000
    to_end = (windows.right_ms - last_ms) / 1000
    sampled = (last_ms - first_ms) / 1000
    average = sampled / (windows.counts - 1)
    threshold = average * _EDGE_SPACINGS
    to_start = np.where(to_start >= threshold, average / 2, to_start)
    to_end = np.where(to_end >= threshold, average / 2, to_end)
    if counter:
        factor = np.divide(first_values, result)
        factor *= sampled
        # Where the series would pass zero inside the gap, it began there.
        clamped: Mask = (result > 0) & (first_values >= 0)
        np.minimum(factor, to_start, out=factor, where=clamped)
        np.copyto(factor, to_start, where=~clamped)
        factor += sampled
    else:
        factor = sampled + to_start
    factor += to_end
    factor /= sampled
    if per_second is not None:
        factor /= per_second
    result *= factor
    return result, windows.spread(present)


def _add_resets(windows: Windows, result: Values) -> None:
    """Add, in place and in order of time, the value before each fall inside each window."""
    values = windows.values
    falls: Mask = values[..., 1:] < values[..., :-1]
    if not falls.any():
        return
    if windows.first.ndim == 2:
        positions = np.flatnonzero(falls) + 1
        add_resets_at(result, values, positions, windows.first, windows.end)
        return
    # Few series reset within one query: only those take the long way, as ragged rows.
    rows = np.flatnonzero(falls.any(axis=1))
    length = values.shape[1]
    inside = np.zeros((rows.size, length), dtype=np.bool_)
    inside[:, 1:] = falls[rows]
    offsets = (np.arange(rows.size) * length)[:, np.newaxis]
    part = result[rows]
    add_resets_at(
        part,
        values[rows].ravel(),
        np.flatnonzero(inside),
        windows.first + offsets,
        windows.end + offsets,
    )
    result[rows] = part


def add_resets_at(result: Values, values: Values, positions: Ints, first: Ints, end: Ints) -> None:
    """`positions` are the samples lower than the one before; shapes (N,), (R,), (K, S)."""
    start = np.searchsorted(positions, first, side="right")
    stop = np.searchsorted(positions, end, side="left")
    before = values[positions - 1]
    for number in range(int((stop - start).max(initial=0))):
        index = start + number
        np.add(
            result,
            np.take(before, index, mode="clip"),
            out=result,
            where=index < stop,
        )


def instantaneous(windows: Windows, *, counter: bool) -> tuple[Values, Mask]:
    """irate (`counter`) or idelta: from the last two samples of each window."""
    last, before = windows.end - 1, windows.end - 2
    present: Mask = windows.counts >= 2
    current, previous = windows.pick(last), windows.pick(before)
    result = current - previous
    if counter:
        np.copyto(result, current, where=current < previous)
        result = result / ((windows.pick_times(last) - windows.pick_times(before)) / 1000)
    return result, windows.spread(present)


def resets(windows: Windows) -> tuple[Values, Mask]:
    """How often a value is lower than the one before."""
    values = windows.values
    return count_pairs(windows, values[..., 1:] < values[..., :-1])


def changes(windows: Windows) -> tuple[Values, Mask]:
    """How often a value differs from the one before; NaN after NaN is no change."""
    before, after = windows.values[..., :-1], windows.values[..., 1:]
    return count_pairs(windows, (before != after) & ~(np.isnan(before) & np.isnan(after)))


def count_pairs(windows: Windows, pairs: Mask) -> tuple[Values, Mask]:
    """How many true pairs (j - 1, j) lie inside each window; counts of integers lose nothing."""
    until = np.zeros(windows.values.shape, dtype=np.int64)
    np.cumsum(pairs, axis=-1, out=until[..., 1:])
    inside = np.take(until, windows.end - 1, axis=-1, mode="clip")
    inside -= np.take(until, windows.first, axis=-1, mode="clip")
    return inside.astype(np.float64), windows.held
