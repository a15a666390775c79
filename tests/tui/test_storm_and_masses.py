"""Storms, masses, hostile text: nothing moves under the cursor, nothing breaks, keys stay cheap."""

from __future__ import annotations

import numpy as np
import pytest

from termprom.backend.interface import Topic
from termprom.model.labels import Labels
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.messages import QueryRequest
from termprom.tui.panes.query import QueryPane
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.views import AlertState, AlertView
from tests.tui.panes.screen import NOW_MS, Screen, fake, showing
from tests.tui.query.host import three_jobs

STORM = 5_000
# An escape sequence, a right-to-left override and text, wide, combining and joined characters.
WILD = (
    "\x1b[2J\x07\u202eabc\u05d0\u05d1 \u6f22\u5b57 e\u0301\u0301 "
    "\U0001f468\u200d\U0001f469 [bold]x[/]"
)


def _alert(number: int, minutes: int, severity: str = "warning") -> AlertView:
    labels = Labels.of(alertname="Storm", severity=severity, instance=f"i{number:05}")
    return AlertView("Storm", labels, Labels(), AlertState.FIRING, NOW_MS - minutes * 60_000, 1.0)


def _calm(count: int) -> list[AlertView]:
    return [_alert(number, 60) for number in range(count)]


async def _told(screen: Screen, backend: FakeBackend) -> None:
    asked = backend.asked.count("alerts")
    backend.publish(Topic.ALERTS)
    for _ in range(1000):
        await screen.pilot.pause(0.01)
        if backend.asked.count("alerts") > asked:
            break
    await screen.settle()


async def test_a_storm_of_5_000_moves_nothing_under_the_cursor() -> None:
    backend = fake(alert_views=_calm(50))
    async with showing(backend, "alerts", (80, 24)) as screen:
        await screen.press("j", "j", "j")
        rows = screen.pane.query_one("#alerts-active", VirtualList)
        place = next(y for y, line in enumerate(screen.lines) if line[1:2] == ">")
        before = screen.lines[place]
        assert "i00003" in before
        for turn in range(3):
            backend.alert_views = [
                *[_alert(10_000 + turn * STORM + n, 1, "critical") for n in range(STORM)],
                *_calm(50 - turn),
            ]
            await _told(screen, backend)
            assert screen.lines[place] == before
        # The marks of what waits: which were gone are marked, and "r" lets it all happen.
        assert "changes, r to apply" in screen.text
        await screen.press("r")
        assert rows.cursor_row.labels.get("instance") == "i00003"
        assert rows.order.shown == STORM + 48
        assert "changes, r to apply" not in screen.text


async def test_keys_go_on_while_the_storm_comes_in() -> None:
    backend = fake(alert_views=_calm(STORM))
    async with showing(backend, "alerts", (120, 40)) as screen:
        rows = screen.pane.query_one("#alerts-active", VirtualList)
        await screen.press("G")
        assert rows.cursor_row.labels.get("instance") == f"i{STORM - 1:05}"
        await screen.press("slash", *"i04999", "enter")
        assert rows.order.shown == 1
        assert "1 of 5000" in screen.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("pane_id", ["home", "alerts"])
async def test_hostile_text_takes_its_own_cells_and_no_others(
    pane_id: str, size: tuple[int, int]
) -> None:
    labels = Labels.of(alertname=f"A{WILD}", severity=WILD, job=WILD * 3, long="x" * 10_000)
    alert = AlertView(f"A{WILD}", labels, Labels.of(summary=WILD), AlertState.FIRING, NOW_MS, 1.0)
    async with showing(fake(alert_views=(alert,)), pane_id, size) as screen:
        await screen.press("j", "k")
        strips = screen.app.screen._compositor.render_strips()
        assert len(strips) == size[1]
        for strip in strips:
            assert strip.cell_length == size[0]
        for char in "\x1b\x07\u202e\u200d":
            assert char not in screen.text


def _many(count: int):
    labels = [Labels.of(__name__="m", instance=f"i{n:06}", long="y" * 20) for n in range(count)]
    rng = np.random.default_rng(1)
    base = rng.random((count, 1))

    def answer(expr, steps_ms):
        if not expr.startswith("m"):
            return three_jobs(expr, steps_ms)
        return labels, base + np.zeros((1, steps_ms.size))

    return answer


async def test_100_000_series_draw_their_largest_and_a_band_for_the_rest() -> None:
    backend = FakeBackend(ManualClock(NOW_MS))
    backend.answer = _many(100_000)
    async with showing(backend, "query", (120, 40)) as screen:
        pane = screen.pane
        assert isinstance(pane, QueryPane)
        pane.open(QueryRequest("m"))
        for _ in range(600):
            await screen.pilot.pause(0.05)
            if "8 of 100000 series" in screen.text:
                break
        assert "8 of 100000 series" in screen.text
        box = pane.graph_box
        band, order = box._band, box._order
        await screen.press("h", "h", "j", "j", "l")
        assert box._band is band, "made once per answer"
        assert box._order is order
        legend = pane.query_one("Legend")
        assert len(legend._rows) == 100_000
        assert len(legend._rows._made) < 500, "only what is looked at"
        await screen.press("x")
        assert "200 of 100000 series" in screen.text
