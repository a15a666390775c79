"""A small app around the Query pane: what the real one does for it, and nothing more."""

from __future__ import annotations

import asyncio

import numpy as np
from textual.app import App, ComposeResult

from termprom.model.labels import Labels
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.editor.history import History
from termprom.tui.folders import shipped_themes
from termprom.tui.messages import CopyWanted, RangeChosen, Said
from termprom.tui.panes.query import QueryPane
from termprom.tui.session import Session
from termprom.tui.themes import load_theme, textual_theme

NOW_MS = 1_777_723_471_000  # 2026-05-02 12:04:31Z


class Asked(FakeBackend):
    """A fake whose answers can be held back, or be errors."""

    gate: asyncio.Event | None = None
    error: Exception | None = None

    async def query(self, expr, at_ms=None, **options):
        await self._wait()
        return await super().query(expr, at_ms, **options)

    async def query_range(self, expr, grid, **options):
        await self._wait()
        return await super().query_range(expr, grid, **options)

    @property
    def queries(self) -> list[str]:
        """The operator's queries among all that was asked: none about marks or costs."""
        marks = ("query_range process_start_time_seconds", "query_range ALERTS", "query count(")
        return [one for one in self.asked if one.startswith("query") and not one.startswith(marks)]

    async def _wait(self) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error


def three_jobs(expr, steps_ms):
    """Three series, the first of which jumps; the last has a hole."""
    turn = steps_ms / 600_000
    values = np.vstack(
        [
            0.01 + 0.003 * np.sin(turn) + 0.03 * (steps_ms > NOW_MS - 900_000),
            0.008 + 0.002 * np.sin(turn + 1),
            0.004 + 0.001 * np.sin(turn + 2),
        ]
    )
    values[2, (steps_ms > NOW_MS - 2_400_000) & (steps_ms < NOW_MS - 2_100_000)] = np.nan
    labels = [Labels.of(env="prod", job=job) for job in ("api", "web", "mail")]
    return labels, values


class Host(App[None]):
    """Answers the pane's messages as the real app does."""

    def __init__(self, backend: Asked, clock: ManualClock, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.session = Session(backend, clock, ascii=ascii_only)
        self.said: list[str] = []
        self.copied: list[str] = []
        theme = textual_theme(load_theme(shipped_themes() / "dark.yml"))
        self.register_theme(theme)
        self.theme = theme.name
        self.history = History(None)

    def compose(self) -> ComposeResult:
        yield QueryPane(self.session, self.history)

    @property
    def pane(self) -> QueryPane:
        return self.query_one(QueryPane)

    async def on_range_chosen(self, event: RangeChosen) -> None:
        self.session.range = event.range
        self.session.range_chosen = True
        await self.pane.refresh_view()

    def on_said(self, event: Said) -> None:
        self.said.append(event.text)

    def on_copy_wanted(self, event: CopyWanted) -> None:
        self.copied.append(event.text)


def host(**options) -> tuple[Host, Asked]:
    clock = ManualClock(NOW_MS)
    backend = Asked(clock)
    backend.answer = three_jobs
    return Host(backend, clock, **options), backend
