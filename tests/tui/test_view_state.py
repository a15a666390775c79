"""A screen that was lost comes back as it was, and one that was left for good does not."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from termprom.tui.app import AppOptions, TermpromApp
from termprom.tui.messages import OpenPane, QueryRequest
from termprom.tui.panes.query import QueryPane
from termprom.tui.session import TimeRange
from termprom.tui.view_state import (
    FRESH_MS,
    ViewState,
    load_view,
    save_view,
    server_key,
    view_path,
)
from termprom.tui.widgets.virtual_list import VirtualList
from tests.tui.query.host import NOW_MS
from tests.tui.world import busy


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_what_is_saved_is_loaded(tmp_path) -> None:
    state = ViewState(
        "query", "up", "graph", "Down", ((0.5, "< 0.5"),), 900_000, 5, "CET",
        (("scale", "log"), ("zero_based", True)), (("alerts-active", "job=a"),), NOW_MS,
    )  # fmt: skip
    path = view_path(tmp_path, "srv:/data")
    save_view(path, state)
    assert load_view(path, NOW_MS + 1) == state
    assert load_view(path, NOW_MS + FRESH_MS) is None, "another shift's business"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"pane": 7}', '{"thresholds": [1]}', '{"span_ms": "x"}', "\x00"]
)
def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path, text) -> None:
    path = tmp_path / "v.json"
    path.write_text(text)
    assert load_view(path, NOW_MS) is None


def test_keys_that_a_newer_build_wrote_are_passed_over(tmp_path) -> None:
    path = tmp_path / "v.json"
    path.write_text(json.dumps({"pane": "rules", "saved_ms": NOW_MS, "later": [1]}))
    assert load_view(path, NOW_MS) == ViewState("rules", saved_ms=NOW_MS)


def test_an_engine_has_one_key_here_and_attached() -> None:
    status = replace(busy().status_view, hostname="srv1", data_folder="/data")
    assert server_key("srv1", status) == server_key("http://127.0.0.1:9090", status)
    nameless = replace(status, hostname="")
    assert server_key("http://a:1", nameless) != server_key("http://b:1", nameless)


@asynccontextmanager
async def _screen(backend):
    async def connect():
        return backend

    app = TermpromApp(connect, AppOptions(remember=True), clock=backend.clock)
    async with app.run_test(size=(120, 40)) as pilot:
        for _ in range(500):
            await pilot.pause(0.01)
            if app.visible_pane is not None and app._memory._path is not None:
                break
        await _rest(app, pilot)
        yield app, pilot


async def _rest(app, pilot) -> None:
    for _ in range(300):
        await pilot.pause()
        if all(one.is_finished or one.group == "link" for one in app.workers):
            break
    await pilot.pause()


async def test_query_range_and_graph_come_back() -> None:
    backend = busy()
    async with _screen(backend) as (app, pilot):
        assert app.visible_pane.PANE_ID == "home"
        await app.on_open_pane(
            OpenPane("query", QueryRequest("up", thresholds=((0.5, "half"),), alert="Down"))
        )
        app.session.range, app.session.range_chosen = TimeRange(900_000, NOW_MS - 60_000), True
        await pilot.press("Y", "Y")
        await _rest(app, pilot)
        await app._memory.save_soon()
    async with _screen(backend) as (app, pilot):
        pane = app.visible_pane
        assert isinstance(pane, QueryPane)
        assert pane.expr == "up"
        assert app.session.range == TimeRange(900_000, NOW_MS - 60_000)
        assert pane.graph_box.view.scale.value == "log"
        assert pane.graph_box.answer.thresholds[0].value == 0.5
        assert pane.alert == "Down"


async def test_pane_and_filter_come_back() -> None:
    backend = busy()
    async with _screen(backend) as (app, pilot):
        await pilot.press("2", "slash", *"job=api", "enter")
        await _rest(app, pilot)
        await app._memory.save_soon()
    async with _screen(backend) as (app, pilot):
        assert app.visible_pane.PANE_ID == "alerts"
        shown = app.visible_pane.query_one("#alerts-active", VirtualList)
        assert shown.filter_text == "job=api"
        assert shown.order.shown == 2


async def test_the_query_is_there_when_its_pane_is_opened_later() -> None:
    backend = busy()
    async with _screen(backend) as (app, pilot):
        await app.on_open_pane(OpenPane("query", QueryRequest("up")))
        await pilot.press("escape", "6")
        await _rest(app, pilot)
        await app._memory.save_soon()
    async with _screen(backend) as (app, pilot):
        assert app.visible_pane.PANE_ID == "rules"
        await app.action_show_pane("query")
        await _rest(app, pilot)
        assert app.visible_pane.expr == "up"


async def test_an_engine_that_was_stopped_begins_at_home() -> None:
    backend = busy()
    async with _screen(backend) as (app, pilot):
        await pilot.press("2")
        await _rest(app, pilot)
        await app._memory.save_soon()
        app._go("stop")
    async with _screen(backend) as (app, _):
        assert app.visible_pane.PANE_ID == "home"
