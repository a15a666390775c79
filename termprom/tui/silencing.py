"""Silences made and ended from any pane: the form, what is said of it, ten seconds of undo."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from termprom.backend.interface import Feature
from termprom.errors import TermpromError
from termprom.model.labels import Labels
from termprom.model.silences import Silence
from termprom.tui.figures import span
from termprom.tui.messages import SilenceWanted
from termprom.tui.panes.silence_draft import Draft, draft_for, draft_of
from termprom.tui.work import begin

if TYPE_CHECKING:
    from termprom.tui.app import TermpromApp

UNDO_SECONDS: Final = 10.0

Say = Callable[[str, str], None]


def operator() -> str:
    """Whose name a silence carries."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many a container
        return ""


class Silencing:
    """One per app. `changed` is called when the panes have something new to ask for."""

    def __init__(self, app: TermpromApp, say: Say, changed: Callable[[], None]) -> None:
        self._app = app
        self._say = say
        self._changed = changed
        self._last = ""  # the silence that undo would end

    def __repr__(self) -> str:
        return f"Silencing(last {self._last or 'none'})"

    @property
    def can_undo(self) -> bool:
        return bool(self._last)

    def open(self, wanted: SilenceWanted) -> None:
        """Ask what to silence, beginning with what stands under the cursor."""
        session = self._app.session
        if session is None:
            return
        if not session.backend.offers(Feature.SILENCES):
            self._say(f"{session.backend.name} keeps no silences: unavailable", "warning")
            return
        draft, title = _draft(wanted)
        self._show(draft, wanted.meant, title)

    def _show(self, draft: Draft, meant: Sequence[Labels], title: str) -> None:
        from termprom.tui.screens.silence_form import SilenceForm

        session = self._app.session
        assert session is not None

        def done(made: Silence | None) -> None:
            if made is not None:
                begin(self._app, partial(self._make, made), group="silence", exclusive=True)

        form = SilenceForm(session, draft, meant, session.backend.alerts, title=title)
        self._app.push_screen(form, done)

    async def _make(self, made: Silence) -> None:
        session = self._app.session
        assert session is not None
        try:
            silence_id = await session.backend.create_silence(made)
        except TermpromError as problem:
            self._say(f"not silenced: {problem}", "error")
            return
        what = " ".join(map(str, made.matchers))
        # To the minute: some milliseconds of "two hours" are over already.
        length = span(round((made.ends_ms - session.now_ms()) / 60_000) * 60)
        if made.id:
            self._say(f"silence changed, it goes on for {length}: {what}", "information")
        else:
            self._say(f"silenced for {length}, u undoes: {what}", "information")
            self._last = silence_id
            self._app.refresh_bindings()
            self._app.set_timer(UNDO_SECONDS, lambda: self._forget(silence_id))
        self._changed()

    def _forget(self, silence_id: str) -> None:
        if self._last == silence_id:
            self._last = ""
            self._app.refresh_bindings()

    def undo(self) -> None:
        """End what was silenced last, within UNDO_SECONDS."""
        if self._last:
            self.expire(self._last)
            self._forget(self._last)

    def expire(self, silence_id: str) -> None:
        begin(self._app, partial(self._expire, silence_id), group="silence", exclusive=True)

    async def _expire(self, silence_id: str) -> None:
        session = self._app.session
        assert session is not None
        try:
            await session.backend.expire_silence(silence_id)
        except TermpromError as problem:
            self._say(f"the silence goes on: {problem}", "error")
            return
        self._say("the silence is over: what it hid is loud again", "information")
        self._changed()


def _draft(wanted: SilenceWanted) -> tuple[Draft, str]:
    by = operator()
    if wanted.silence is not None:
        draft = draft_of(wanted.silence, by=by)
        return draft, "Change the silence" if draft.id else "Silence again"
    return draft_for(wanted.meant, by=by), wanted.title or "Silence"
