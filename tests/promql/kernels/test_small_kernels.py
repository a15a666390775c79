"""Hashes, dates, rounding and buckets against known values or the standard library."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.model.labels import Labels
from termprom.promql.kernels import buckets, calendar, elementwise
from termprom.promql.kernels.hashing import xxhash64
from termprom.promql.numbers import format_general
from termprom.promql.operators.choose import hash_offset
from termprom.promql.operators.natural_order import natural_less


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", 0xEF46DB3751D8E999),
        (b"a", 0xD24EC4F1A98C6E5B),
        (b"abc", 0x44BC2CF5AD770999),
        (b"abcdefghijklmnopqrstuvwxyz012345", 0xBF2CD639B4143B80),
    ],
)
def test_xxhash64(data: bytes, wanted: int) -> None:
    assert xxhash64(data) == wanted


@pytest.mark.parametrize(("value", "wanted"), [("a", 0.310553), ("b", 0.0351309), ("c", 0.629724)])
def test_limit_ratio_samples_as_the_original(value: str, wanted: float) -> None:
    assert hash_offset(Labels.of(__name__="w", n=value)) == pytest.approx(wanted, rel=1e-5)


@settings(max_examples=60)
@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_dates_agree_with_datetime(seconds: int) -> None:
    when = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)
    got = {name: int(part(np.array([seconds]))[0]) for name, part in calendar.PARTS.items()}
    following = when.replace(year=2000 + when.year % 400, day=28) + datetime.timedelta(days=4)
    assert got == {
        "year": when.year,
        "month": when.month,
        "day_of_month": when.day,
        "day_of_year": when.timetuple().tm_yday,
        "days_in_month": (following - datetime.timedelta(days=following.day)).day,
        "day_of_week": when.isoweekday() % 7,
        "hour": when.hour,
        "minute": when.minute,
    }


def test_dates_of_what_is_no_time_are_those_of_the_smallest_integer() -> None:
    with np.errstate(all="ignore"):
        seconds = calendar.whole_seconds(np.array([math.nan, math.inf, 1e300]))
    assert set(calendar.PARTS["year"](seconds).tolist()) == {292277026596}
    assert set(calendar.PARTS["minute"](seconds).tolist()) == {30}


@pytest.mark.parametrize(
    ("value", "nearest", "wanted"),
    [(2.5, 1, 3), (-2.5, 1, -2), (0.49999999999999994, 1, 1), (7, 3, 6), (-0.5, 1, 0)],
)
def test_round_takes_halves_up(value: float, nearest: float, wanted: float) -> None:
    assert elementwise.round_to(np.array([[value]]), np.array([nearest])).tolist() == [[wanted]]


def test_clamp_keeps_nan_and_orders_zeroes() -> None:
    inf, nan = math.inf, math.nan
    with np.errstate(all="ignore"):
        got = elementwise.clamp(np.array([nan, 5.0, -1.0]), np.array([0.0]), np.array([3.0]))
        assert math.isnan(got[0])
        assert got[1:].tolist() == [3.0, 0.0]
        assert elementwise.smaller(np.array([-inf]), np.array([nan])).tolist() == [-inf]
        assert elementwise.larger(np.array([inf]), np.array([nan])).tolist() == [inf]
    assert math.copysign(1, elementwise.larger(np.array([0.0]), np.array([-0.0]))[0]) == 1


def one_histogram(bounds: list[float], counts: list[float]) -> buckets.Buckets:
    return buckets.pack(
        np.array([bounds]),
        np.array(counts).reshape(1, -1, 1),
        np.ones((1, len(bounds), 1), dtype=bool),
    )


@pytest.mark.parametrize(
    ("q", "bounds", "counts", "wanted"),
    [
        (0.5, [0.5, 1, math.inf], [2, 3, 5], 0.75),
        (0.9, [0.5, 1, math.inf], [2, 3, 5], 1),
        (0.5, [0.5, 1, math.inf], [0, 0, 0], math.nan),
        (0, [0.5, 1, math.inf], [0, 3, 5], math.nan),
        (0.5, [0.5, 1], [2, 3], math.nan),
        (0.5, [math.inf], [2], math.nan),
        (-1, [0.5, math.inf], [1, 2], -math.inf),
        (2, [0.5, math.inf], [1, 2], math.inf),
        (0.1, [-1, 1, math.inf], [5, 6, 6], -1),
    ],
)
def test_quantile_of_buckets(
    q: float, bounds: list[float], counts: list[float], wanted: float
) -> None:
    with np.errstate(all="ignore"):
        got, repair = buckets.quantile(one_histogram(bounds, counts), np.array([q]))
    np.testing.assert_array_equal(got, [[wanted]])
    assert not repair.forced.any()


def test_falling_buckets_are_repaired_and_told() -> None:
    with np.errstate(all="ignore"):
        got, repair = buckets.quantile(
            one_histogram([0.5, 1, math.inf], [4, 3, 6]), np.array([0.5])
        )
    assert got.tolist() == [[0.375]]
    assert repair.forced.tolist() == [[True]]
    assert (repair.lowest_bound[0, 0], repair.largest_difference[0, 0]) == (1, 1)


def test_buckets_that_are_missing_at_a_step_are_moved_out_of_the_way() -> None:
    counts = np.array([[[2.0, 2], [3, 0], [5, 5]]])
    present = np.array([[[True, True], [True, False], [True, True]]])
    packed = buckets.pack(np.array([[0.5, 1, math.inf]]), counts, present)
    assert packed.sizes.tolist() == [[3, 2]]
    with np.errstate(all="ignore"):
        got, _ = buckets.quantile(packed, np.array([0.3, 0.3]))
        share = buckets.fraction(packed, np.zeros(2), np.array([0.25, 0.25]))
    np.testing.assert_allclose(got, [[0.375, 0.375]])
    np.testing.assert_allclose(share, [[0.2, 0.2]])


def test_natural_order() -> None:
    names = ["b1", "a10", "a2", "a1", "a"]
    ordered = [a for a in names if all(not natural_less(b, a) for b in names if b != a)]
    assert ordered == ["a"]
    assert natural_less("a2", "a10")
    assert not natural_less("a10", "a2")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (100000.0, "100000"),
        (1e6, "1e+06"),
        (123456789.0, "1.23456789e+08"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1.1, "1.1"),
        (-1.5e21, "-1.5e+21"),
        (999999.0, "999999"),
        (0.30000000000000004, "0.30000000000000004"),
        (math.inf, "+Inf"),
        (-0.0, "-0"),
    ],
)
def test_general_notation(value: float, wanted: str) -> None:
    assert format_general(value) == wanted
