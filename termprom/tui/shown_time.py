"""Which time the panes show, chosen by the operator: the range, the zone, a pause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from termprom.tui.session import TimeRange
from termprom.tui.widgets.status_bar import StatusBar

if TYPE_CHECKING:
    from termprom.tui.app import TermpromApp

_RANGES: Final = {"5m": 300, "15m": 900, "1h": 3600, "3h": 10800, "6h": 21600, "12h": 43200,
                  "1d": 86400, "2d": 172800, "7d": 604800}  # fmt: skip


class ShownTime:
    """One per app; before there is a session it does nothing. `changed` is called when the panes
    have something new to ask for.
    """

    def __init__(self, app: TermpromApp, bar: StatusBar, changed: Callable[[], None]) -> None:
        self._app = app
        self._bar = bar
        self._changed = changed

    def __repr__(self) -> str:
        session = self._app.session
        return f"ShownTime({session and session.range})"

    def toggle_pause(self) -> None:
        session = self._app.session
        if session is None:
            return
        session.paused = not session.paused
        self._bar.line.paused_ms = session.now_ms() if session.paused else 0
        self._redraw()
        if not session.paused:
            self._changed()

    def live(self) -> None:
        """The range up to now, and no pause."""
        session = self._app.session
        if session is None:
            return
        session.range = TimeRange(session.range.span_ms)
        if session.paused:
            self.toggle_pause()
        else:
            self._changed()

    def toggle_zone(self) -> None:
        """UTC, or the operator's own zone."""
        session = self._app.session
        if session is None:
            return
        if session.zone is UTC:
            local = datetime.now().astimezone().tzinfo
            assert local is not None
            session.zone, session.zone_name = local, str(local)
        else:
            session.zone, session.zone_name = UTC, "UTC"
        self._bar.line.zone = session.zone
        self._redraw()
        self._changed()

    def choose(self) -> None:
        from termprom.tui.screens.chooser import Chooser

        def chosen(name: str | None) -> None:
            if name:
                self.put(TimeRange(_RANGES[name] * 1000))

        self._app.push_screen(Chooser("time range", {name: name for name in _RANGES}), chosen)

    def put(self, wanted: TimeRange) -> None:
        session = self._app.session
        if session is not None:
            session.range = wanted
            session.range_chosen = True
            self._changed()

    def _redraw(self) -> None:
        assert self._app.session is not None
        self._bar.line.now_ms = self._app.session.now_ms()
        self._bar.redraw()
