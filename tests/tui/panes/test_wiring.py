"""What the app does for every pane: copying, help, the slow link, and not cutting answers short."""

from __future__ import annotations

import asyncio

import pytest

from termprom.backend.interface import Topic
from termprom.model.labels import Labels
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.output.stage import LinkLevel
from termprom.tui.registry import pane_entries
from termprom.tui.screens.rows_dialog import RowsDialog
from termprom.tui.widgets.banner import Banner
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.views import TargetsView, TargetView
from tests.tui.panes.screen import NOW_MS, fake, showing


def _targets() -> TargetsView:
    return TargetsView(active=(TargetView("a", "http://a/m", Labels.of(), Labels.of()),))


async def test_y_copies_and_says_by_which_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMUX", "DISPLAY", "WAYLAND_DISPLAY", "STY"):
        monkeypatch.delenv(name, raising=False)
    async with showing(fake(target_views=_targets()), "targets") as screen:
        sent: list[str] = []
        monkeypatch.setattr(screen.app._asides, "_write", sent.append)
        await screen.press("y")
        await screen.pilot.pause(0.05)
        assert sent == ["\x1b]52;c;aHR0cDovL2EvbQ==\x07"]
        said = screen.app.query_one(Banner).text
        assert "the URL of the target, 10 bytes, sent by terminal (OSC 52)" in said


async def test_help_lists_only_keys_that_do_something_here() -> None:
    async with showing(fake(), "logs") as screen:
        active = screen.app.screen.active_bindings.values()
        bound = {one.binding.id or one.binding.action for one in active if one.enabled}
        await screen.press("question_mark")
        dialog = screen.app.screen
        assert isinstance(dialog, RowsDialog)
        listed = {one.id for one in dialog._entries}
        assert "pane.level" in listed
        assert "list.filter" in listed
        assert not listed & {"pane.silence", "pane.expire"}
        assert {one for one in listed if one.startswith(("app.", "pane.", "list."))} <= bound
        down = next(one for one in dialog._entries if one.id == "move.down")
        assert down.key == "j down"


async def test_a_slow_link_is_told_in_the_status_bar() -> None:
    async with showing(fake(), "logs") as screen:
        screen.app.post_message(LinkLevel(4))
        await screen.pilot.pause()
        assert "slow link: a frame per 2s" in screen.lines[0]
        screen.app.post_message(LinkLevel(0))
        await screen.pilot.pause()
        assert "slow link" not in screen.lines[0]


class Slow(FakeBackend):
    """Answers when it is let."""

    gate: asyncio.Event | None = None

    async def targets(self) -> TargetsView:
        view = await super().targets()
        if self.gate is not None:
            await self.gate.wait()
        return view


async def test_events_do_not_cut_a_slow_answer_short() -> None:
    backend = Slow(ManualClock(NOW_MS))
    async with showing(backend, "targets") as screen:
        rows = screen.pane.query_one("#targets-active", VirtualList)
        backend.gate, backend.target_views = asyncio.Event(), _targets()
        asked = backend.asked.count("targets")
        for _ in range(500):
            backend.publish(Topic.TARGETS)
            await screen.pilot.pause(0.01)
            if backend.asked.count("targets") > asked:
                break
        backend.gate.set()
        await screen.settle()
        assert rows.order.total == 1


async def test_every_pane_of_the_digits_can_be_opened_from_every_other() -> None:
    async with showing(fake(), "logs") as screen:
        for pane_id, entry in pane_entries().items():
            await screen.press(entry.name.key)
            assert pane_id == screen.pane.PANE_ID
            if pane_id == "query":
                await screen.show("logs")
        assert {"home", "alerts", "targets", "rules", "tsdb", "config", "metrics"} <= set(
            pane_entries()
        )


async def test_a_moving_cursor_repaints_the_line_that_it_leaves() -> None:
    """What is on the terminal are the painted regions only, not what a full redraw would give."""
    many = TargetsView(
        active=tuple(
            TargetView("a", f"http://{n}/m", Labels.of(instance=f"i{n}"), Labels.of())
            for n in range(3)
        )
    )
    async with showing(fake(target_views=many), "targets") as screen:
        rows = screen.pane.query_one("#targets-active", VirtualList)
        assert rows.gutter.top == 1
        first = next(y for y, line in enumerate(screen.lines) if "i0" in line) - rows.region.y
        rows._exchange_repaint_regions()
        rows.action_move(1)
        painted = {y for region in rows._repaint_regions for y in range(region.y, region.bottom)}
        assert {first, first + 1} <= painted
