"""What the Query pane says in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from rich.style import Style

from termprom.errors import EvaluationError, ParseError, QueryTimeout, TermpromError
from termprom.model.notices import Notice, NoticeLevel
from termprom.model.result import QueryResult, QueryStats, ResultType
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.colours import Colours
from termprom.tui.panes.query_view import GraphView
from termprom.tui.panes.query_words import done_text, place_of, problem_text, tabs_text
from termprom.tui.session import Session, TimeRange

# Each style carries the name of its role, so that a mix-up is seen.
ROLES = Colours(**{one.name: Style(link=one.name) for one in fields(Colours)
                   if one.name != "series"})  # fmt: skip


def _result(samples: int = 0, notices: Sequence[Notice] = ()) -> QueryResult:
    return QueryResult(
        ResultType.VECTOR, (), np.zeros(1, np.int64), np.zeros((0, 1)), np.zeros((0, 1), bool),
        notices=notices, stats=QueryStats(samples=samples),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("series", "samples", "step_ms", "ascii_only", "text", "role"),
    [
        (2, 0, 0, False, " ✓ 2 series · 7 ms", "ok"),
        (2, 0, 0, True, " ok 2 series - 7 ms", "ok"),
        (1, 1_234_567, 15_000, False,
         " ✓ 1 series · 1 234 567 samples read · 7 ms · step 15s", "ok"),
        (0, 0, 0, False,
         " ✓ 0 series · 7 ms · empty result: nothing matches in this range", "warning"),
    ],
)  # fmt: skip
def test_what_an_answer_is_made_of(
    series: int, samples: int, step_ms: int, ascii_only: bool, text: str, role: str
) -> None:
    told = done_text(_result(samples), series, step_ms, 7, ROLES, ascii_only=ascii_only)
    assert told.plain == text
    assert isinstance(told.style, Style)
    assert told.style.link == role


def test_two_notices_are_told_and_the_others_counted() -> None:
    notices = [Notice(NoticeLevel.WARNING, "a\x1b[31m"), Notice(NoticeLevel.INFO, "b"),
               Notice(NoticeLevel.INFO, "c")]  # fmt: skip
    told = done_text(_result(notices=notices), 1, 0, 7, ROLES, ascii_only=False)
    first, second, third = told.plain.split("\n")
    assert first == " ✓ 1 series · 7 ms"
    assert second.startswith(" ! a")
    assert "\x1b" not in second, "text from outside stays inert"
    assert third == " ! b  (and 1 more)"
    assert [one.style.link for one in told.spans if isinstance(one.style, Style)] == [
        "warning", "muted", "muted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "place", "text"),
    [
        (ParseError("unexpected end", 6, 7), (5, 6), "     ^ unexpected end"),
        (EvaluationError("many-to-many", 0, 2), (0, 1), "^ many-to-many"),
        (ParseError("somewhere"), None, "somewhere"),
        (QueryTimeout(2.0), None, None),
    ],
)
def test_a_mistake_is_pointed_at(
    problem: TermpromError, place: tuple[int, int] | None, text: str | None
) -> None:
    expr = "é + (("  # places are bytes in the problem and characters here
    assert place_of(problem, expr) == place
    told = problem_text(problem, expr, 80, ROLES, answered=False)
    assert told.plain == (str(problem) if text is None else text)
    again = problem_text(problem, expr, 80, ROLES, answered=True)
    assert again.plain == told.plain + "  (previous result below)"


def test_the_line_of_tabs() -> None:
    clock = ManualClock()
    session = Session(FakeBackend(clock), clock, range=TimeRange(900_000))
    view = GraphView(compare_ms=3_600_000, marks="all")
    told = tabs_text("graph", session, view, "12 lines", 120, ROLES).plain
    assert told.startswith(" Table [Graph] Explain   15m to now  UTC  ")
    assert told.endswith("  vs -1h  marks: all  12 lines")
    told = tabs_text("table", session, view, "12 lines", 120, ROLES).plain
    assert told == "[Table] Graph  Explain   15m to now  UTC"
    assert tabs_text("graph", session, view, "12 lines", 30, ROLES).cell_len == 30
