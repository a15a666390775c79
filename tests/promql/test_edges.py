"""Anchored and smoothed ranges: the kernels against a walk over the samples one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.model.labels import Labels
from termprom.model.values import Values
from termprom.promql.kernels.edges import edge_windows, increase
from termprom.promql.kernels.windows import References, Samples
from termprom.testing.memory_storage import MemoryStorage
from termprom.testing.promqltest.runner import script_engine

_LOOKBACK = 50


@st.composite
def series(draw: st.DrawFn) -> tuple[list[int], list[float]]:
    times = sorted(draw(st.sets(st.integers(0, 300), min_size=1, max_size=12)))
    values = draw(st.lists(st.integers(0, 20).map(float), min_size=len(times), max_size=len(times)))
    return times, values


@given(st.lists(series(), min_size=1, max_size=3), st.booleans(), st.booleans(), st.integers(1, 90))
def test_the_kernel_equals_a_walk(
    members: list[tuple[list[int], list[float]]], smoothed: bool, counter: bool, width: int
) -> None:
    references = References(-20, 35, 11)
    starts = np.cumsum([0, *(len(times) for times, _ in members)])
    samples = Samples(
        np.array([t for times, _ in members for t in times], dtype=np.int64),
        np.array([v for _, values in members for v in values]),
        starts,
    )
    windows = edge_windows(samples, references, width, _LOOKBACK, smoothed=smoothed)
    with np.errstate(all="ignore"):
        values, present = increase(windows, counter=counter, per_second=None)
    for row, (times, floats) in enumerate(members):
        for step, right in enumerate(references.times_ms().tolist()):
            edges = (right - width, right)
            expected = _walk(times, floats, edges, smoothed=smoothed, counter=counter)
            assert bool(present[row, step]) == (expected is not None)
            if expected is not None:
                assert values[row, step] == pytest.approx(expected)


def _walk(
    times: list[int],
    floats: list[float],
    edges: tuple[int, int],
    *,
    smoothed: bool,
    counter: bool,
) -> float | None:
    left, right = edges
    until = right + (_LOOKBACK if smoothed else 0)
    seen = [(t, v) for t, v in zip(times, floats, strict=True) if left - _LOOKBACK < t <= until]
    if not seen:
        return None
    first = max(sum(t <= left for t, _ in seen) - 1, 0)
    last = len(seen) - 1
    if smoothed:
        last = next((n for n, (t, _) in enumerate(seen) if t >= right), last)
    if seen[last][0] <= left or (smoothed and seen[first][0] > right):
        return None

    def line(n: int, at: int) -> float:
        (t1, v1), (t2, v2) = seen[n], seen[n + 1]
        v1 = 0.0 if counter and v2 < v1 else v1
        return v1 + (v2 - v1) * (at - t1) / (t2 - t1)

    start = line(first, left) if smoothed and seen[first][0] < left else seen[first][1]
    end = line(last - 1, right) if smoothed and last and seen[last][0] > right else seen[last][1]
    result = end - start
    if counter:
        inner = [v for t, v in seen[first : last + 1] if left < t < right]
        path = [start, *inner, end]
        result += sum(a for a, b in itertools.pairwise(path) if b < a)
    return result


def _raw(expr: str) -> dict[int, float]:
    storage = MemoryStorage()
    name = Labels.of({"__name__": "m"})
    storage.add(name, [0, 60_000, 120_000, 240_000], [1.0, 2.0, 4.0, 10.0])
    result = script_engine().instant(storage, expr, 150_000)
    assert result.raw is not None
    (one,) = result.raw
    values: Values = one.values
    return dict(zip(one.times_ms.tolist(), values.tolist(), strict=True))


def test_an_anchored_window_has_points_at_its_edges() -> None:
    assert _raw("m[2m] anchored") == {30_000: 1.0, 60_000: 2.0, 120_000: 4.0, 150_000: 4.0}


def test_a_smoothed_window_has_points_on_the_line() -> None:
    assert _raw("m[2m] smoothed") == {30_000: 1.5, 60_000: 2.0, 120_000: 4.0, 150_000: 5.5}
