"""When the visible pane asks again: events are merged, and a slow far end is heard out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.timer import Timer

from termprom.backend.interface import Topic
from termprom.errors import BackendUnavailable, NotOffered, TermpromError
from termprom.tui.link import Link
from termprom.tui.panes.pane import Pane
from termprom.tui.work import begin

if TYPE_CHECKING:
    from termprom.tui.app import TermpromApp

Say = Callable[[str, str], None]

# What an operator waits for is shown at once; movement of numbers once a second.
_URGENT: Final = frozenset({Topic.ALERTS, Topic.CONFIG, Topic.LOGS, Topic.LINK, Topic.PUSH})
_URGENT_SECONDS: Final = 0.25
_MOVEMENT_SECONDS: Final = 1.0


class Freshness:
    """One per app."""

    def __init__(self, app: TermpromApp, link: Link, say: Say) -> None:
        self._app = app
        self._link = link
        self._say = say
        self._dirty: set[Topic] = set()
        self._timer: Timer | None = None
        self._urgent = False  # what the timer waits for

    def __repr__(self) -> str:
        return f"Freshness(dirty {sorted(self._dirty)})"

    def heard(self, topic: Topic) -> None:
        """Something has changed: the visible pane asks soon, where it shows that."""
        self._dirty.add(topic)
        self._soon(urgent=topic in _URGENT)

    def refresh(self, pane: Pane) -> None:
        """Now, and instead of what the pane is asking for."""
        work = partial(self._refresh, pane)
        begin(self._app, work, group=_group(pane), exclusive=True)

    def _soon(self, *, urgent: bool) -> None:
        if self._timer is not None:
            if not urgent or self._urgent:
                return
            self._timer.stop()
        self._urgent = urgent
        seconds = _URGENT_SECONDS if urgent else _MOVEMENT_SECONDS
        self._timer = self._app.set_timer(seconds, self._refresh_dirty)

    def _refresh_dirty(self) -> None:
        self._timer = None
        topics, self._dirty = self._dirty, set()
        pane, session = self._app.visible_pane, self._app.session
        if pane is None or not session or session.paused or not topics & pane.TOPICS:
            return
        group = _group(pane)
        if any(one.group == group and not one.is_finished for one in self._app.workers):
            # A far end that answers slower than it tells of changes would never be heard out.
            self._dirty |= topics
            self._soon(urgent=False)
        else:
            self.refresh(pane)

    async def _refresh(self, pane: Pane) -> None:
        try:
            await pane.refresh_view()
        except NotOffered as problem:
            self._say(f"unavailable: {problem}", "warning")
        except BackendUnavailable as problem:
            self._link.lost(str(problem))
        except TermpromError as problem:
            self._say(str(problem), "error")


def _group(pane: Pane) -> str:
    return f"pane-{pane.PANE_ID}"
