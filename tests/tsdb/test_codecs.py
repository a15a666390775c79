"""Coded arrays and pages of cells give back the very bits."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.model.values import ABSENT_BITS, NAN_BITS, STALE_BITS
from termprom.tsdb.cells import column_classes, decode_cells, encode_cells
from termprom.tsdb.codecs.registry import CODECS, decode_array, encode_array, encode_runs

SPECIAL = [
    0,
    1,  # the smallest denormal
    0x8000000000000000,  # -0.0
    0x7FF0000000000000,
    0xFFF0000000000000,
    NAN_BITS,
    STALE_BITS,
    ABSENT_BITS,
    0xFFF8000000000123,
    0x7FFFFFFFFFFFFFFF,
    0xFFFFFFFFFFFFFFFF,
    0x3FF0000000000000,
    0x3FF8000000000000,
]
words = st.one_of(st.sampled_from(SPECIAL), st.integers(0, 2**64 - 1), st.integers(0, 1000))


@given(st.lists(words, max_size=60), st.sampled_from(["<i8", "<u8", "<f8"]))
def test_arrays_come_back_bit_for_bit(numbers: list[int], dtype: str) -> None:
    array = np.array(numbers, dtype=np.uint64).view(dtype)
    back = decode_array(encode_array(array), dtype)
    assert back.tobytes() == array.tobytes()


@given(
    st.lists(st.lists(words, min_size=1, max_size=20), max_size=8),
    st.lists(st.integers(-1, 1), min_size=8, max_size=8) | st.none(),
)
def test_cells_come_back_bit_for_bit(columns: list[list[int]], kinds: list[int] | None) -> None:
    rows = np.array([len(column) for column in columns], dtype=np.int64)
    flat = np.array([cell for column in columns for cell in column], dtype=np.uint64)
    classes = None if kinds is None else np.array(kinds[: rows.size], dtype=np.int64)
    data = encode_cells(flat.view(np.float64), rows, classes=classes)
    assert decode_cells(data, rows).tobytes() == flat.tobytes()


@given(st.binary(max_size=80))
def test_garbage_is_a_value_error(data: bytes) -> None:
    for decode in (
        lambda: decode_array(data, "<f8"),
        lambda: decode_cells(data, np.array([3, 4], dtype=np.int64)),
    ):
        with contextlib.suppress(ValueError):
            decode()


@pytest.mark.parametrize(
    ("numbers", "dtype", "wanted"),
    [
        ([7, 7, 7], "<i8", "01 03000000 0700000000000000"),
        ([1000, 16000, 31000], "<i8", "02 03000000 e803000000000000 983a000000000000"),
        ([1], "<i8", "01 01000000 0100000000000000"),
    ],
)
def test_examples_of_the_docstrings(numbers: list[int], dtype: str, wanted: str) -> None:
    assert encode_array(np.array(numbers, dtype=dtype)) == bytes.fromhex(wanted)


def test_runs_of_different_scale_are_coded_apart() -> None:
    counts = np.arange(400.0) ** 2
    noise = np.random.default_rng(1).random(400)
    both = np.concatenate([counts, noise])
    data = encode_runs(
        both, np.array([400, 400]), column_classes(both.view(np.uint64).reshape(2, -1))
    )
    assert data[0] == 4
    assert len(data) < len(encode_array(both))
    assert decode_array(data, "<f8").tobytes() == both.tobytes()
    for place in (5, 9):
        torn = bytearray(data)
        torn[place] ^= 7
        with pytest.raises(ValueError, match=r"joined|codec"):
            decode_array(bytes(torn), "<f8")
    with pytest.raises(ValueError, match="joined"):
        decode_array(data[:-3], "<f8")


@given(
    st.integers(1, 5).flatmap(
        lambda rows: st.lists(
            st.lists(words, min_size=4 * rows, max_size=4 * rows), min_size=1, max_size=5
        )
    )
)
def test_any_columns_have_classes(columns: list[list[int]]) -> None:
    classes = column_classes(np.array(columns, dtype=np.uint64))
    assert classes.shape == (len(columns),)


def test_classes_tell_busy_from_idle_columns() -> None:
    rng = np.random.default_rng(2)
    columns = [np.cumsum(rng.random(100) * scale) for scale in (1, 1.02, 64, 65, 0)]
    classes = column_classes(np.array(columns).view(np.uint64)).tolist()
    assert abs(classes[0] - classes[1]) <= 1
    assert abs(classes[2] - classes[3]) <= 1
    assert classes[4] < classes[0] < classes[2]


def test_codec_numbers_are_for_ever() -> None:
    assert sorted(CODECS) == [0, 1, 2, 3, 4]
    assert {number: type(codec).__name__ for number, codec in CODECS.items()} == {
        0: "Raw",
        1: "Constant",
        2: "Regular",
        3: "Pco",
        4: "Joined",
    }
