"""Marks below a graph: what is asked, and what the answers mean."""

from __future__ import annotations

import numpy as np

from termprom.model.labels import Labels
from termprom.model.result import QueryResult, ResultType
from termprom.promql.syntax.parse import parse
from termprom.tui.glyphs import UNICODE
from termprom.tui.panes.graph_marks import (
    alert_marks,
    alerts_query,
    restart_marks,
    restarts_query,
)

TIMES = np.arange(8, dtype=np.int64) * 1000


def _answer(*series: tuple[Labels, str]) -> QueryResult:
    """`-` is no sample, a digit is a value."""
    present = np.array([[char != "-" for char in row] for _, row in series])
    values = np.array([[0.0 if char == "-" else float(char) for char in row] for _, row in series])
    return QueryResult(ResultType.MATRIX, [one for one, _ in series], TIMES, values, present)


def _alert(state: str, **labels: str) -> Labels:
    return Labels.of(__name__="ALERTS", alertname="Slow", alertstate=state, **labels)


def test_an_alert_becomes_pending_fires_and_is_over() -> None:
    marks = alert_marks(
        _answer((_alert("pending"), "--11----"), (_alert("firing"), "----11--")), UNICODE,
        named=False,
    )  # fmt: skip
    assert [(one.at_ms, one.glyph, one.text) for one in marks] == [
        (2000, "◐", "pending"), (4000, "●", "fires"), (6000, "○", "over"),
    ]  # fmt: skip


def test_what_fires_all_the_time_has_no_mark() -> None:
    assert alert_marks(_answer((_alert("firing"), "11111111")), UNICODE, named=True) == []


def test_several_alerts_at_one_step_are_one_mark() -> None:
    other = Labels.of(__name__="ALERTS", alertname="Down", alertstate="firing")
    marks = alert_marks(_answer((_alert("firing"), "--111111"), (other, "--111111")), UNICODE,
                        named=True)  # fmt: skip
    assert [one.text for one in marks] == ["Slow and 1 more fires"]


def test_restarts_are_where_the_start_time_changes_also_over_a_gap() -> None:
    start = Labels.of(__name__="process_start_time_seconds", instance="a:1", job="x")
    marks = restart_marks(_answer((start, "11--2233")), UNICODE)
    assert [(one.at_ms, one.text) for one in marks] == [
        (4000, "restart a:1"),
        (6000, "restart a:1"),
    ]


def test_questions_can_be_parsed_whatever_the_labels_hold() -> None:
    hostile = Labels.of(instance='a"b\\c|d.e{', job="x")
    for text in (restarts_query([hostile]), alerts_query('a"b'), alerts_query("")):
        parse(text)
    assert restarts_query([Labels.of(job="x")]) == 'process_start_time_seconds{job=~"x"}'
    assert restarts_query([Labels.of(mode="idle")]) == ""
    assert restarts_query([Labels.of(instance=str(n)) for n in range(50)]) == ""


def test_marks_are_short_inert_and_narrow() -> None:
    other = Labels.of(__name__="ALERTS", alertname="\x1b[31m" + "长" * 100, alertstate="firing")
    (mark,) = alert_marks(_answer((other, "--111111")), UNICODE, named=True)
    assert "\x1b" not in mark.text
    assert len(mark.text) <= 24
