"""The prompt: a small editor for expressions. Enter runs, ctrl+j breaks the line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from termprom.errors import ParseError
from termprom.promql.syntax.format import pretty
from termprom.promql.syntax.parse import parse
from termprom.promql.syntax.tokens import Kind
from termprom.tui.cells import inert
from termprom.tui.colours import Colours, colours_of
from termprom.tui.editor.context import Place, context_at
from termprom.tui.editor.highlight import closing, pieces
from termprom.tui.editor.popup import Popup
from termprom.tui.keymap import bind
from termprom.tui.messages import Said

_THEME: Final = "termprom-promql"


class Prompt(TextArea):
    """An expression being typed, with its words coloured and its error underlined."""

    DEFAULT_CSS = """
    Prompt { height: auto; min-height: 1; max-height: 6; border: none; padding: 0; }
    Prompt:focus { border: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("prompt.run", "submit", show=True),
        bind("prompt.complete", "complete", show=True),
        bind("prompt.leave", "leave", show=True),
        bind("prompt.format", "format", show=True),
        bind("prompt.explain", "explain", show=True),
        bind("prompt.newline", "newline", show=True),
    ]

    @dataclass
    class Submitted(Message):
        """Enter: run this expression. `closed` are brackets that were added to it."""

        text: str
        closed: str = ""

    @dataclass
    class Left(Message):
        """Escape: the operator is done typing."""

    @dataclass
    class HistoryWanted(Message):
        """Up on the first line (-1), down on the last one (1)."""

        direction: int

    @dataclass
    class CompletionWanted(Message):
        """Tab or ctrl+space without a list of completions."""

    @dataclass
    class ExplainWanted(Message):
        """F6, which would select the line in Textual's own text area."""

    def __init__(self, popup: Popup, text: str = "", *, id: str | None = None) -> None:
        self._error: tuple[int, int] | None = None
        self._popup = popup
        self.given: str | None = None  # what `put` put there; typing is what differs from it
        self.recall: Callable[[str], str] = lambda _: ""  # an earlier text that begins so
        super().__init__(
            text,
            id=id,
            soft_wrap=True,
            tab_behavior="focus",
            show_line_numbers=False,
            highlight_cursor_line=False,
            placeholder="PromQL: enter runs, tab completes",
        )
        self.cursor_blink = False

    def on_mount(self) -> None:
        self.restyle()

    def restyle(self) -> None:
        """Take the colours of the theme of now."""
        self.register_theme(_prompt_theme(colours_of(self.app)))
        self.theme = _THEME
        self._build_highlight_map()
        self.refresh()

    # --- Colours ------------------------------------------------------------------------------

    def get_line(self, line_index: int) -> Text:
        """A line to draw, with whatever could act on the terminal made visible instead."""
        # Sign for character, so that columns stay.
        return Text(inert(self.document.get_line(line_index)), end="", no_wrap=True)

    def _build_highlight_map(self) -> None:
        """Colour from our own lexer; Textual wants byte offsets per line."""
        self._line_cache.clear()
        highlights: dict[int, list[tuple[int, int | None, str]]] = defaultdict(list)
        text = self.document.text
        found = [(one.start, one.end, str(one.kind)) for one in pieces(text)]
        if self._error is not None:
            found.append((*self._error, "error"))
        first = 0
        for number, line in enumerate(text.split("\n")):
            last = first + len(line)
            for start, end, kind in found:
                from_, to = max(start, first) - first, min(end, last) - first
                if from_ < to:
                    highlights[number].append(
                        (len(line[:from_].encode()), len(line[:to].encode()), kind)
                    )
            first = last + 1
        self._highlights = highlights

    def show_error(self, start: int, end: int) -> None:
        """Underline [start, end), in characters; an empty span underlines one character."""
        first = min(max(start, 0), max(len(self.text) - 1, 0))
        wanted = (first, max(end, first + 1))
        if wanted != self._error:
            self._error = wanted
            self._build_highlight_map()
            self.refresh()

    def clear_error(self) -> None:
        if self._error is not None:
            self._error = None
            self._build_highlight_map()
            self.refresh()

    @property
    def error_span(self) -> tuple[int, int] | None:
        """The underlined characters, [start, end)."""
        return self._error

    # --- Keys ---------------------------------------------------------------------------------

    async def _on_key(self, event: events.Key) -> None:
        act = self._meaning(event.key)
        if act is None:
            await super()._on_key(event)
        else:
            event.stop()
            event.prevent_default()
            act()

    def _meaning(self, key: str) -> Callable[[], object] | None:
        """What a key does that is not editing."""
        popup = self._popup
        match key:
            case "enter":
                return self.action_complete if popup.shown and popup.moved else self.submit
            case "escape":
                return self.action_leave
            case "tab" if self.text.strip() or popup.shown:
                return self.action_complete
            case "ctrl+at" | "ctrl+space":
                return lambda: self.post_message(self.CompletionWanted())
            case "up" | "down" if popup.shown:
                return lambda: popup.move(1 if key == "down" else -1)
            case "up" if self.cursor_at_first_line:
                return lambda: self.post_message(self.HistoryWanted(-1))
            case "down" if self.cursor_at_last_line:
                return lambda: self.post_message(self.HistoryWanted(1))
        return None

    def action_submit(self) -> None:
        self.submit()

    def action_leave(self) -> None:
        """The list of completions goes first, then the prompt is left."""
        if not self._popup.close():
            self.post_message(self.Left())

    def action_complete(self) -> None:
        """Take the offer under the popup's cursor; without a popup ask for one."""
        offer = self._popup.current
        if offer is None:
            self.post_message(self.CompletionWanted())
            return
        context = context_at(self.text, self.caret)
        self._popup.close()
        insert, end = offer.insert, context.end
        if context.place is Place.LABEL_VALUE and not context.regex:
            mark = self.text[context.start - 1]
            if self.text[end : end + 1] == mark:
                end += 1
            insert += mark
        elif insert.endswith("(") and self.text[end : end + 1] == "(":
            end += 1
        self.replace(
            insert,
            self._location(context.start),
            self._location(end),
            maintain_selection_offset=False,
        )
        self.move_cursor(self._location(context.start + len(insert)))

    def action_explain(self) -> None:
        self.post_message(self.ExplainWanted())

    def action_format(self) -> None:
        """Lay the expression out anew, if it can be read and holds no comment to lose."""
        text = self.text
        if any(one.kind is Kind.COMMENT for one in pieces(text)):
            self.post_message(Said("comments would be lost: not formatted", "warning"))
            return
        try:
            formatted = pretty(parse(text))
        except ParseError as problem:
            self.post_message(Said(f"not formatted: {problem.message}", "warning"))
            return
        if formatted != text:
            self.replace(formatted, (0, 0), self.document.end)
            self.move_cursor(self.document.end)

    def update_suggestion(self) -> None:
        """The rest of an earlier expression that begins with this one, at the end of the text."""
        text = self.text
        earlier = self.recall(text) if text.strip() and self.cursor_at_end_of_text else ""
        self.suggestion = inert(earlier[len(text) :])

    @property
    def caret(self) -> int:
        """The place of the caret in characters of the text."""
        row, column = self.cursor_location
        lines = self.text.split("\n")
        return sum(len(line) + 1 for line in lines[:row]) + column

    def _location(self, at: int) -> tuple[int, int]:
        """The row and column of a place in characters."""
        before = self.text[:at]
        return before.count("\n"), at - before.rfind("\n") - 1

    def submit(self) -> None:
        """Run what is typed; brackets that only lack their end are closed first."""
        text = self.text.strip()
        if not text:
            return
        missing = closing(text)
        if missing:
            text += missing
        self.put(text)
        self.post_message(self.Submitted(text, missing))

    def action_newline(self) -> None:
        self.insert("\n")

    def put(self, text: str) -> None:
        """Replace everything by `text`, the caret at its end."""
        self._error = None
        self.given = text
        self._popup.close()
        self.load_text(text)
        self.move_cursor(self.document.end)


def _prompt_theme(colours: Colours) -> TextAreaTheme:
    series = colours.series or (colours.graph,) * 8
    return TextAreaTheme(
        name=_THEME,
        base_style=colours.text,
        cursor_style=Style(reverse=True),
        selection_style=colours.cursor,
        bracket_matching_style=Style(bold=True, underline=True),
        syntax_styles={
            "metric": colours.strong,
            "label": series[1],
            "string": series[2],
            "number": series[0],
            "duration": series[0],
            "function": series[4],
            "aggregator": series[6],
            "keyword": series[6],
            "operator": colours.accent,
            "punctuation": colours.muted,
            "comment": colours.muted,
            "error": colours.critical + Style(underline=True),
        },
    )
