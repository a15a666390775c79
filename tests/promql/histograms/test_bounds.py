from __future__ import annotations

import math
import sys

import pytest

from termprom.promql.histograms.bounds import custom_bounds, exponential_bound


@pytest.mark.parametrize(
    ("index", "schema", "bound"),
    [
        (0, 0, 1.0),
        (3, 0, 8.0),
        (-2, -1, 0.0625),
        (1, 1, 1.414213562373095),  # not the nearest double to the root of two: upstream's table
        (2, 1, 2.0),
        (1024, 0, sys.float_info.max),
        (1025, 0, math.inf),
        (64, -4, sys.float_info.max),
    ],
)
def test_a_bound_is_upstreams_own_double(index: int, schema: int, bound: float) -> None:
    assert exponential_bound(index, schema) == bound


@pytest.mark.parametrize("schema", range(-4, 8))
def test_a_finer_schema_halves_each_bucket(schema: int) -> None:
    for index in range(-30, 30):
        assert exponential_bound(index, schema) == exponential_bound(2 * index, schema + 1)


def test_outermost_custom_buckets_are_open() -> None:
    assert [custom_bounds(index, (1.0, 5.0)) for index in range(3)] == [
        (-math.inf, 1.0),
        (1.0, 5.0),
        (5.0, math.inf),
    ]
