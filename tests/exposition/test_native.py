"""Native histograms: compaction and resolution against plain twins, and what is refused."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.exposition.custom_buckets import from_classic
from termprom.exposition.native import (
    bucket_count,
    check,
    compacted_side,
    limited,
    reduced,
    schema_of_factor,
)
from termprom.model.histogram import BucketSpan, FloatHistogram

SIDES = st.lists(st.tuples(st.integers(0, 5), st.lists(st.integers(0, 3), max_size=6)), max_size=5)


def spans_of(side: list[tuple[int, list[int]]]) -> tuple[list[BucketSpan], list[float]]:
    spans = [BucketSpan(offset, len(counts)) for offset, counts in side]
    return spans, [float(count) for _, counts in side for count in counts]


def placed(spans: list[BucketSpan] | tuple[BucketSpan, ...], buckets: object) -> Counter[int]:
    """Counts by bucket index, empty ones left out."""
    found: Counter[int] = Counter()
    counts: Iterator[float] = iter(buckets)  # type: ignore[call-overload]
    index = 0
    for span in spans:
        index += span.offset
        for _ in range(span.length):
            found[index] += next(counts)  # type: ignore[assignment]
            index += 1
    return +found


@given(SIDES, st.integers(0, 3))
def test_compaction_changes_no_count(side: list[tuple[int, list[int]]], empty_max: int) -> None:
    spans, buckets = spans_of(side)
    compact, kept = compacted_side(spans, buckets, empty_max)
    assert placed(compact, kept) == placed(spans, buckets)
    assert all(span.length > 0 for span in compact)
    assert all(span.offset > empty_max for span in compact[1:])
    assert not kept or (kept[0] and kept[-1])
    assert compacted_side(compact, kept, empty_max) == (compact, kept)


@given(SIDES, st.integers(1, 4))
def test_a_wide_bucket_holds_what_its_narrow_ones_held(
    side: list[tuple[int, list[int]]], shift: int
) -> None:
    spans, buckets = spans_of(side)
    fine = FloatHistogram(4, positive_spans=tuple(spans), positive_buckets=tuple(buckets))
    coarse = reduced(fine, 4 - shift)
    expected: Counter[int] = Counter()
    for index, count in placed(spans, buckets).items():
        # The upper bound of bucket i is 2^(i * 2^-schema): find the first wide one that reaches it.
        expected[math.ceil(index / 2**shift)] += count
    assert placed(coarse.positive_spans, coarse.positive_buckets) == expected


def test_a_bucket_limit_costs_resolution() -> None:
    fine = FloatHistogram(
        3, positive_spans=(BucketSpan(1, 16),), positive_buckets=(1.0,) * 16, count=16.0
    )
    fitting = limited(fine, 4)
    assert fitting is not None
    assert (fitting.schema, fitting.positive_buckets) == (1, (4.0,) * 4)
    assert bucket_count(fitting) == 4
    far = FloatHistogram(0, positive_spans=(BucketSpan(-900, 1), BucketSpan(1800, 1)),
                         positive_buckets=(1.0, 1.0))  # fmt: skip
    assert limited(far, 1) is None
    custom = FloatHistogram(-53, positive_spans=(BucketSpan(0, 2),), positive_buckets=(1.0, 1.0))
    assert limited(custom, 1) is None


@pytest.mark.parametrize(
    ("factor", "schema"),
    [(0, 8), (1, 8), (1.0027, 8), (1.1, 2), (2, 0), (4, -1), (65536, -4), (1e300, -4)],
)
def test_the_schema_of_a_growth_factor(factor: float, schema: int) -> None:
    assert schema_of_factor(factor) == schema


def test_float_counts_need_not_add_up_but_may_not_be_negative() -> None:
    odd = FloatHistogram(0, count=9, positive_spans=(BucketSpan(0, 1),), positive_buckets=(1.0,))
    check(odd, integer=False)
    with pytest.raises(ValueError, match="should equal the number of observations"):
        check(odd, integer=True)
    check(FloatHistogram(0, count=9, sum=math.nan), integer=True)
    with pytest.raises(ValueError, match="should be at least the number of observations"):
        check(FloatHistogram(0, count=1, zero_count=2, sum=math.nan), integer=True)
    with pytest.raises(ValueError, match="observation count is -1"):
        check(FloatHistogram(0, count=-1), integer=False)


@pytest.mark.parametrize(
    ("buckets", "count", "total", "bounds", "counts"),
    [
        ([(1, 1), (2, 3), (math.inf, 4)], 4, 6.5, (1, 2), (1, 2, 1)),
        ([(math.inf, 4), (2, 3), (1, 1)], 4, 6.5, (1, 2), (1, 2, 1)),
        ([(1, 1.5), (math.inf, 4)], 4, 6.5, (1,), (1.5, 2.5)),
        ([], 4, 6.5, (), (4,)),
        ([(1, 1), (2, 3)], None, None, (1, 2), (1, 2)),
        ([(1, 1), (1, 9), (2, 3)], 3, 1, (1, 2), (1, 2)),
        ([(1, 0), (2, 0), (3, 0), (4, 1)], 1, 1, (1, 2, 3, 4), (1,)),
    ],
)
def test_classic_buckets_as_one_histogram(
    buckets: list[tuple[float, float]],
    count: float | None,
    total: float | None,
    bounds: tuple[float, ...],
    counts: tuple[float, ...],
) -> None:
    made = from_classic(buckets, count, total)
    assert (made.schema, made.custom_values, made.positive_buckets) == (-53, bounds, counts)
    assert made.sum == (total or 0)
