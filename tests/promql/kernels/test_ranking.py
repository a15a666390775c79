from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.promql.kernels.quantile import quantile_of_sorted
from termprom.promql.kernels.ranking import (
    choose_best,
    choose_first,
    heap_order,
    size_classes,
    sort_order,
)
from tests.promql.kernels import slow

few_values = st.sampled_from([1.0, 2.0, 2.0, 3.0, -1.0, math.nan, math.inf, 0.0])


@st.composite
def choices(draw: st.DrawFn):  # type: ignore[no-untyped-def]
    rows, steps = draw(st.integers(1, 14)), draw(st.integers(1, 4))
    cells = draw(st.lists(few_values, min_size=rows * steps, max_size=rows * steps))
    held = draw(st.lists(st.booleans(), min_size=rows * steps, max_size=rows * steps))
    groups = draw(st.lists(st.integers(0, 2), min_size=rows, max_size=rows))
    limits = draw(st.lists(st.integers(0, 6), min_size=steps, max_size=steps))
    shape = (rows, steps)
    return (
        np.array(cells).reshape(shape),
        np.array(held).reshape(shape),
        np.array(groups, dtype=np.int64),
        np.array(limits, dtype=np.int64),
    )


@settings(max_examples=80)
@given(choices(), st.booleans())
def test_best_rows_are_those_of_the_heap(matrix, largest: bool) -> None:  # type: ignore[no-untyped-def]
    values, present, groups, limits = matrix
    chosen = choose_best(values, present, groups, limits, largest=largest)
    for group in range(3):
        for step in range(values.shape[1]):
            rows = np.flatnonzero((groups == group) & present[:, step])
            best = heap_order(values[rows, step], int(limits[step]), largest=largest)
            wanted = set(rows[best].tolist()) if limits[step] else set()
            assert set(np.flatnonzero(chosen[:, step] & (groups == group)).tolist()) == wanted


@settings(max_examples=50)
@given(choices())
def test_first_rows(matrix) -> None:  # type: ignore[no-untyped-def]
    _, present, groups, limits = matrix
    chosen = choose_first(present, groups, limits)
    for group in range(3):
        for step in range(present.shape[1]):
            rows = np.flatnonzero((groups == group) & present[:, step])
            got = np.flatnonzero(chosen[:, step] & (groups == group))
            assert got.tolist() == rows[: limits[step]].tolist()


@settings(max_examples=50)
@given(st.lists(few_values, max_size=9), st.floats(-0.2, 1.2))
def test_quantile_of_sorted(values: list[float], q: float) -> None:
    ordered = np.sort(np.array([*values, math.nan]))
    nans = np.array(sum(math.isnan(value) for value in values))
    with np.errstate(all="ignore"):
        got = quantile_of_sorted(ordered, np.array(len(values)), nans, np.array(q))
    np.testing.assert_array_equal(got, slow.quantile(values, q))


def test_size_classes_hold_every_row_once() -> None:
    groups = np.array([2, 0, 2, 1, 2, 0])
    classes = [rows.tolist() for rows in size_classes(groups)]
    assert classes == [[[3]], [[1, 5]], [[0, 2, 4]]]


def test_nan_sorts_last_either_way() -> None:
    values = np.array([2.0, math.nan, 1.0])
    assert sort_order(values, descending=False).tolist() == [2, 0, 1]
    assert sort_order(values, descending=True).tolist() == [0, 2, 1]
