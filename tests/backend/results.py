"""Query results by hand and at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.result import QueryResult, RawSeries, ResultType

GRID = Grid(1_700_000_000_000, 1_700_000_060_000, 15_000)
AT = Grid.instant(1_700_000_000_500)

_names = st.sampled_from(["__name__", "job", "instance", "höhe", "a.b", "<&>"])
_texts = st.text(
    st.characters(exclude_categories=("C", "Z")) | st.sampled_from(" \n"), min_size=1, max_size=8
)
labels = st.dictionaries(_names, _texts, max_size=3).map(Labels.of)


def matrix(rows: dict[Labels, Sequence[float | None]], grid: Grid = GRID) -> QueryResult:
    """Each row has a cell for each step, None where there is no sample."""
    shape = (len(rows), grid.count)
    present = np.array([[cell is not None for cell in row] for row in rows.values()], dtype=bool)
    values = [[np.nan if cell is None else cell for cell in row] for row in rows.values()]
    return QueryResult(
        ResultType.MATRIX,
        list(rows),
        grid.steps_ms(),
        np.array(values, dtype=np.float64).reshape(shape),
        present.reshape(shape),
    )


def vector(rows: dict[Labels, float], grid: Grid = AT) -> QueryResult:
    values = np.array(list(rows.values()), dtype=np.float64).reshape(-1, 1)
    present = np.ones(values.shape, dtype=np.bool_)
    return QueryResult(ResultType.VECTOR, list(rows), grid.steps_ms(), values, present)


def scalar(value: float, grid: Grid = AT) -> QueryResult:
    present = np.ones((1, 1), dtype=np.bool_)
    return QueryResult(
        ResultType.SCALAR, (Labels(),), grid.steps_ms(), np.array([[value]]), present
    )


def string(text: str, grid: Grid = AT) -> QueryResult:
    nothing = np.empty((0, 1))
    present = np.empty((0, 1), dtype=np.bool_)
    return QueryResult(ResultType.STRING, (), grid.steps_ms(), nothing, present, text=text)


def raw(rows: dict[Labels, tuple[list[int], list[float]]], grid: Grid = AT) -> QueryResult:
    found = [
        RawSeries(one, np.array(times, dtype=np.int64), np.array(values, dtype=np.float64))
        for one, (times, values) in rows.items()
    ]
    return QueryResult(
        ResultType.MATRIX,
        [one.labels for one in found],
        grid.steps_ms(),
        np.empty((0, grid.count)),
        np.empty((0, grid.count), dtype=np.bool_),
        raw=found,
    )


def assert_same(found: QueryResult, wanted: QueryResult) -> None:
    """Equal in all that a client can see: type, series, times, floats bit for bit."""
    assert found.type is wanted.type
    assert list(found.labels) == list(wanted.labels)
    assert found.times_ms.tolist() == wanted.times_ms.tolist()
    assert found.present.tolist() == wanted.present.tolist()
    np.testing.assert_array_equal(found.values[found.present], wanted.values[wanted.present])
    assert found.text == wanted.text
    assert (found.raw is None) == (wanted.raw is None)
    for ours, theirs in zip(found.raw or (), wanted.raw or (), strict=True):
        assert ours.labels == theirs.labels
        assert ours.times_ms.tolist() == theirs.times_ms.tolist()
        np.testing.assert_array_equal(ours.values, theirs.values)


_cells = st.none() | st.floats()
matrices = st.dictionaries(
    labels,
    # A series of a result has at least one sample.
    st.tuples(
        st.floats(),
        st.integers(0, GRID.count - 1),
        st.lists(_cells, min_size=GRID.count, max_size=GRID.count),
    ).map(lambda given: [*given[2][: given[1]], given[0], *given[2][given[1] + 1 :]]),
    max_size=5,
).map(matrix)
vectors = st.dictionaries(labels, st.floats(), max_size=5).map(vector)
