"""The prompt in the Query pane, by its keys: mistakes, completion, format, hostile text."""

from __future__ import annotations

from termprom.model.labels import Labels
from tests.tui.query.host import Host, host

SERIES = [
    Labels.of(__name__="http_total", job="api", code="500"),
    Labels.of(__name__="http_total", job="web", code="200"),
    Labels.of(__name__="http_errors_total", job="web"),
]


def status(app: Host) -> str:
    return str(app.pane.query_one("#query-status").render())


async def typed(pilot, text: str) -> None:
    names = {"(": "left_parenthesis", "{": "left_curly_bracket", '"': "quotation_mark"}
    await pilot.press(*(names.get(char, char) for char in text))
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def started(app: Host, backend, pilot) -> None:
    backend.series_labels = SERIES
    app.pane.focus_default()
    await pilot.pause()


async def test_a_mistake_is_underlined_while_it_is_typed_and_goes_when_it_is_mended():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, backend, pilot)
        await typed(pilot, "1 + $")
        assert app.pane.prompt.error_span == (4, 5)
        assert "    ^ unexpected character" in status(app)
        await typed(pilot, "")
        await pilot.press("backspace", "2")
        await pilot.pause()
        assert app.pane.prompt.error_span is None
        assert "unexpected" not in status(app)
        assert backend.queries == []


async def test_tab_takes_the_completion_and_the_signature_shows():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, backend, pilot)
        await typed(pilot, "rat")
        assert app.pane.prompt_box.popup.shown
        await pilot.press("tab")
        await pilot.pause()
        assert app.pane.prompt.text == "rate("
        assert "rate(v range-vector)" in status(app)
        await typed(pilot, "http_t")
        await pilot.press("tab")
        assert app.pane.prompt.text == "rate(http_total"


async def test_labels_and_values_complete_in_braces():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, backend, pilot)
        await typed(pilot, "http_total{")
        popup = app.pane.prompt_box.popup
        assert [one.name for one in popup.offers] == ["code", "job"]
        await pilot.press("down", "enter")
        await typed(pilot, '"w')
        assert [one.name for one in popup.offers] == ["web"]
        await pilot.press("tab")
        assert app.pane.prompt.text == 'http_total{job="web"'


async def test_enter_runs_although_the_list_is_open_and_escape_closes_it_first():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, backend, pilot)
        await typed(pilot, "http_total")
        await pilot.press("ctrl+at")
        await pilot.app.workers.wait_for_complete()
        assert app.pane.prompt_box.popup.shown
        await pilot.press("escape")
        assert not app.pane.prompt_box.popup.shown
        assert app.pane.prompt.has_focus
        await typed(pilot, " ")
        await pilot.press("backspace")
        await pilot.press("enter")
        await pilot.app.workers.wait_for_complete()
        assert backend.queries == ["query_range http_total"]


async def test_format_lays_out_and_keeps_what_cannot_be_read():
    app, _ = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.focus_default()
        app.pane.prompt.put("sum(  rate(x[300s]) )by(job)")
        await pilot.press("f2")
        assert app.pane.prompt.text == "sum by (job) (rate(x[5m]))"
        app.pane.prompt.put("sum(")
        await pilot.press("f2")
        await pilot.pause()
        assert app.pane.prompt.text == "sum("
        assert "not formatted" in app.said[-1]


async def test_an_escape_sequence_is_shown_and_never_sent():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        backend.series_labels = [Labels.of(__name__="x", job="\x1b[31mred", b="[bold]")]
        app.pane.focus_default()
        app.pane.prompt.put('x{job="\x1b]0;owned\x07[bold]"')
        await pilot.pause()
        drawn = "".join(one.text for one in app.pane.prompt.render_line(0))
        assert "\x1b" not in drawn
        assert "␛]0;owned␇[bold]" in drawn
        app.pane.prompt.put("x{")
        await typed(pilot, 'job="')
        popup = app.pane.prompt_box.popup
        assert popup.shown
        drawn = "".join(one.text for one in popup.render_line(0))
        assert "␛[31mred" in drawn


async def test_b_splits_by_a_label_and_undo_brings_back():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, backend, pilot)
        app.pane.open("sum(rate(http_total[5m]))")
        await pilot.app.workers.wait_for_complete()
        await pilot.press("b")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.press("down", "enter")
        await pilot.app.workers.wait_for_complete()
        assert app.pane.expr == "sum by (job) (rate(http_total[5m]))"
        await pilot.press("u")
        await pilot.pause()
        assert app.pane.expr == "sum(rate(http_total[5m]))"
