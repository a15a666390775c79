"""Sums of histograms: laws for all layouts, on small whole numbers, where floats are exact."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram
from termprom.promql.histograms.combine import IncompatibleSchemas, add, divide, scale, subtract
from termprom.promql.histograms.resets import equal, was_reset
from termprom.promql.histograms.running import RunningAverage, RunningSum
from termprom.promql.histograms.value import (
    Histogram,
    ascending,
    compacted,
    descending,
    from_model,
    to_model,
)

HINT = CounterResetHint


def _sides() -> st.SearchStrategy[dict[int, float]]:
    counts = st.integers(0, 9).map(float)
    return st.dictionaries(st.integers(-6, 6), counts, max_size=5).map(
        lambda side: dict(sorted(side.items()))
    )


@st.composite
def exponential(draw: st.DrawFn, threshold: float = 0.0) -> Histogram:
    positive, negative = draw(_sides()), draw(_sides())
    zero = float(draw(st.integers(0, 5)))
    count = sum(positive.values()) + sum(negative.values()) + zero
    total = float(draw(st.integers(-50, 50)))
    schema = draw(st.integers(-1, 3))
    return Histogram(schema, threshold, zero, count, total, positive, negative)


@given(exponential())
def test_the_stored_form_loses_nothing(one: Histogram) -> None:
    again = from_model(to_model(one))
    assert equal(again, one)
    assert again.hint is one.hint


@given(exponential(), exponential())
def test_the_order_of_a_sum_does_not_matter(left: Histogram, right: Histogram) -> None:
    one, other = add(left, right).histogram, add(right, left).histogram
    assert equal(compacted(one), compacted(other))


@given(exponential(), exponential())
def test_what_was_added_can_be_taken_away(left: Histogram, right: Histogram) -> None:
    back = subtract(add(left, right).histogram, right).histogram
    expected = subtract(left, scale(right, 0.0)).histogram  # at the coarser schema
    assert equal(compacted(back), compacted(expected))


@given(exponential(), exponential())
def test_buckets_hold_what_the_count_says(left: Histogram, right: Histogram) -> None:
    total = add(left, right).histogram
    assert sum(bucket.count for bucket in ascending(total)) == total.count
    assert list(descending(total)) == list(ascending(total))[::-1]


@given(st.lists(exponential(), min_size=1, max_size=6))
def test_a_running_sum_equals_plain_addition(members: list[Histogram]) -> None:
    fold, plain = RunningSum(members[0]), members[0]
    for one in members[1:]:
        fold.add(one)
        plain = add(plain, one).histogram
    assert equal(compacted(fold.result()), compacted(plain))


@given(exponential(), exponential())
def test_a_counter_that_only_grows_was_not_reset(before: Histogram, more: Histogram) -> None:
    assert not was_reset(add(before, more).histogram, before)


def test_a_count_that_moved_to_another_bucket_is_a_reset() -> None:
    before = Histogram(0, 0.0, 0.0, 3.0, 1.0, {1: 2.0, 2: 1.0}, {})
    assert was_reset(replace(before, positive={1: 1.0, 2: 2.0}), before)
    assert not was_reset(replace(before, positive={1: 1.0, 2: 2.0}, hint=HINT.NOT_RESET), before)


def test_a_wider_zero_bucket_swallows_what_it_covers() -> None:
    narrow = Histogram(0, 0.5, 1.0, 6.0, 9.0, {0: 2.0, 1: 3.0}, {})
    wide = Histogram(0, 1.0, 4.0, 4.0, 0.0, {}, {})
    total = add(narrow, wide).histogram
    assert (total.zero_threshold, total.zero_count, dict(total.positive)) == (1.0, 7.0, {1: 3.0})


def test_custom_bounds_meet_at_those_that_both_have() -> None:
    left = Histogram(-53, 0.0, 0.0, 6.0, 6.0, {0: 1.0, 1: 2.0, 2: 3.0}, {}, (1.0, 5.0))
    right = Histogram(-53, 0.0, 0.0, 3.0, 3.0, {0: 1.0, 1: 1.0, 2: 1.0}, {}, (2.0, 5.0))
    found = add(left, right)
    assert found.reconciled
    assert found.histogram.custom_values == (5.0,)
    assert dict(found.histogram.positive) == {0: 5.0, 1: 4.0}
    with pytest.raises(IncompatibleSchemas):
        add(left, Histogram(0, 0.0, 0.0, 0.0, 0.0, {}, {}))


@pytest.mark.parametrize(
    ("left", "right", "hint", "collision"),
    [
        (HINT.RESET, HINT.RESET, HINT.RESET, False),
        (HINT.RESET, HINT.NOT_RESET, HINT.UNKNOWN, True),
        (HINT.NOT_RESET, HINT.UNKNOWN, HINT.UNKNOWN, False),
        (HINT.RESET, HINT.GAUGE, HINT.GAUGE, False),
    ],
)
def test_hints_of_a_sum(left: HINT, right: HINT, hint: HINT, collision: bool) -> None:
    empty = Histogram(0, 0.0, 0.0, 0.0, 0.0, {}, {})
    found = add(empty.with_hint(left), empty.with_hint(right))
    assert (found.histogram.hint, found.collision) == (hint, collision)


def test_an_average_near_the_end_of_floats_does_not_overflow() -> None:
    big = Histogram(0, 0.0, 0.0, 1e308, 1e308, {1: 1e308}, {})
    fold = RunningAverage(big)
    for _ in range(3):
        fold.add(big)
    result = fold.result()
    assert result.count == pytest.approx(1e308)
    assert result.positive[1] == pytest.approx(1e308)


def test_division_by_zero_leaves_no_bucket_but_the_zero_bucket() -> None:
    one = Histogram(0, 0.1, 1.0, 3.0, -2.0, {1: 2.0}, {})
    found = divide(one, 0.0)
    assert (found.count, found.sum) == (float("inf"), float("-inf"))
    assert found.zero_count == float("inf")
    assert not found.positive


def test_spans_keep_gaps_and_negative_offsets() -> None:
    model = FloatHistogram(
        positive_spans=(BucketSpan(-2, 2), BucketSpan(3, 1)), positive_buckets=(1.0, 0.0, 4.0)
    )
    assert dict(from_model(model).positive) == {-2: 1.0, -1: 0.0, 3: 4.0}
    assert to_model(from_model(model)) == model
