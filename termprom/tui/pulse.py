"""The pulse of the server: counts for the status bar, and alerts told as they change."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from termprom.backend.interface import Backend, Feature
from termprom.clock import Clock
from termprom.errors import BackendUnavailable, NotOffered, TermpromError
from termprom.tui.announcer import AlertChange, Announcer
from termprom.tui.link import Link
from termprom.tui.messages import Looked
from termprom.tui.vitals import vitals_of
from termprom.tui.widgets.status_bar import StatusBar
from termprom.tui.work import begin

if TYPE_CHECKING:
    from termprom.tui.app import TermpromApp
    from termprom.views import AlertView, StatusView, TargetsView

log = logging.getLogger("termprom.tui")

T = TypeVar("T")

VITALS_SECONDS: Final = 2.0


class Pulse:
    """One per app. `announce` is called with alerts that began or ceased to fire."""

    def __init__(
        self,
        app: TermpromApp,
        bar: StatusBar,
        clock: Clock,
        link: Link,
        announce: Callable[[AlertChange], None],
    ) -> None:
        self._app = app
        self._bar = bar
        self._clock = clock
        self._link = link
        self._announce = announce
        self._looked_at = float("-inf")
        self.announcer = Announcer()

    def __repr__(self) -> str:
        return f"Pulse({self.announcer!r})"

    def ask(self) -> None:
        """Unless the screen is paused, or a pane has asked for the same a moment ago."""
        if self._clock.monotonic() - self._looked_at < VITALS_SECONDS:
            return
        if self._app.session is not None and not self._app.session.paused:
            self.ask_now()

    def ask_now(self) -> None:
        if self._app.session is not None:
            work = partial(self._take, self._app.session.backend)
            begin(self._app, work, group="vitals", exclusive=True)

    def looked(self, message: Looked) -> None:
        """A pane has just asked for all that the counts need."""
        self._looked_at = self._clock.monotonic()
        self._link.answers()
        self._put(message.alerts, message.targets, message.status)

    async def _take(self, backend: Backend) -> None:
        try:
            alerts = await _if_offered(backend, Feature.RULES, backend.alerts)
            targets = await _if_offered(backend, Feature.TARGETS, backend.targets)
            status = await _if_offered(backend, None, backend.status)
        except BackendUnavailable as problem:
            self._link.lost(str(problem))
            return
        except TermpromError as problem:
            # It answers, though not this; the counts of the last answer stay.
            log.warning("no vitals: %s", problem)
            self._link.answers()
            return
        self._link.answers()
        self._put(alerts, targets, status)

    def _put(
        self,
        alerts: Sequence[AlertView] | None,
        targets: TargetsView | None,
        status: StatusView | None,
    ) -> None:
        self._bar.line.vitals = vitals_of(alerts, targets, status)
        self._bar.redraw()
        started_ms = status.started_ms if status is not None else 0
        now = self._clock.monotonic()
        if change := self.announcer.look(alerts, now, started_ms=started_ms):
            self._announce(change)


async def _if_offered(
    backend: Backend, feature: Feature | None, ask: Callable[[], Awaitable[T]]
) -> T | None:
    """The answer, or None where this end has no such thing; the others are still asked for."""
    if feature is not None and not backend.offers(feature):
        return None
    try:
        return await ask()
    except NotOffered:
        return None
