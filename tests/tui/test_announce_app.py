"""The running screen tells of alerts: its own line, the bell, a sequence for the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from termprom.backend.interface import Backend, Topic
from termprom.model.labels import EMPTY, Labels
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.announcer import QUIET_SECONDS
from termprom.tui.app import AppOptions, TermpromApp
from termprom.views import AlertState, AlertView

HOT = AlertView("Hot", Labels.of(host="a"), EMPTY, AlertState.FIRING, 1, 1.0)
COLD = AlertView("Cold", Labels.of(host="a"), EMPTY, AlertState.FIRING, 1, 1.0)


class Told(TermpromApp):
    """Remembers what it says and how often it rings."""

    def __init__(self, backend: FakeBackend) -> None:
        async def connect() -> Backend:
            return backend

        super().__init__(connect, AppOptions(), clock=backend.clock)
        self.said: list[tuple[str, str]] = []
        self.rung = 0

    def _say(self, text: str, severity: str = "information") -> None:
        self.said.append((text, severity))
        super()._say(text, severity)

    def bell(self) -> None:
        self.rung += 1


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("TERMPROM_BANNER", "TERMPROM_NOTIFY", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERMPROM_BELL", "firing")


async def test_each_change_once_and_what_is_silenced_not() -> None:
    backend = FakeBackend(ManualClock())
    app = Told(backend)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(500):
            if app.visible_pane is not None and app._pulse.announcer._known is not None:
                break
            await pilot.pause(0.01)
        app.said.clear()

        async def look(*alerts: AlertView, after: float = QUIET_SECONDS) -> list[tuple[str, str]]:
            """What is said once these alerts have been looked at."""
            app.said.clear()
            await backend.clock.advance(after)  # type: ignore[attr-defined]
            backend.alert_views = alerts
            backend.publish(Topic.ALERTS, "Hot firing (2)")
            asked = backend.asked.count("alerts")
            for _ in range(500):
                await pilot.pause(0.01)
                if backend.asked.count("alerts") > asked and not any(
                    one.group == "vitals" and not one.is_finished for one in app.workers
                ):
                    break
            return list(app.said)

        silenced = replace(COLD, silenced_by=("id",))
        assert await look(HOT) == [("firing: Hot", "alarm")]
        assert await look(HOT) == []
        assert app.rung == 1
        assert await look(HOT, silenced) == []
        assert await look(silenced) == [("resolved: Hot", "information")]
        assert app.rung == 1
        # Too soon after the last: told later.
        assert await look(COLD, after=1.0) == []
        assert await look(COLD) == [("firing: Cold", "alarm")]
        assert app.rung == 2
