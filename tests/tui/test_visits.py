"""The history of panes, as a browser has one."""

from __future__ import annotations

import pytest

from termprom.tui.visits import Visits


def _visits(*panes: str) -> Visits:
    made = Visits()
    for one in panes:
        made.visit(one)
    return made


def test_back_and_forward_between_what_was_visited() -> None:
    visits = _visits("home", "alerts", "query")
    assert [visits.step(-1), visits.step(-1)] == ["alerts", "home"]
    assert [visits.step(1), visits.step(1)] == ["alerts", "query"]


@pytest.mark.parametrize(("panes", "by"), [((), -1), ((), 1), ((), 0), (("home",), -1),
                                           (("home",), 1), (("home", "alerts"), -2)])  # fmt: skip
def test_no_step_leads_out_of_the_history(panes: tuple[str, ...], by: int) -> None:
    visits = _visits(*panes)
    before = repr(visits)
    assert visits.step(by) == ""
    assert repr(visits) == before


def test_the_same_pane_again_is_no_visit() -> None:
    visits = _visits("home", "alerts", "alerts")
    assert visits.step(-1) == "home"
    visits.visit("home")
    assert visits.step(1) == "alerts", "nor does it end what lies ahead"


def test_a_new_visit_ends_what_lay_ahead() -> None:
    visits = _visits("home", "alerts", "query")
    visits.step(-2)
    visits.visit("rules")
    assert visits.step(1) == ""
    assert visits.step(-1) == "home"


def test_where_one_came_from() -> None:
    visits = _visits()
    assert visits.came_from == ""
    visits.visit("home")
    assert visits.came_from == ""
    visits.visit("alerts")
    visits.visit("home")
    assert visits.came_from == "alerts"
    visits.step(-1)
    assert visits.came_from == "home"
