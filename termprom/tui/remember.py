"""The memory of one screen: takes what is looked at down, and brings it back."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

from termprom.errors import TermpromError
from termprom.tui.editor.history import history_path
from termprom.tui.messages import QueryRequest
from termprom.tui.session import TimeRange
from termprom.tui.view_state import (
    ViewState,
    forget_view,
    load_view,
    save_view,
    server_key,
    view_path,
)

if TYPE_CHECKING:
    from termprom.tui.app import TermpromApp

log = logging.getLogger("termprom.tui")

SAVE_SECONDS: Final = 2.0


class Memory:
    """One per app, begun when its server has answered; without a folder it does nothing."""

    def __init__(self, app: TermpromApp) -> None:
        self._app = app
        self._path: Path | None = None
        self._saved: ViewState | None = None

    def __repr__(self) -> str:
        return f"Memory({self._path})"

    async def begin(self) -> ViewState | None:
        """What was looked at when the last screen on this server went away."""
        session = self._app.session
        assert session is not None
        try:
            status = await session.backend.status()
        except TermpromError:
            return None
        folder = history_path().parent
        self._path = view_path(folder, server_key(session.backend.name, status))
        self._app.set_interval(SAVE_SECONDS, self.save_soon)
        return await asyncio.to_thread(load_view, self._path, session.now_ms())

    def picture(self) -> ViewState | None:
        """What is looked at now."""
        app, session = self._app, self._app.session
        pane = app.visible_pane
        if session is None or pane is None:
            return None
        from termprom.tui.widgets.virtual_list import VirtualList

        filters = tuple(
            (one.id, one.filter_text)
            for one in pane.query(VirtualList)
            if one.id and one.filter_text
        )
        state = ViewState(
            pane=pane.PANE_ID,
            span_ms=session.range.span_ms if session.range_chosen else 0,
            end_ms=session.range.end_ms,
            zone="" if session.zone is UTC else session.zone_name,
            filters=filters,
        )
        return replace(state, **app.query_state())

    async def save_soon(self) -> None:
        """Take it down if it has changed; the disk is not waited for on the screen's loop."""
        state = self.picture()
        if state is None or self._path is None or state == self._saved:
            return
        self._saved = state
        assert self._app.session is not None
        stamped = replace(state, saved_ms=self._app.session.now_ms())
        try:
            await asyncio.to_thread(save_view, self._path, stamped)
        except OSError as problem:
            log.warning("the view is not kept: %s", problem)

    def end(self, outcome: str) -> None:
        """At the end of the screen: kept where the engine goes on, forgotten where it stops."""
        if self._path is None:
            return
        try:
            if outcome == "stop":
                forget_view(self._path)
        except OSError as problem:
            log.warning("the view is not forgotten: %s", problem)


def request_of(state: ViewState) -> QueryRequest | None:
    """What the Query pane is to show again."""
    if not state.expr:
        return None
    span = TimeRange(state.span_ms, state.end_ms) if state.span_ms else None
    return QueryRequest(
        state.expr,
        graph=state.tab != "table",
        thresholds=tuple(state.thresholds),
        range=span,
        alert=state.alert,
    )
