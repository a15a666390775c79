"""One pane at a time: made on its first visit, switched to, and gone back from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.css.query import NoMatches
from textual.widgets import ContentSwitcher

from termprom.tui.freshness import Freshness
from termprom.tui.panes.pane import Pane
from termprom.tui.registry import PaneEntry
from termprom.tui.remember import Memory
from termprom.tui.visits import Visits
from termprom.tui.widgets.pane_bar import PaneBar

if TYPE_CHECKING:
    from termprom.tui.app import TermpromApp


class PaneSwitch:
    """One per app; before there is a session it shows nothing."""

    def __init__(
        self,
        app: TermpromApp,
        panes: Mapping[str, PaneEntry],
        memory: Memory,
        freshness: Freshness,
    ) -> None:
        self._app = app
        self._panes = panes
        self._memory = memory
        self._freshness = freshness
        self._visits = Visits()

    def __repr__(self) -> str:
        return f"PaneSwitch({self._visits!r})"

    @property
    def visible(self) -> Pane | None:
        try:
            shown = self._app.screen_stack[0].query_one(ContentSwitcher).visible_content
        except NoMatches:
            return None
        return shown if isinstance(shown, Pane) else None

    async def show(self, pane_id: str, argument: object = None, *, visit: bool = True) -> None:
        session = self._app.session
        if session is None or pane_id not in self._panes:
            return
        screen = self._app.screen_stack[0]
        switcher = screen.query_one(ContentSwitcher)
        name = f"pane-{pane_id}"
        try:
            pane = switcher.query_one(f"#{name}", Pane)
        except NoMatches:
            pane = self._panes[pane_id].load()(session)
            await switcher.mount(pane)
            argument = self._memory.first_visit(pane, argument)
        switcher.current = name
        if visit:
            self._visits.visit(pane_id)
        bar = screen.query_one(PaneBar)
        bar.current = pane_id
        before = self._visits.came_from
        bar.came_from = self._panes[before].name.title if before else ""
        bar.redraw()
        if argument is not None:
            pane.open(argument)
        pane.focus_default()
        self._freshness.refresh(pane)

    async def step(self, by: int) -> None:
        """Back or forward in the history."""
        if pane_id := self._visits.step(by):
            await self.show(pane_id, visit=False)
