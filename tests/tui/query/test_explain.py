"""The Explain tab: nodes, their numbers, how sides match, and what keys do with them."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from termprom.errors import EvaluationError
from termprom.model.labels import Labels
from termprom.promql.syntax.parse import parse
from termprom.tui.panes.explain_nodes import (
    Measure,
    label_counts,
    match_report,
    nodes_of,
    rows_of,
)
from tests.tui.query.host import host

EXPR = 'sum by (job) (rate(a{x="1"}[5m])) / sum by (job) (b) > 0.5'


def test_an_operator_stands_between_its_sides_and_numbers_are_no_nodes():
    titles = ["  " * one.depth + one.title for one in nodes_of(parse(EXPR))]
    assert titles == [
        "> 0.5",
        "    sum by (job)",
        "      rate",
        '        a{x="1"}[5m]',
        "  /",
        "    sum by (job)",
        "      b",
    ]


def test_a_range_is_not_pulled_over_to_be_counted():
    queries = [one.query for one in nodes_of(parse("max_over_time((up - 1)[1h:5m])"))]
    assert queries[1] == "last_over_time((up - 1)[1h:5m])"


def test_own_time_is_what_the_parts_do_not_take():
    nodes = nodes_of(parse("sum(rate(x[5m]))"))
    measures = {node.number: Measure(seconds=0.1 / (node.depth + 1)) for node in nodes}
    own = [one.self_seconds for one in rows_of(nodes, measures)]
    assert own == pytest.approx([0.05, 0.05 - 0.1 / 3, 0.1 / 3])
    del measures[nodes[1].number]
    assert rows_of(nodes, measures)[0].self_seconds is None, "a part is not measured yet"


def labelled(*jobs: str) -> Measure:
    return Measure(tuple(Labels.of(__name__="x", job=job, env="e") for job in jobs))


@pytest.mark.parametrize("clause", ["on (job)", "ignoring (env)"])
def test_match_report(clause):
    expr = parse(f"x > {clause} y")
    report = match_report(
        expr, labelled("api", "web", "mail"), labelled("api", "web", "db"), labelled("api")
    )
    assert (report.matched, report.left_alone, report.right_alone) == (2, 1, 1)
    assert report.dropped == 1
    assert report.left_example == '{job="mail"}'
    assert report.right_example == '{job="db"}'


def test_labels_with_most_values_come_first():
    found = label_counts([Labels.of(job="a", env="e"), Labels.of(job="b", env="e")])
    assert found == [("job", 2, [("a", 1), ("b", 1)]), ("env", 1, [("e", 2)])]


async def test_every_node_is_asked_for_three_at_once_and_enter_graphs_one():
    app, backend = host()
    running = most = 0
    ask = backend.query

    async def counted(expr, at_ms=None, **options):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        try:
            return await ask(expr, at_ms, **options)
        finally:
            running -= 1

    backend.query = counted
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.focus_default()
        app.pane.prompt.put(EXPR)
        await pilot.press("f6")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert most == 3
        assert len(backend.queries) == 7
        assert backend.queries[0] == 'query last_over_time(a{x="1"}[5m])', "children first"
        shown = app.pane.explain_box.list
        assert shown.note == "measured by separate queries"
        await pilot.press("j", "j", "enter")
        await app.workers.wait_for_complete()
        assert app.pane.expr == 'rate(a{x="1"}[5m])'
        assert app.pane.tab == "graph"


async def test_an_edit_cancels_and_a_broken_node_says_why():
    app, backend = host()
    backend.answer = lambda expr, steps: ([], np.empty((0, steps.size)))
    async with app.run_test(size=(80, 24)) as pilot:
        backend.error = EvaluationError("many-to-many matching not allowed")
        app.pane.focus_default()
        app.pane.prompt.put(EXPR)
        await pilot.press("f6")
        await app.workers.wait_for_complete()
        await pilot.pause()
        row = app.pane.explain_box.list.cursor_row
        assert row is not None
        assert row.measure.error == "many-to-many matching not allowed"
        backend.error, backend.gate = None, asyncio.Event()
        app.pane._switch("explain")
        await pilot.press("i", "x")
        await pilot.pause()
        asked = len(backend.queries)
        backend.gate.set()
        await pilot.pause()
        assert len(backend.queries) == asked
