"""Figures, order and choice of the series of an answer; choices that can be undone."""

from __future__ import annotations

import numpy as np

from termprom.model.labels import Labels
from termprom.model.result import QueryResult, ResultType
from termprom.tui.panes.query_series import LINES_WHEN_MANY, drawn, series_of
from termprom.tui.panes.query_view import GraphView, Look, UndoStack
from termprom.tui.plot.chart import Mode
from termprom.tui.session import TimeRange


def _result(values: list[list[float]]) -> QueryResult:
    matrix = np.array(values, dtype=np.float64)
    labels = [Labels.of(env="prod", job=f"j{number}") for number in range(len(values))]
    times = np.arange(matrix.shape[1], dtype=np.int64) * 1000
    return QueryResult(ResultType.MATRIX, labels, times, matrix, ~np.isnan(matrix))


def test_figures_leave_out_what_is_absent():
    found = series_of(_result([[1, 2, np.nan], [5, np.nan, 3], [np.nan] * 3]), 1000)
    np.testing.assert_array_equal(found.last, [2, 3, np.nan])
    np.testing.assert_array_equal(found.low, [1, 3, np.nan])
    np.testing.assert_array_equal(found.high, [2, 5, np.nan])
    np.testing.assert_array_equal(found.mean, [1.5, 4, np.nan])
    assert found.common == Labels.of(env="prod")
    assert found.name(1) == 'job="j1"'


def test_order_puts_series_without_a_value_last_either_way():
    found = series_of(_result([[1], [np.nan], [3]]), 1000)
    assert found.order("last", descending=True) == [2, 0, 1]
    assert found.order("last", descending=False) == [0, 2, 1]
    assert found.order("name", descending=True) == [2, 1, 0]


def test_the_value_at_a_moment_is_that_of_the_nearest_step():
    found = series_of(_result([[1, 2, np.nan]]), 1000)
    assert found.at(900).tolist() == [2]
    assert np.isnan(found.at(2000)).all()
    assert np.isnan(found.at(9000)).all(), "far outside of the data"


def test_many_series_share_a_band():
    order = list(range(40))
    lines, band = drawn(order, frozenset({0}), None, all_of_them=False)
    assert lines == list(range(1, 1 + LINES_WHEN_MANY))
    assert len(lines) + len(band) == 39
    assert drawn(order, frozenset(), 7, all_of_them=False) == ([7], [])
    assert drawn(order, frozenset(), None, all_of_them=True) == (order, [])


def test_empty_answers_have_no_figures():
    nothing = QueryResult(
        ResultType.MATRIX, [], np.arange(3), np.empty((0, 3)), np.empty((0, 3), bool)
    )
    found = series_of(nothing, 1000)
    assert found.order("last", descending=True) == []
    assert found.at(0).size == 0


def test_choices_go_round():
    view = GraphView()
    names = []
    for _ in range(4):
        names.append(view.axis_name)
        view = view.next_axis()
    assert names == ["linear", "linear 0-based", "log", "symlog"]
    assert view == GraphView()
    modes = [view.mode]
    while (following := view.next_mode()) is not None:
        view = following
        modes.append(view.mode)
    assert modes == [Mode.LINES, Mode.STACKED, Mode.BARS, Mode.POINTS]
    assert GraphView().sorted_by("last").descending is False
    assert GraphView().alone(2).alone(2).isolated is None


def test_undo_and_redo():
    stack = UndoStack()
    first = Look("up", TimeRange(), GraphView())
    second = Look("up", TimeRange(60_000), GraphView())
    stack.keep(first)
    assert stack.undo(second) == first
    assert stack.undo(first) is None
    assert stack.redo(first) == second
    stack.keep(second)
    assert stack.redo(second) is None, "a new look forgets what was undone"
