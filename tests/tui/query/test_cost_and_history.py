"""Before a query runs: what it will cost; after it ran: finding it again."""

from __future__ import annotations

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.labels import Labels
from termprom.tui.editor.history import Entry
from termprom.tui.panes.query_cost import samples_of
from tests.tui.query.host import NOW_MS, host, three_jobs
from tests.tui.query.test_query_pane import settled


def _counted(series):
    def answer(expr, steps_ms):
        if expr.startswith("count("):
            return [Labels.of()], np.full((1, steps_ms.size), float(series))
        return three_jobs(expr, steps_ms)

    return answer


async def test_all_selectors_count() -> None:
    _, backend = host()
    backend.answer = _counted(100)
    assert await samples_of(backend, 'rate(a[5m]) / sum(b{c="d"})', NOW_MS, 60) == 2 * 100 * 60


async def test_what_cannot_be_counted_costs_nothing() -> None:
    _, backend = host()
    backend.error = EvaluationError("no")
    assert await samples_of(backend, "up", NOW_MS, 60) == 0


async def test_a_costly_query_needs_a_second_enter() -> None:
    app, backend = host()
    backend.answer = _counted(1_000_000)
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.focus_default()
        await pilot.press(*"up", "enter")
        await settled(app, pilot)
        assert backend.queries == []
        told = str(app.pane.prompt_box.query_one("#query-status").render())
        assert "samples" in told
        assert "enter runs it all the same" in told
        await pilot.press("enter")
        await settled(app, pilot)
        assert backend.queries == ["query_range up"]


async def test_another_text_is_weighed_anew() -> None:
    app, backend = host()
    backend.answer = _counted(1_000_000)
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.focus_default()
        await pilot.press(*"up", "enter")
        await settled(app, pilot)
        await pilot.press(*"_x", "enter")
        await settled(app, pilot)
        assert backend.queries == []


async def test_history_is_searched_by_words_in_any_order() -> None:
    app, _ = host()
    async with app.run_test(size=(120, 40)) as pilot:
        for place, text in enumerate(('sum(rate(x{code="500"}[5m]))', "up", "rate(y[1m])")):
            app.history.add(Entry(text, "srv", NOW_MS - 60_000 + place, failed=text == "up"))
        await pilot.press("escape")
        await pilot.press("ctrl+r")
        await pilot.pause()
        shown = app.screen
        await pilot.press(*"500 sum code=")
        await pilot.pause()
        assert [one.text for one in shown._entries if one] != []
        assert shown._list.order.shown == 1
        await pilot.press("enter")
        await pilot.pause()
        assert app.pane.prompt.text == 'sum(rate(x{code="500"}[5m]))'
