"""The shell of the screen over a fake engine: panes, keys, sizes, the question at the end."""

from __future__ import annotations

from textual.pilot import Pilot

from termprom.backend.interface import Backend, Topic
from termprom.errors import BackendUnavailable
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.app import AppOptions, TermpromApp
from termprom.tui.widgets.banner import Banner
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.views import LogLine


def _app(backend: FakeBackend, **options: bool) -> TermpromApp:
    async def connect() -> Backend:
        return backend

    return TermpromApp(connect, AppOptions(**options), clock=backend.clock)  # type: ignore[arg-type]


async def _ready(pilot: Pilot[object]) -> None:
    """The app paints first and connects then; a key before that finds no pane."""
    app = pilot.app
    assert isinstance(app, TermpromApp)
    for _ in range(100):
        if app.visible_pane is not None:
            break
        await pilot.pause(0.02)
    await app.action_show_pane("logs")
    await pilot.pause()


def _backend() -> FakeBackend:
    lines = [LogLine(n, 1_700_000_000_000 + n, "info", "scrape", f"line {n}") for n in range(1, 6)]
    return FakeBackend(ManualClock(), log_lines=lines)


async def test_a_hostile_log_line_is_shown_literally() -> None:
    backend = _backend()
    hostile = "\x1b[2J[bold]\u202ereversed\u202c\n" + "x" * 10_000
    backend.log_lines = [LogLine(1, 1_700_000_000_000, "error", "a\x07b", hostile)]
    async with _app(backend).run_test(size=(80, 24)) as pilot:
        await _ready(pilot)
        rows = pilot.app.query_one("#pane-logs VirtualList", VirtualList)
        strips = [rows.render_line(y) for y in range(rows.size.height)]
        text = "".join(strip.text for strip in strips)
        assert "[bold]" in text
        assert not set("\x1b\x07\u202e\n") & set(text)
        assert {strip.cell_length for strip in strips} == {rows.size.width}


async def test_an_event_brings_new_lines_unless_paused() -> None:
    backend = _backend()
    async with _app(backend).run_test(size=(80, 24)) as pilot:
        await _ready(pilot)
        rows = pilot.app.query_one("#pane-logs VirtualList", VirtualList)
        assert rows.order.total == 5
        await pilot.press("p")
        backend.log_lines = [*backend.log_lines, LogLine(6, 0, "warn", "tsdb", "late")]
        backend.publish(Topic.LOGS)
        await pilot.pause(0.4)
        assert rows.order.total == 5
        await pilot.press("p")
        await pilot.pause()
        assert rows.order.total == 6


async def test_quitting_asks_once_where_the_engine_can_stay() -> None:
    app = _app(_backend(), can_keep_engine=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await _ready(pilot)
        await pilot.pause()
        await pilot.press("q", "escape")
        assert app.is_running
        await pilot.press("q", "k")
    assert app.return_value == "keep"


async def test_leaving_a_remote_end_asks_nothing() -> None:
    app = _app(_backend())
    async with app.run_test(size=(80, 24)) as pilot:
        await _ready(pilot)
        await pilot.press("q")
    assert app.return_value == "detach"


async def test_a_tiny_terminal_says_what_it_needs_and_can_be_left() -> None:
    app = _app(_backend())
    async with app.run_test(size=(40, 10)) as pilot:
        await _ready(pilot)
        assert "60x15" in str(app.query_one("#too-small").render())
        await pilot.press("question_mark")
        await pilot.press("escape")
        await pilot.press("q")
    assert app.return_value == "detach"


async def test_a_terminal_that_grows_gets_its_panes_back() -> None:
    app = _app(_backend())
    async with app.run_test(size=(80, 24)) as pilot:
        await _ready(pilot)
        for size, tiny in (((40, 10), True), ((120, 40), False), ((59, 40), True)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert app.screen_stack[0].has_class("-tiny") == tiny
        await pilot.press("q")


async def test_progress_is_shown_until_the_engine_answers() -> None:
    backend, attempts = _backend(), 0

    async def connect() -> Backend:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise BackendUnavailable("replaying the log")
        return backend

    app = TermpromApp(connect, clock=backend.clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.1)
        assert "replaying the log" in str(app.query_one("#starting").render())
        await pilot.pause(0.5)
        assert app.session is not None


async def test_a_failed_reload_is_said() -> None:
    backend = _backend()
    backend.reload_error = BackendUnavailable("sample.yml:3:1: unknown key")
    app = _app(backend)
    async with app.run_test(size=(80, 24)) as pilot:
        await _ready(pilot)
        await pilot.press("colon", *"reload", "enter")
        await pilot.pause()
        assert "sample.yml:3:1: unknown key" in app.query_one(Banner).text
