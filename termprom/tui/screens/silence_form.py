"""The silence form: matchers to take or leave, how long, why; and live what that would hide.

It makes nothing itself: it dismisses with the silence, and whoever opened it does the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from termprom.errors import TermpromError
from termprom.model.labels import Labels
from termprom.model.silences import Silence
from termprom.tui.cells import inert
from termprom.tui.colours import colours_of
from termprom.tui.figures import date_and_clock
from termprom.tui.glyphs import glyphs
from termprom.tui.messages import CopyWanted
from termprom.tui.panes.silence_draft import (
    DURATIONS,
    Cover,
    Draft,
    cover_of,
    cover_text,
    warning_text,
)
from termprom.tui.session import Session
from termprom.tui.widgets.line_editor import LineEditor
from termprom.tui.work import begin
from termprom.views import AlertView

Ask = Callable[[], Awaitable[Sequence[AlertView]]]

_MATCHERS_SHOWN: Final = 8
_ASK_SECONDS: Final = 2.0
_NAME: Final = 12  # cells of the left column


class Form(Widget, can_focus=True):
    """Rows of fields: the matchers, a new matcher, the length, the comment."""

    DEFAULT_CSS = "Form { height: auto; }"

    def __init__(self, session: Session, draft: Draft, meant: Sequence[Labels]) -> None:
        super().__init__()
        self.session = session
        self.draft = draft
        self.meant = meant
        self.alerts: Sequence[AlertView] | None = None
        self.problem = ""
        self.added = LineEditor()
        self.length = LineEditor(draft.length)
        self.comment = LineEditor(draft.comment)
        self.field = 0

    # --- Fields -------------------------------------------------------------------------------

    @property
    def add_field(self) -> int:
        return len(self.draft.choices)

    @property
    def editor(self) -> LineEditor | None:
        """What letters go into; None on a matcher, where they are commands."""
        place = self.field - self.add_field
        return (self.added, self.length, self.comment)[place] if place >= 0 else None

    def typed(self) -> Draft:
        """The draft with all that stands in the fields."""
        return replace(self.draft, length=self.length.text, comment=self.comment.text)

    @property
    def cover(self) -> Cover | None:
        if self.alerts is None:
            return None
        return cover_of(self.draft, self.alerts, self.meant)

    def move(self, fields: int) -> None:
        self.field = (self.field + fields) % (self.add_field + 3)
        self.refresh(layout=True)

    def take_added(self) -> bool:
        """Whether what was typed is a matcher now; the problem says why it is none."""
        try:
            self.draft = self.draft.with_matcher(self.added.text)
        except ValueError as problem:
            self.problem = str(problem)
            return False
        self.added.set("")
        self.field = self.add_field
        self.problem = ""
        return True

    def turn_length(self, by: int) -> None:
        text = self.length.text
        place = DURATIONS.index(text) + by if text in DURATIONS else 1
        self.length.set(DURATIONS[place % len(DURATIONS)])

    # --- Drawing ------------------------------------------------------------------------------

    def _lines(self) -> list[list[Segment]]:
        colours, width = colours_of(self.app), max(self.size.width, 20)
        signs = glyphs(self.session.ascii)
        now_ms, zone = self.session.now_ms(), self.session.zone
        room = width - _NAME - 2

        def line(name: str, *parts: Segment) -> list[Segment]:
            return [Segment(f" {name:<{_NAME}}", colours.muted), *parts]

        def field(editor: LineEditor, here: bool, hint: str = "") -> list[Segment]:
            if not here:
                text = inert(editor.text) or hint
                return [Segment(text[:room], colours.text if editor.text else colours.muted)]
            text, caret = editor.window(room - 1)
            return [
                Segment(text[:caret], colours.strong),
                Segment(text[caret : caret + 1] or " ", colours.strong + Style(reverse=True)),
                Segment(text[caret + 1 :], colours.strong),
            ]

        rows: list[list[Segment]] = []
        first = max(min(self.field, self.add_field - 1) - _MATCHERS_SHOWN + 1, 0)
        shown = self.draft.choices[first : first + _MATCHERS_SHOWN]
        for place, choice in enumerate(shown, first):
            here = place == self.field
            style = colours.text if choice.taken else colours.muted
            mark = "[x]" if choice.taken else "[ ]"
            text = inert(str(choice.matcher))[: room - 4]
            cursor = style + colours.cursor if here else style
            name = "matchers" if place == first else ""
            rows.append(line(name, Segment(f"{mark} {text}", cursor)))
        left = len(self.draft.choices) - len(shown) - first
        if left or first:
            rows.append(line("", Segment(f"    {first} above, {left} below", colours.muted)))
        at = self.field - self.add_field
        rows.append(line("add", *field(self.added, at == 0, 'instance=~"a|b"  enter adds it')))
        ends = self._ends_text()
        if at == 1:
            rows.append(
                line("length", *field(self.length, True), Segment(f"  {ends}", colours.muted))
            )
        else:
            length = Segment(inert(self.length.text), colours.strong)
            rows.append(line("length", length, Segment(f"  {ends}", colours.muted)))
        choices = "  ".join(f"<{one}>" if one == self.length.text else one for one in DURATIONS)
        rows.append(line("", Segment(choices + "  until 18:00", colours.muted)))
        rows.append(line("comment", *field(self.comment, at == 2, "why, for those who find it")))
        rows.append(line("by", Segment(inert(self.draft.by or "nobody named"), colours.text)))
        rows.append([Segment(" ", colours.text)])
        rows += self._cover_lines(line, room)
        if self.problem:
            rows.append(
                line(f"{signs.fail} problem", Segment(inert(self.problem), colours.critical))
            )
        else:
            try:
                command = self.typed().command(now_ms, zone)
            except ValueError as problem:
                rows.append(line("", Segment(inert(str(problem)), colours.warning)))
            else:
                rows.append(line("same as", Segment(inert(command)[:room], colours.muted)))
        keys = " enter create  space take  up/down field  left/right length  esc cancel"
        if self.draft.id:
            keys = keys.replace("enter create", "enter change")
        if self.editor is None:
            keys += "  y copy"
        rows.append([Segment(keys[: width - 1], colours.accent)])
        return rows

    def _cover_lines(self, line: Callable[..., list[Segment]], room: int) -> list[list[Segment]]:
        colours, cover = colours_of(self.app), self.cover
        if cover is None:
            return [line("covers", Segment("asking which alerts there are", colours.muted))]
        style = colours.strong if cover.covered else colours.warning
        rows = [line("covers", Segment(cover_text(cover), style))]
        if warning := warning_text(cover):
            rows.append(line("", Segment(("! " + inert(warning))[:room], colours.warning)))
        most = 3
        for one in cover.covered[:most]:
            text = " ".join(
                f"{k}={v}" for k, v in one.labels.without("alertname").as_dict().items()
            )
            rows.append(line("", Segment(inert(f"{one.name}  {text}")[:room], colours.muted)))
        if len(cover.covered) > most:
            rows.append(line("", Segment(f"and {len(cover.covered) - most} more", colours.muted)))
        return rows

    def _ends_text(self) -> str:
        try:
            ends = self.typed().ends_ms(self.session.now_ms(), self.session.zone)
        except ValueError as problem:
            return inert(str(problem))
        return f"ends {date_and_clock(ends, self.session.zone)}"

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return len(self._lines())

    def render_line(self, y: int) -> Strip:
        lines = self._lines()
        if y >= len(lines):
            return Strip.blank(self.size.width)
        return Strip(lines[y]).adjust_cell_length(self.size.width)


class SilenceForm(ModalScreen[Silence | None]):
    """Dismisses with the silence to make, or None. `ask` gives the alerts of now."""

    DEFAULT_CSS = """
    SilenceForm { align: center middle; background: transparent; }
    SilenceForm Form {
        width: 80; max-width: 100%; max-height: 100%;
        border: solid $border; background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", show=False),
    ]

    def __init__(
        self, session: Session, draft: Draft, meant: Sequence[Labels], ask: Ask, *, title: str
    ) -> None:
        super().__init__()
        self._session = session
        self._ask = ask
        self.form = Form(session, draft, meant)
        self.form.border_title = inert(title).replace("[", r"\[")

    def compose(self) -> ComposeResult:
        yield self.form

    def on_mount(self) -> None:
        self.form.focus()
        self._look()
        self.set_interval(_ASK_SECONDS, self._look)

    def _look(self) -> None:
        begin(self, self._take_alerts, group="cover", exclusive=True)

    async def _take_alerts(self) -> None:
        try:
            self.form.alerts = await self._ask()
        except TermpromError as problem:
            self.form.problem = str(problem)
        self.form.refresh(layout=True)

    def on_key(self, event: events.Key) -> None:
        form, editor = self.form, self.form.editor
        match event.key:
            case "escape":
                return
            case "up" | "shift+tab":
                form.move(-1)
            case "down" | "tab":
                form.move(1)
            case "enter":
                self._enter()
            case "left" | "right" if form.field == form.add_field + 1:
                form.turn_length(1 if event.key == "right" else -1)
            case "k" if editor is None:
                form.move(-1)
            case "j" if editor is None:
                form.move(1)
            case "space" | "x" if editor is None:
                form.draft = form.draft.toggled(form.field)
            case "y" if editor is None:
                self._copy()
            case _:
                if editor is None or not editor.press(event.key, event.character):
                    return
        event.stop()
        event.prevent_default()
        form.problem = "" if event.key != "enter" else form.problem
        form.refresh(layout=True)

    def on_paste(self, event: events.Paste) -> None:
        if (editor := self.form.editor) is not None:
            event.stop()
            editor.insert(event.text)
            self.form.refresh(layout=True)

    def _enter(self) -> None:
        form = self.form
        if form.added.text.strip():
            form.take_added()
            return
        try:
            made = form.typed().silence(self._session.now_ms(), self._session.zone)
        except ValueError as problem:
            form.problem = str(problem)
            return
        self.dismiss(made)

    def _copy(self) -> None:
        form = self.form
        try:
            command = form.typed().command(self._session.now_ms(), self._session.zone)
        except ValueError as problem:
            form.problem = str(problem)
            return
        self.app.post_message(CopyWanted(command, "the command"))
