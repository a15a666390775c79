"""Durations, floats, grids and the marked NaNs."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.model.durations import format_duration, parse_duration
from termprom.model.floats import format_float, parse_float
from termprom.model.grid import Grid
from termprom.model.values import (
    ABSENT,
    ABSENT_BITS,
    NAN_BITS,
    STALE,
    STALE_BITS,
    bits_of,
    float_from_bits,
    full_of,
    is_absent,
    is_stale,
)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("15s", 15_000),
        ("1h30m", 5_400_000),
        ("500ms", 500),
        ("1w", 604_800_000),
    ],
)
def test_durations_parse(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "1", "1.5h", "5mm", "30m1h", "-1s", "1 s", "s", "300y", "١s"])
def test_bad_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (14 * 86_400_000, "2w"),
        (90_000, "1m30s"),
        (365 * 86_400_000, "1y"),
        (-1500, "-1s500ms"),
        (8 * 86_400_000, "8d"),
    ],
)
def test_durations_print(milliseconds: int, text: str) -> None:
    assert format_duration(milliseconds) == text


@given(st.integers(0, 9 * 10**12))
def test_a_duration_survives_printing(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds)) == milliseconds


@given(st.floats())
def test_a_float_survives_printing(value: float) -> None:
    again = parse_float(format_float(value))
    assert (
        math.isnan(again)
        if math.isnan(value)
        else struct.pack("d", again) == struct.pack("d", value)
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1" + "0" * 21),
        (1.5e-7, "0.00000015"),
        (-0.0, "-0"),
        (123.0, "123"),
        (math.inf, "+Inf"),
    ],
)
def test_floats_print_without_an_exponent(value: float, text: str) -> None:
    assert format_float(value) == text


@pytest.mark.parametrize("text", ["", " 1", "1_0", "0x", "١", "1e", "--1", "in", "nanx"])
def test_what_is_no_float(text: str) -> None:
    with pytest.raises(ValueError):
        parse_float(text)


def test_marked_nans_keep_their_bits_and_are_told_apart() -> None:
    values = np.concatenate([STALE, ABSENT, full_of(NAN_BITS, 1), np.array([1.0])])
    assert is_stale(values).tolist() == [True, False, False, False]
    assert is_absent(values).tolist() == [False, True, False, False]
    assert np.isnan(values[:3]).all()
    assert bits_of(float_from_bits(STALE_BITS)) == STALE_BITS
    assert bits_of(float_from_bits(ABSENT_BITS)) == ABSENT_BITS


def test_arithmetic_never_yields_a_marked_nan() -> None:
    with np.errstate(invalid="ignore"):
        quieted = np.concatenate([STALE, ABSENT]) + 0.0
    assert not is_stale(quieted).any()
    assert not is_absent(quieted).any()


@given(st.integers(0, 10**13), st.integers(0, 10**6), st.integers(1, 10**5))
def test_a_grid_includes_both_ends(start_ms: int, length_ms: int, step_ms: int) -> None:
    grid = Grid(start_ms, start_ms + length_ms, step_ms)
    assert grid.steps_ms().tolist() == list(range(start_ms, start_ms + length_ms + 1, step_ms))
    assert grid.count == grid.steps_ms().size


def test_a_grid_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="step"):
        Grid(0, 1, 0)
    with pytest.raises(ValueError, match="before start"):
        Grid(1, 0, 1)
