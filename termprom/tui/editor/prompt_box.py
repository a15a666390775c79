"""The prompt with what helps at it: mistakes and signatures below, completions under the caret.

One line below the prompt serves two: while somebody types it says what is wrong, or how the
function around the caret goes; otherwise it shows what its owner `tell`s, which is the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import Static, TextArea

from termprom.errors import ParseError
from termprom.promql.syntax.parse import parse
from termprom.tui.cells import inert
from termprom.tui.colours import Colours, colours_of
from termprom.tui.editor.context import Context, OpenCall, Place, call_at, context_at
from termprom.tui.editor.diagnose import Finding, diagnose
from termprom.tui.editor.hints import hints_of
from termprom.tui.editor.offers import Offers
from termprom.tui.editor.popup import Popup
from termprom.tui.editor.prompt import Prompt
from termprom.tui.session import Session
from termprom.tui.work import begin

# Places where a list opens as soon as the caret is there; elsewhere a letter must be typed.
_EAGER: Final = frozenset({Place.LABEL_NAME, Place.LABEL_VALUE, Place.LABEL_LIST, Place.DURATION})


class PromptBox(Vertical):
    """See the module. Its owner gets the messages of `Prompt`."""

    DEFAULT_CSS = """
    PromptBox { height: auto; }
    PromptBox #query-status { height: auto; max-height: 4; }
    """

    class Edited(Message):
        """Somebody types."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.session = session
        self.offers = Offers(session.backend, session.clock)
        self.recent: Iterable[str] = ()  # metrics to offer first
        self.popup = Popup(ascii_only=session.ascii)
        self.prompt = Prompt(self.popup, id="query-prompt")
        self._told = Text()
        self._seen = ""
        self._scrape_seconds = 0.0

    def compose(self) -> ComposeResult:
        yield self.prompt
        yield Static(id="query-status", markup=False)
        yield self.popup

    def on_unmount(self) -> None:
        self.offers.close()

    def tell(self, text: Text) -> None:
        """Show this below the prompt until somebody types."""
        self._told = text
        self.query_one("#query-status", Static).update(text)

    def scrapes_are(self, seconds: float) -> None:
        """The longest interval between scrapes, for hints about windows."""
        self._scrape_seconds = seconds

    # --- Typing -------------------------------------------------------------------------------

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        text = self.prompt.text
        if text == self._seen:
            return
        self._seen = text
        if text == self.prompt.given:
            self.prompt.clear_error()
            self.popup.close()
            return
        self.prompt.given = None
        self.post_message(self.Edited())
        self._help()
        self._complete(forced=False)

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        if self.prompt.text == self._seen and self.prompt.has_focus:
            if self.popup.shown and not self._still_here():
                self.popup.close()
            if self.prompt.given is None:
                self._help()

    def on_prompt_completion_wanted(self) -> None:
        self._complete(forced=True)

    def on_popup_chosen(self) -> None:
        self.prompt.action_complete()
        self.prompt.focus()

    def on_descendant_blur(self) -> None:
        self.popup.close()

    def on_descendant_focus(self) -> None:
        begin(self, self.offers.refresh, group="names", exit_on_error=False)

    # --- Help ---------------------------------------------------------------------------------

    def _help(self) -> None:
        """The mistake, the signature, or a hint; else what was told."""
        text, colours = self.prompt.text, colours_of(self.app)
        finding = diagnose(text)
        if finding is None or finding.unfinished:
            self.prompt.clear_error()
        else:
            self.prompt.show_error(finding.start, finding.end)
        line = self._line(text, finding, colours)
        if line is not self._told:
            line.truncate(max(self.size.width, 20), overflow="ellipsis")
        self.query_one("#query-status", Static).update(line)

    def _line(self, text: str, finding: Finding | None, colours: Colours) -> Text:
        width = self.size.width
        if finding is not None and not finding.unfinished:
            return mistake_text(text, finding.start, finding.message, width, colours.critical)
        call = call_at(text, self.prompt.caret)
        if call is not None:
            return signature_text(call, colours)
        if finding is not None:
            return Text(f" {inert(finding.message)}", colours.muted)
        for hint in self._hints(text):
            return Text(f" hint: {inert(hint)}", colours.warning)
        return self._told

    def _hints(self, text: str) -> list[str]:
        try:
            expr = parse(text)
        except ParseError:
            return []
        return hints_of(expr, self.offers.type_of, self._scrape_seconds)

    # --- Completion ---------------------------------------------------------------------------

    def _complete(self, *, forced: bool) -> None:
        context = context_at(self.prompt.text, self.prompt.caret)
        eager = context.place in _EAGER
        if context.place is Place.NOTHING or not (forced or eager or context.typed):
            self.popup.close()
            return
        begin(
            self,
            partial(self._offer, context, self.prompt.text, self.prompt.caret, forced),
            group="complete",
            exclusive=True,
            exit_on_error=False,
        )

    async def _offer(self, context: Context, text: str, caret: int, forced: bool) -> None:
        offers = await self.offers.at(context, self.recent)
        if (self.prompt.text, self.prompt.caret) != (text, caret) or not self.prompt.has_focus:
            return
        only = len(offers) == 1 and offers[0].name == context.typed
        if only and not forced:
            self.popup.close()
            return
        at = self.prompt.cursor_screen_offset
        # Below the line that tells the signature, which is what one reads beside the offers.
        below = self.query_one("#query-status", Static).region.bottom - 1
        self.popup.show(offers, Offset(at.x - (caret - context.start) - 1, max(at.y, below)))

    def _still_here(self) -> bool:
        context = context_at(self.prompt.text, self.prompt.caret)
        return context.place is not Place.NOTHING and bool(context.typed)


def mistake_text(text: str, start: int, message: str, width: int, style: Style) -> Text:
    """The message, with a caret under the place of the mistake where there is room for it."""
    column = start - text.rfind("\n", 0, start) - 1
    shown = Text()
    if column < max(width - 4, 1):
        shown.append(" " * column + "^ ", style)
    shown.append(inert(message), style)
    return shown


def signature_text(call: OpenCall, colours: Colours) -> Text:
    """`rate(v range-vector) instant-vector` with the argument at the caret in bold, and help."""
    signature, function = call.function.signature, call.function
    head, _, rest = signature.partition("(")
    arguments, _, returns = rest.rpartition(")")
    shown = Text(f" {head}(", colours.muted)
    parts = arguments.split(", ") if arguments else []
    here = min(call.argument, len(parts) - 1) if function.args_max < 0 else call.argument
    for number, part in enumerate(parts):
        if number:
            shown.append(", ", colours.muted)
        shown.append(part, colours.strong if number == here else colours.muted)
    shown.append(f"){returns}", colours.muted)
    if here >= len(parts):
        shown.append("  too many arguments", colours.warning)
    shown.append(f"  {function.help}", colours.text)
    return shown
