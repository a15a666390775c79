"""The real app over a fake engine, at one pane, and what then stands on the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot

from termprom.backend.interface import Backend
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.app import AppOptions, TermpromApp
from termprom.tui.panes.pane import Pane

NOW_MS = 1_777_723_471_000  # 2026-05-02 12:04:31Z


def fake(**attributes: object) -> FakeBackend:
    return FakeBackend(ManualClock(NOW_MS), **attributes)  # type: ignore[arg-type]


@dataclass
class Screen:
    """One running screen. `text` is what an operator sees."""

    app: TermpromApp
    pilot: Pilot[object]

    @property
    def pane(self) -> Pane:
        shown = self.app.visible_pane
        assert shown is not None
        return shown

    @property
    def lines(self) -> list[str]:
        strips = self.app.screen._compositor.render_strips()
        return [strip.text for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(200):
            await self.pilot.pause()
            if all(one.is_finished for one in self.app.workers if one.group.startswith("pane-")):
                break
        await self.pilot.pause()

    async def show(self, pane_id: str) -> None:
        await self.app.action_show_pane(pane_id)
        await self.settle()


@asynccontextmanager
async def showing(
    backend: FakeBackend, pane_id: str, size: tuple[int, int] = (120, 40), *, ascii: bool = False
) -> AsyncIterator[Screen]:
    async def connect() -> Backend:
        return backend

    app = TermpromApp(connect, AppOptions(ascii=ascii), clock=backend.clock)
    async with app.run_test(size=size) as pilot:
        screen = Screen(app, pilot)
        for _ in range(200):
            if app.visible_pane is not None:
                break
            await pilot.pause(0.01)
        await screen.show(pane_id)
        await screen.settle()
        yield screen
