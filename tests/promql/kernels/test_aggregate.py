"""Folds against one group and one step at a time, in any division into batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.promql.kernels import aggregate
from termprom.promql.kernels.aggregate import Fold
from tests.promql.kernels import slow
from tests.promql.kernels.samples import odd_values


def plain_sum(values: Sequence[float]) -> float:
    total, rest = values[0], 0.0
    for value in values[1:]:
        total, rest = slow.kahan(value, total, rest)
    return total if math.isinf(total) else total + rest


def plain_variance(values: Sequence[float]) -> float:
    mean = squares = 0.0
    for number, value in enumerate(values, start=1):
        if not math.isfinite(value):
            return math.nan
        off = value - mean
        mean += off / number
        squares += off * (value - mean)
    return squares / len(values)


FOLDS: dict[str, tuple[Callable[[int, int], Fold], Callable[[Sequence[float]], float]]] = {
    "sum": (aggregate.SumFold, plain_sum),
    "avg": (
        aggregate.AverageFold,
        lambda values: slow.avg_over_time([(0, value) for value in values]),
    ),
    "count": (aggregate.CountFold, lambda values: float(len(values))),
    "group": (aggregate.GroupFold, lambda values: 1.0),
    "max": (
        lambda groups, steps: aggregate.ExtremeFold(np.fmax, groups, steps),
        lambda values: max((v for v in values if v == v), default=math.nan),
    ),
    "min": (
        lambda groups, steps: aggregate.ExtremeFold(np.fmin, groups, steps),
        lambda values: min((v for v in values if v == v), default=math.nan),
    ),
}


@st.composite
def matrices(draw: st.DrawFn, values: st.SearchStrategy[float] = odd_values):  # type: ignore[no-untyped-def]
    rows, steps = draw(st.integers(1, 20)), draw(st.integers(1, 3))
    cells = draw(st.lists(values, min_size=rows * steps, max_size=rows * steps))
    held = draw(st.lists(st.booleans(), min_size=rows * steps, max_size=rows * steps))
    groups = draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows))
    cut = draw(st.integers(0, rows))
    shape = (rows, steps)
    return (
        np.array(cells).reshape(shape),
        np.array(held).reshape(shape),
        np.array(groups, dtype=np.int64),
        cut,
    )


def check(fold: Fold, matrix, plain: Callable[[Sequence[float]], float]) -> None:  # type: ignore[no-untyped-def]
    values, present, groups, cut = matrix
    with np.errstate(all="ignore"):
        for part in (slice(0, cut), slice(cut, None)):
            if groups[part].size:
                fold.merge(fold.reduce(values[part], present[part], groups[part]))
        got, held = fold.result()
    for group in range(4):
        for step in range(values.shape[1]):
            members = [
                float(values[row, step])
                for row in range(groups.size)
                if groups[row] == group and present[row, step]
            ]
            assert bool(held[group, step]) is bool(members)
            if members:
                np.testing.assert_allclose(got[group, step], plain(members), rtol=1e-9)


@pytest.mark.parametrize("name", FOLDS)
@settings(max_examples=50)
@given(matrix=matrices())
def test_folds(name: str, matrix) -> None:  # type: ignore[no-untyped-def]
    make, plain = FOLDS[name]
    check(make(4, matrix[0].shape[1]), matrix, plain)


# Variances of mixed magnitudes are ill-conditioned in either order; small integers are not.
steady = st.one_of(st.integers(-50, 50).map(float), st.sampled_from([math.nan, math.inf]))


@settings(max_examples=50)
@given(matrices(steady))
def test_variance(matrix) -> None:  # type: ignore[no-untyped-def]
    values, present, groups, cut = matrix
    fold = aggregate.VarianceFold(4, values.shape[1])
    check(fold, (values + 0.0, present, groups, cut), lambda v: plain_variance(v) + 0.0)


def test_variance_of_equal_values_is_exactly_zero() -> None:
    fold = aggregate.VarianceFold(1, 1)
    fold.merge(
        fold.reduce(np.full((7, 1), 1.33), np.ones((7, 1), dtype=bool), np.zeros(7, dtype=np.int64))
    )
    assert fold.result()[0].tolist() == [[0.0]]


def test_sum_keeps_what_cancels_across_batches() -> None:
    fold = aggregate.SumFold(1, 1)
    for value in (1.0, 1e100, 1.0, -1e100):
        fold.merge(fold.reduce(np.array([[value]]), np.array([[True]]), np.array([0])))
    assert fold.result()[0].tolist() == [[2.0]]
