"""What every pane of the app is: a widget that shows one view of the backend and keeps it live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Container

from termprom.backend.interface import Topic
from termprom.tui.session import Session

if TYPE_CHECKING:
    from termprom.tui.view_state import ViewState


class Pane(Container):
    """One pane. The app mounts it on first visit, shows one at a time, and calls `refresh_view`.

    `refresh_view` is called when the pane is first shown, shown again, when an event of one of its
    TOPICS arrives while it is visible and the screen is not paused (merged to at most a few per
    second), when the shared range or zone changes, and on `r`. It runs in an exclusive worker:
    a newer call cancels an older one. It may raise BackendUnavailable; the app shows that.
    """

    PANE_ID: ClassVar[str] = ""
    TITLE: ClassVar[str] = ""  # in the pane bar
    SHORT: ClassVar[str] = ""  # in the pane bar of a narrow screen, empty: TITLE
    KEY: ClassVar[str] = ""  # the digit that opens it
    TOPICS: ClassVar[frozenset[Topic]] = frozenset()

    def __init__(self, session: Session) -> None:
        super().__init__(id=f"pane-{self.PANE_ID}")
        self.session = session

    async def refresh_view(self) -> None:
        """Ask the backend again and show the answer."""
        raise NotImplementedError

    def open(self, argument: object) -> None:
        """Show something in particular (an expression, a target), as the OpenPane message asked."""

    def kept(self) -> dict[str, Any]:
        """What of this pane a later screen brings back, by the names of ViewState."""
        return {}

    def bring_back(self, state: ViewState) -> None:
        """Choices of an earlier screen; called before `open`."""

    def focus_default(self) -> None:
        """Give the focus to the box that a visitor wants first."""
        self.focus_first()

    def focus_first(self) -> None:
        """Focus the first focusable widget inside."""
        for widget in self.query("*"):
            if widget.focusable:
                widget.focus()
                return
