"""The memory of one screen: takes what is looked at down, and brings it back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from termprom.errors import TermpromError
from termprom.tui.editor.history import history_path
from termprom.tui.messages import QueryRequest
from termprom.tui.panes.pane import Pane
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

Say = Callable[[str, str], None]

SAVE_SECONDS: Final = 2.0


class Memory:
    """One per app, begun when its server has answered; without a folder it does nothing."""

    def __init__(self, app: TermpromApp, say: Say) -> None:
        self._app = app
        self._say = say
        self._path: Path | None = None
        self._saved: ViewState | None = None
        self._query_before: ViewState | None = None  # until the Query pane is there

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
        return replace(state, **self._query_state())

    def _query_state(self) -> dict[str, Any]:
        """What the Query pane shows, or will show on its first visit."""
        for pane in self._app.screen_stack[0].query(Pane):
            if pane.PANE_ID == "query":
                return pane.kept()
        if (state := self._query_before) is not None:
            return {name: getattr(state, name) for name in
                    ("expr", "tab", "alert", "thresholds", "choices")}  # fmt: skip
        return {}

    async def bring_back(self, state: ViewState) -> None:
        """The screen as it was when the last one on this server went away."""
        from termprom.tui.widgets.virtual_list import VirtualList

        app, session = self._app, self._app.session
        assert session is not None
        if state.zone and session.zone is UTC:
            app.action_zone()
        if state.span_ms:
            session.range = TimeRange(state.span_ms, state.end_ms)
            session.range_chosen = True
        self._query_before = state
        if state.pane in ("", "home"):
            return
        await app.action_show_pane(state.pane)
        if (pane := app.visible_pane) is not None:
            for one in pane.query(VirtualList):
                for name, typed in state.filters:
                    if one.id == name:
                        one.set_filter(typed)
        self._say("as you left it; esc or 1 goes Home", "information")

    def first_visit(self, pane: Pane, argument: object) -> object:
        """What a pane that was just made is to open: `argument`, or what an earlier screen had."""
        state = self._query_before
        if pane.PANE_ID != "query" or state is None:
            return argument
        self._query_before = None
        request = request_of(state)
        if argument is not None or request is None:
            return argument
        pane.bring_back(state)
        return request

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
