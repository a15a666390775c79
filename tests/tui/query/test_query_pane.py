"""The Query pane by its keys: answers, errors, what is dropped, what is undone."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import replace

from textual.worker import WorkerCancelled

from termprom.errors import BackendUnavailable, ParseError
from termprom.tui.messages import QueryRequest
from termprom.tui.panes.query_yank import text_of
from termprom.tui.plot.chart import Mode
from termprom.tui.session import TimeRange
from termprom.views import StorageView
from tests.tui.query.host import NOW_MS, Host, host

EXPR = "sum by (job) (rate(x_total[5m]))"


def status(app: Host) -> str:
    return str(app.pane.query_one("#query-status").render())


async def settled(app: Host, pilot) -> None:
    for worker in list(app.workers):
        with suppress(WorkerCancelled):
            await worker.wait()
    await pilot.pause()


async def test_a_typed_query_becomes_a_graph_with_its_figures():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.focus_default()
        await pilot.press("u", "p", "enter")
        await settled(app, pilot)
        assert backend.queries == ["query_range up"]
        assert "✓ 3 series" in status(app)
        picture = app.pane.graph_box.graph.picture
        assert picture is not None
        assert "┤" in picture.text()
        assert app.history.newest()[0].text == "up"


async def test_missing_brackets_are_added_and_said():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.focus_default()
        await pilot.press(*"sum(up", "enter")
        await settled(app, pilot)
        assert backend.queries == ["query_range sum(up)"]
        assert app.said == ["added the missing )"]


async def test_a_bad_query_shows_where_and_keeps_the_last_answer():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.open(EXPR)
        await settled(app, pilot)
        before = app.pane.graph_box.graph.picture.text()
        backend.error = ParseError("unexpected identifier", 4, 7, 1, 5)
        app.pane.prompt.put("sum foo")
        app.pane.prompt.submit()
        await settled(app, pilot)
        lines = status(app)
        assert "    ^ unexpected identifier" in lines
        assert "previous result" in lines
        assert app.pane.prompt.error_span == (4, 7)
        assert app.pane.graph_box.graph.picture.text() == before


async def test_a_lost_server_is_said_and_not_fatal():
    app, backend = host()
    async with app.run_test(size=(80, 24)) as pilot:
        backend.error = BackendUnavailable("connection refused")
        app.pane.open(EXPR)
        await settled(app, pilot)
        assert "connection refused" in status(app)


async def test_an_older_answer_never_replaces_a_newer_question():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        backend.gate = asyncio.Event()
        app.pane.open("first")
        await pilot.pause()
        app.pane.open("second")
        backend.gate.set()
        await settled(app, pilot)
        assert backend.queries == ["query_range second"], "the first was cancelled while it waited"
        assert app.pane.expr == "second"


async def test_ctrl_c_cancels_a_running_query():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        backend.gate = asyncio.Event()
        app.pane.open(EXPR)
        await pilot.pause()
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert "cancelled" in status(app)
        assert backend.queries == []


async def test_live_refresh_asks_only_when_a_new_step_began():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.open(EXPR)
        await settled(app, pilot)
        await app.pane.refresh_view()
        await settled(app, pilot)
        assert len(backend.queries) == 1
        app.session.clock.set(app.session.now_ms() + 60_000)
        await app.pane.refresh_view()
        await settled(app, pilot)
        assert len(backend.queries) == 2


async def test_crosshair_zoom_pan_and_undo():
    app, _ = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.open(EXPR)
        await settled(app, pilot)
        await pilot.press("h")
        await pilot.press("h")
        assert app.pane.graph_box.crosshair_ms is not None
        await pilot.press("plus")
        await settled(app, pilot)
        assert app.session.range.span_ms == 1_800_000
        await pilot.press("u")
        await settled(app, pilot)
        assert app.session.range == TimeRange()
        await pilot.press("H")
        await settled(app, pilot)
        assert app.session.range.end_ms is not None


async def test_hide_isolate_modes_and_the_table():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.open(EXPR)
        await settled(app, pilot)
        box = app.pane.graph_box
        await pilot.press("j", "space")
        assert len(box.view.hidden) == 1
        await pilot.press("asterisk")
        assert box.view.isolated is not None
        await pilot.press("asterisk")
        await pilot.press("m")
        assert box.view.mode is Mode.STACKED
        await pilot.press("m", "m", "m")
        await settled(app, pilot)
        assert app.pane.tab == "table"
        assert backend.queries[-1] == f"query {EXPR}"
        await pilot.press("m")
        await settled(app, pilot)
        assert app.pane.tab == "graph"


async def test_a_comparison_is_asked_for_and_drawn():
    app, backend = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.open(EXPR)
        await settled(app, pilot)
        await pilot.press("c")
        await settled(app, pilot)
        assert len(backend.queries) == 3
        assert app.pane.graph_box.graph.chart.compare is not None


async def test_the_range_box_takes_free_text_and_refuses_nonsense():
    app, _ = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.open(EXPR)
        await settled(app, pilot)
        await pilot.press("t", "x", "enter")
        await pilot.pause()
        assert "no duration" in str(app.screen.query_one("#hint").render())
        await pilot.press("backspace", *"90m", "enter")
        await settled(app, pilot)
        assert app.session.range == TimeRange(90 * 60_000)


async def test_thresholds_of_an_alert_are_drawn():
    app, _ = host()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.open(QueryRequest(EXPR, thresholds=((0.03, "3 % alert"),)))
        await settled(app, pilot)
        assert "3 % alert ╌" in app.pane.graph_box.graph.picture.text()


async def test_copies_of_what_is_shown():
    app, _ = host()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.open(EXPR)
        await settled(app, pilot)
        shown = app.pane.shown("http://srv:9090/")
        assert text_of(shown, "query") == EXPR
        assert text_of(shown, "csv").splitlines()[0] == "env,job,time,value"
        assert text_of(shown, "picture").startswith("```text\n" + EXPR)
        assert ' a  job="api"  last 0.0' in text_of(shown, "picture")
        assert text_of(shown, "shell").startswith("termprom query range 'sum by")
        assert text_of(shown, "link").startswith("http://srv:9090/query?g0.expr=sum+by")
        answer = json.loads(text_of(shown, "json"))
        assert answer["data"]["resultType"] == "matrix"
        assert len(answer["data"]["result"]) == 3


async def test_history_with_the_arrows():
    app, _ = host()
    async with app.run_test(size=(80, 24)) as pilot:
        for text in ("up", "down"):
            app.pane.open(text)
            await settled(app, pilot)
            app.session.clock.set(app.session.now_ms() + 1)
        await pilot.press("i")
        await pilot.press("up")
        assert app.pane.prompt.text == "down"
        await pilot.press("up")
        assert app.pane.prompt.text == "up"
        await pilot.press("escape")
        assert app.focused is app.pane.graph_box


async def test_no_size_and_no_sign_set_breaks_it():
    for size in ((40, 10), (60, 15), (200, 60)):
        app, _ = host(ascii_only=True)
        async with app.run_test(size=size) as pilot:
            app.pane.open(EXPR)
            await settled(app, pilot)
            picture = app.pane.graph_box.graph.picture
            assert picture is None or picture.text().isascii()


async def test_the_first_graph_of_a_young_engine_is_as_long_as_its_data():
    app, backend = host()
    storage = StorageView(path="data", head_start_ms=NOW_MS - 40_000, head_end_ms=NOW_MS)
    backend.status_view = replace(backend.status_view, storage=storage)
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.open(EXPR)
        await settled(app, pilot)
        assert app.session.range == TimeRange(60_000)
        await pilot.press("minus")
        await settled(app, pilot)
        assert app.session.range == TimeRange(120_000)
        await app.session.clock.advance(300)
        await app.pane.refresh_view()
        await settled(app, pilot)
        assert app.session.range == TimeRange(120_000), "what was picked stays"


async def test_each_kind_of_copy_has_its_letter():
    app, _ = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.open(EXPR)
        await settled(app, pilot)
        for key, begins in (("q", EXPR), ("j", "{"), ("c", "env,job"), ("t", "```text")):
            await pilot.press("y")
            await settled(app, pilot)
            await pilot.press(key)
            await settled(app, pilot)
            assert app.copied[-1].startswith(begins), key


async def test_picture_and_values_go_into_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app, _ = host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.pane.open(EXPR)
        await settled(app, pilot)
        await pilot.press("y")
        await settled(app, pilot)
        await pilot.press("w")
        await settled(app, pilot)
        assert sorted(one.name for one in tmp_path.iterdir()) == [
            "termprom-20260502T120431Z.csv", "termprom-20260502T120431Z.txt",
        ]  # fmt: skip
        assert "written: " in app.said[-1]
