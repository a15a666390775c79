"""Numbers and times as the API writes them: a table of upstream's, and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.backend.wire_numbers import (
    NEVER,
    format_exponent,
    format_moment,
    format_timestamp,
    format_value,
    parse_moment,
    value_texts,
)
from termprom.model.values import STALE

# What a Prometheus 3 server answers to vector(<number>) and to scalars of it.
_VALUES = [
    (0.0, "0"),
    (-0.0, "-0"),
    (1.0, "1"),
    (0.1, "0.1"),
    (-2.5, "-2.5"),
    (1e-6, "0.000001"),
    (9.99e-7, "9.99e-07"),
    (1e-7, "1e-07"),
    (-1.5e-300, "-1.5e-300"),
    (123456789012345680000.0, "123456789012345680000"),
    (1e15, "1000000000000000"),
    (1e16, "10000000000000000"),
    (999999999999999900000.0, "999999999999999900000"),
    (1e21, "1e+21"),
    (1.5e21, "1.5e+21"),
    (5e-324, "5e-324"),
    (2.0**-24, "5.960464477539063e-08"),  # exactly half way between two texts of 16 digits
    (1.7976931348623157e308, "1.7976931348623157e+308"),
    (math.nan, "NaN"),
    (math.inf, "+Inf"),
    (-math.inf, "-Inf"),
]


@pytest.mark.parametrize(("value", "text"), _VALUES)
def test_a_value_is_written_as_upstream_writes_it(value: float, text: str) -> None:
    assert format_value(value) == text
    assert value_texts(np.array([value])) == [text]


@given(st.lists(st.floats()))
def test_the_fast_path_equals_the_slow_one(values: list[float]) -> None:
    assert value_texts(np.array(values, dtype=np.float64)) == [format_value(v) for v in values]


@given(st.floats(allow_nan=False))
def test_the_text_reads_back_to_the_same_float(value: float) -> None:
    assert float(format_value(value)) == value
    assert math.copysign(1, float(format_value(value))) == math.copysign(1, value)
    assert float(format_exponent(value)) == value


def test_cells_are_read_in_rows_and_the_stale_marker_is_a_nan() -> None:
    assert value_texts(np.array([[1.0, 2.0], [3.0, 4.0]])) == ["1", "2", "3", "4"]
    assert value_texts(np.array([[1.0, 2.0], [3.0, 4.0]]).T) == ["1", "3", "2", "4"]
    assert value_texts(STALE) == ["NaN"]
    assert value_texts(np.empty((0, 5))) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1e+00"), (0.25, "2.5e-01"), (0.0, "0e+00"), (100.0, "1e+02"), (math.nan, "NaN")],
)
def test_an_alert_has_its_value_in_exponent_form(value: float, text: str) -> None:
    assert format_exponent(value) == text


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (1435781451781, "1435781451.781"),
        (1435781451100, "1435781451.100"),
        (1435781451000, "1435781451"),
        (0, "0"),
        (1, "0.001"),
        (-1, "-0.001"),
        (-1500, "-1.500"),
    ],
)
def test_a_timestamp_has_three_decimals_or_none(time_ms: int, text: str) -> None:
    assert format_timestamp(time_ms) == text


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (1435781451781, "2015-07-01T20:10:51.781Z"),
        (1435781451700, "2015-07-01T20:10:51.7Z"),
        (1435781451000, "2015-07-01T20:10:51Z"),
        (0, NEVER),
    ],
)
def test_a_moment_has_no_trailing_zeros(time_ms: int, text: str) -> None:
    assert format_moment(time_ms) == text
    assert parse_moment(text) == time_ms


@given(st.integers(min_value=1, max_value=253_402_300_799_999))
def test_a_moment_reads_back(time_ms: int) -> None:
    assert parse_moment(format_moment(time_ms)) == time_ms


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("2018-07-04T20:27:12.60602144+02:00", 1530728832606),
        ("2015-07-01T20:10:51.781999999Z", 1435781451781),
        ("2015-07-01T20:10:51-07:00", 1435806651000),
    ],
)
def test_moments_of_other_servers_are_read(text: str, time_ms: int) -> None:
    assert parse_moment(text) == time_ms


@pytest.mark.parametrize("text", ["", "now", "2015-07-01", "2015-07-01 20:10:51Z", "2015-13-01T0"])
def test_what_is_no_moment_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_moment(text)


def test_a_moment_beyond_the_calendar_is_never() -> None:
    assert format_moment(9_223_309_901_257_974_999) == NEVER
