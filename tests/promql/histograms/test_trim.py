"""The trim operators against a plain reading of the reference, section 7.11."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.promql.histograms.bounds import exponential_bound
from termprom.promql.histograms.trim import trimmed
from termprom.promql.histograms.value import Histogram

_COUNTS = st.integers(0, 9).map(float)
_SIDES = st.dictionaries(st.integers(-3, 4), _COUNTS, max_size=4)
_EDGES = st.sampled_from([-100.0, -3.0, -2.0, -1.0, -0.3, -0.001, 0.0, 0.0005, 0.001, 0.7, 1.0]) | (
    st.sampled_from([1.5, 2.0, 3.3, 4.0, 100.0, math.inf, -math.inf, math.nan])
)


@st.composite
def _exponential(draw: st.DrawFn) -> Histogram:
    positive, negative = draw(_SIDES), draw(_SIDES)
    zero = draw(_COUNTS)
    count = zero + sum(positive.values()) + sum(negative.values())
    schema = draw(st.sampled_from([-1, 0, 1, 3]))
    return Histogram(schema, 0.001, zero, count, 17.0, positive, negative, ())


@st.composite
def _custom(draw: st.DrawFn) -> Histogram:
    bounds = tuple(
        sorted(draw(st.sets(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, 4.0]), min_size=1)))
    )
    positive = {index: draw(_COUNTS) for index in range(len(bounds) + 1)}
    return Histogram(-53, 0.0, 0.0, sum(positive.values()), 17.0, positive, {}, bounds)


def _edges(one: Histogram, index: int) -> tuple[float, float]:
    if one.schema == -53:
        bounds = (-math.inf, *one.custom_values, math.inf)
        return bounds[index], bounds[index + 1]
    return exponential_bound(index - 1, one.schema), exponential_bound(index, one.schema)


def _middle(lower: float, upper: float, *, linear: bool) -> float:
    if math.isinf(lower) and math.isinf(upper):
        return 0.0
    if math.isinf(lower):
        return upper / 2 if upper > 0 else upper
    if math.isinf(upper):
        return lower
    if linear:
        return (lower + upper) / 2
    root = math.sqrt(abs(lower * upper))
    return root if upper > 0 else -root


def _share(lower: float, upper: float, at: float, *, linear: bool) -> float:
    if linear:
        return (at - lower) / (upper - lower)
    low, high, edge = (math.log2(abs(one)) for one in (lower, upper, at))
    if at > 0:
        return (edge - low) / (high - low)
    return 1 - (edge - high) / (low - high)


def _bucket(
    lower: float, upper: float, n: float, at: float, *, below: bool, linear: bool
) -> tuple[float, float]:
    """Kept count and middle of one bucket."""
    if (below and upper <= at) or (not below and lower >= at):
        return n, _middle(lower, upper, linear=linear)
    if math.isnan(at) or (below and lower >= at) or (not below and upper <= at):
        return 0.0, 0.0
    if lower == -math.inf:
        if below:
            if at > 0 and 0 < upper < math.inf:
                return n * at / upper, at / 2
            return (n, at) if upper <= 0 else (0.0, 0.0)
        if at >= 0 and at < upper < math.inf:
            return n * (1 - at / upper), (at + upper) / 2
        return 0.0, 0.0
    if upper == math.inf:
        return (0.0, 0.0) if below else (n, at)
    under = n * _share(lower, upper, at, linear=linear)
    if below:
        return under, _middle(lower, at, linear=linear)
    return n - under, _middle(at, upper, linear=linear)


def _zero(one: Histogram, at: float, *, below: bool) -> tuple[float, float]:
    above, under = any(one.positive.values()), any(one.negative.values())
    lower = 0.0 if above and not under else -one.zero_threshold
    upper = 0.0 if under and not above else one.zero_threshold
    n, middle = one.zero_count, (lower + upper) / 2
    if math.isnan(at):
        return 0.0, 0.0
    if at <= lower:
        return (0.0, 0.0) if below else (n, middle)
    if at >= upper:
        return (n, middle) if below else (0.0, 0.0)
    kept = n * (at - lower) / (upper - lower)
    return (kept, (lower + at) / 2) if below else (n - kept, (at + upper) / 2)


@given(_exponential() | _custom(), _EDGES, st.booleans())
def test_trimming_is_what_the_reference_says(one: Histogram, at: float, below: bool) -> None:
    linear = one.schema == -53
    positive, negative = {}, {}
    count = total = 0.0
    changed = False
    for side, found, sign in ((one.positive, positive, 1), (one.negative, negative, -1)):
        for index, n in side.items():
            if n == 0:
                continue
            lower, upper = _edges(one, index)
            if sign < 0:
                lower, upper = -upper, -lower
            kept, middle = _bucket(lower, upper, n, at, below=below, linear=linear)
            changed |= kept != n
            found[index] = kept
            count += kept
            total += kept * middle if kept else 0.0
    zero = 0.0
    if one.zero_count > 0:
        zero, middle = _zero(one, at, below=below)
        changed |= zero != one.zero_count
        count += zero
        total += zero * middle if zero else 0.0
    result = trimmed(one, at, below=below)
    if not changed:
        assert (result.count, result.sum) == (one.count, one.sum)
        return
    assert result.count == pytest.approx(count)
    assert result.sum == pytest.approx(total)
    assert result.zero_count == pytest.approx(zero)
    for side, found in ((result.positive, positive), (result.negative, negative)):
        held = {index: n for index, n in found.items() if n}
        assert side == pytest.approx(held)
