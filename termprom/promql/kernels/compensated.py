"""Sums that keep their rounding error beside them.

A pair (total, rest) stands for total + rest. The error of one addition is exact (Knuth's two-sum),
hence equal to what Neumaier's variant of Kahan summation finds, without its branch.
"""

from __future__ import annotations

import numpy as np

from termprom.model.values import Values

# Beyond this a partial sum might overflow, and then the order of additions shows in the result.
OVERFLOW_GUARD = 1e300


def kahan_step(addend: Values, total: Values, rest: Values) -> tuple[Values, Values]:
    """(total, rest) with one more addend; an infinite total forgets its rest. Any equal shapes."""
    new, gained = _two_sum(total, addend)
    return new, np.where(np.isinf(new), 0.0, rest + gained)


def add_pairs(total: Values, rest: Values, total2: Values, rest2: Values) -> tuple[Values, Values]:
    """The sum of two pairs. Where the total is not finite the rest means nothing."""
    new, gained = _two_sum(total, total2)
    gained += rest
    gained += rest2
    return new, gained


def add_single(left: Values, right: Values) -> tuple[Values, Values]:
    """The sum of two numbers as a pair."""
    return _two_sum(left, right)


def _two_sum(left: Values, right: Values) -> tuple[Values, Values]:
    new = left + right
    virtual = new - left
    gained = new - virtual
    np.subtract(left, gained, out=gained)
    np.subtract(right, virtual, out=virtual)
    gained += virtual
    return new, gained


def settle(total: Values, rest: Values) -> Values:
    """The pair as one number."""
    return np.where(np.isfinite(total), total + rest, total)


def may_overflow(values: Values, count: int) -> bool:
    """Whether `count` of these could pass the range of a float; infinities and NaN do not count."""
    if values.size == 0:
        return False
    largest = max(float(values.max()), -float(values.min()))
    if not np.isfinite(largest):
        magnitudes = np.abs(values)
        largest = float(np.max(magnitudes, where=np.isfinite(magnitudes), initial=0.0))
    return largest * max(count, 1) >= OVERFLOW_GUARD
