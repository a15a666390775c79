"""Whole screens as plain text, kept in `frames/`: every pane at three sizes and in every state.

`TERMPROM_FRAMES=write pytest tests/tui/test_screens.py` takes them anew; read the difference then,
as an operator would. One test is one running screen that visits all panes.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import pytest

from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.app import AppOptions, TermpromApp
from termprom.tui.messages import OpenPane, QueryRequest
from tests.tui.query.host import NOW_MS
from tests.tui.world import HOSTILE, Broken, Held, busy, idle

FRAMES = Path(__file__).parent / "frames"
SIZES = [(80, 24), (120, 40), (200, 60)]
PANES = ("home", "alerts", "query", "targets", "rules", "tsdb", "config", "logs", "metrics")
WAIT = 0.05  # seconds given to answers that never come; what takes longer is said


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("USER", "ana")
    for name in ("NO_COLOR", "TERMPROM_BELL", "TERMPROM_NOTIFY"):
        monkeypatch.delenv(name, raising=False)


class Look:
    """One running screen, its pictures, and how they differ from those that are kept."""

    def __init__(self, backend: FakeBackend, size: tuple[int, int], *, ascii_only: bool = False):
        async def connect() -> FakeBackend:
            return backend

        self.backend = backend
        options = AppOptions(theme="dark", ascii=ascii_only)
        self.app = TermpromApp(connect, options, clock=backend.clock)
        self.size = size
        self.held = isinstance(backend, Held)
        self.differences: list[str] = []

    async def __aenter__(self) -> Look:
        self._context = self.app.run_test(size=self.size)
        self.pilot = await self._context.__aenter__()
        for _ in range(500):
            if self.app.visible_pane is not None:
                break
            await self.pilot.pause(0.01)
        await self.rest()
        return self

    async def __aexit__(self, *problem) -> None:
        await self._context.__aexit__(*problem)

    async def rest(self) -> None:
        """Until nothing moves any more."""
        if self.held:
            await self.pilot.pause(WAIT)
            for _ in range(500):
                shown = self.app.visible_pane
                if shown is None or shown.PANE_ID != "query" or "ctrl+c cancels" in self.text:
                    break
                await self.pilot.pause(0.01)
            return
        for _ in range(300):
            await self.pilot.pause()
            if all(one.is_finished or one.group == "link" for one in self.app.workers):
                break
        await self.pilot.pause()

    async def show(self, pane_id: str, argument: object = None) -> None:
        await self.app.on_open_pane(OpenPane(pane_id, argument))
        await self.rest()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.rest()

    @property
    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "".join(strip.text.rstrip() + "\n" for strip in strips)

    def compare(self, name: str) -> None:
        """Remember how this picture differs from the kept one, or keep it."""
        assert self.text.count("\n") == self.size[1]
        path = FRAMES / f"{name}.{self.size[0]}x{self.size[1]}.txt"
        if os.environ.get("TERMPROM_FRAMES") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(self.text, encoding="utf-8")
            return
        kept = path.read_text(encoding="utf-8") if path.exists() else ""
        if kept != self.text:
            lines = difflib.unified_diff(
                kept.splitlines(), self.text.splitlines(), path.name, "now", lineterm=""
            )
            self.differences.append("\n".join(lines))

    def verdict(self) -> None:
        assert not self.differences, "\n\n".join(self.differences)


async def visit(look: Look, state: str) -> None:
    for pane_id in PANES:
        argument = QueryRequest("sum by (job) (rate(errors_total[5m]))",
                                thresholds=((0.03, f"slo {HOSTILE}"),),
                                alert="HighErrorRate")  # fmt: skip
        await look.show(pane_id, argument if pane_id == "query" else None)
        look.compare(f"{pane_id}.{state}")


@pytest.mark.parametrize("size", SIZES)
async def test_an_engine_in_trouble(size):
    async with Look(busy(), size) as look:
        await visit(look, "busy")
    look.verdict()


async def test_an_engine_that_has_nothing():
    async with Look(idle(), (80, 24)) as look:
        await visit(look, "empty")
    look.verdict()


async def test_answers_that_do_not_come():
    async with Look(Held(ManualClock(NOW_MS), name="srv1"), (80, 24)) as look:
        await visit(look, "loading")
    look.verdict()


async def test_a_server_that_answers_with_errors():
    async with Look(Broken(ManualClock(NOW_MS), name="srv1"), (80, 24)) as look:
        await visit(look, "error")
    look.verdict()


async def test_a_server_that_went_away():
    """What was there stays readable, and the first row says since when nothing came."""
    backend = busy()
    async with Look(backend, (80, 24)) as look:
        for pane_id in PANES:
            await look.show(pane_id, "up" if pane_id == "query" else None)
        backend.failing = "connection refused"
        await look.press("r")
        await backend.clock.advance(14)
        await visit(look, "down")
    look.verdict()


async def test_a_server_that_never_was_there():
    backend = busy()
    backend.failing = "connection refused"
    async with Look(backend, (80, 24)) as look:
        await visit(look, "absent")
    look.verdict()


async def test_ascii_only():
    async with Look(busy(), (80, 24), ascii_only=True) as look:
        await visit(look, "ascii")

    look.verdict()


async def test_completion_over_the_graph():
    async with Look(busy(), (80, 24)) as look:
        await look.show("query")
        await look.press(*"sum(rate(http_r")
        look.compare("completion")
    look.verdict()


async def test_crosshair_and_selection():
    async with Look(busy(), (80, 24)) as look:
        await look.show("query", "sum by (job) (rate(errors_total[5m]))")
        await look.press("h", "h", "h", "v", "h", "h", "j")
        look.compare("crosshair")
    look.verdict()
