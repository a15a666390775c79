"""What long windows need, from tables of runs of 1, 2, 4, ... samples.

A window is cut into runs after the binary digits of its length, so that its cost follows the
logarithm of that and not the length. Nothing is ever taken away from a sum again, as differences
of running sums would do, so no precision is lost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from termprom.model.values import Ints, Mask, Values
from termprom.promql.kernels.windows import Windows

# What is known of some samples: one or more arrays. All of (..., T) or all of (K, S).
State = tuple[Values, ...]
# (how many on the left, their state, how many on the right, their state) -> the state of both
Join = Callable[[Ints | int, State, Ints | int, State], State]


def over_runs(windows: Windows, leaves: State, empty: State, join: Join) -> State:
    """The state of each window's samples, from those of single samples.

    Shapes: leaves (T,), (N,) or (K, T) each; empty, the state of no samples, and the result (S,)
    or (K, S) each, whatever their leaf needs.
    """
    counts, position = windows.counts, windows.first
    found, have = empty, np.zeros_like(counts)
    runs = leaves
    for digit in range(int(counts.max(initial=0)).bit_length()):
        width = 1 << digit
        used: Mask = (counts & width) != 0
        if used.any():
            picked = tuple(np.take(one, position, axis=-1, mode="clip") for one in runs)
            joined = join(have, found, width, picked)
            for old, new in zip(found, joined, strict=True):
                np.copyto(old, new, where=used)
            taken = np.where(used, width, 0)
            position, have = position + taken, have + taken
        if runs[0].shape[-1] <= width:
            break
        left = tuple(one[..., :-width] for one in runs)
        right = tuple(one[..., width:] for one in runs)
        runs = join(width, left, width, right)
    return found


def join_spreads(
    left_count: Ints | int, left: State, right_count: Ints | int, right: State
) -> State:
    """(mean, sum of squared distances) of two sets together, as Chan et al. (1979) do."""
    share = right_count / np.add(left_count, right_count)
    off = right[0] - left[0]
    return (
        left[0] + off * share,
        left[1] + right[1] + off * off * (left_count * share),
    )


def join_lines(left_count: Ints | int, left: State, right_count: Ints | int, right: State) -> State:
    """(mean of x, sum of its squared distances, mean of y, sum of products of both's distances)."""
    share = right_count / np.add(left_count, right_count)
    weight = left_count * share
    off_x, off_y = right[0] - left[0], right[2] - left[2]
    return (
        left[0] + off_x * share,
        left[1] + right[1] + off_x * off_x * weight,
        left[2] + off_y * share,
        left[3] + right[3] + off_x * off_y * weight,
    )
