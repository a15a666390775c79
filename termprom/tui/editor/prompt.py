"""The prompt: a small editor for expressions. Enter runs, ctrl+j breaks the line."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from termprom.tui.colours import Colours, colours_of
from termprom.tui.editor.highlight import closing, pieces

_HEIGHT_MAX: Final = 6
_THEME: Final = "termprom-promql"


class Prompt(TextArea):
    """An expression being typed, with its words coloured and its error underlined."""

    DEFAULT_CSS = """
    Prompt { height: auto; min-height: 1; max-height: 6; border: none; padding: 0; }
    Prompt:focus { border: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,shift+enter", "newline", "newline", id="prompt.newline", show=True),
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

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        self._error: tuple[int, int] | None = None
        super().__init__(
            text,
            id=id,
            soft_wrap=True,
            tab_behavior="focus",
            show_line_numbers=False,
            highlight_cursor_line=False,
            placeholder="PromQL: enter runs, ctrl+j newline",
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

    def _build_highlight_map(self) -> None:
        """Colour from our own lexer; Textual wants byte offsets per line."""
        self._line_cache.clear()
        highlights: dict[int, list[tuple[int, int | None, str]]] = defaultdict(list)
        text = self.document.text
        found = [(start, end, kind) for start, end, kind in pieces(text)]
        if self._error is not None:
            found.append((*self._error, "error"))
        line_starts = [0]
        for line in text.split("\n"):
            line_starts.append(line_starts[-1] + len(line) + 1)
        lines = text.split("\n")
        for start, end, kind in found:
            for number, line in enumerate(lines):
                first, last = line_starts[number], line_starts[number] + len(line)
                if start > last or end < first:
                    continue
                from_, to = max(start, first) - first, min(end, last) - first
                if from_ < to:
                    highlights[number].append(
                        (len(line[:from_].encode()), len(line[:to].encode()), kind)
                    )
        self._highlights = highlights

    def show_error(self, start: int, end: int) -> None:
        """Underline [start, end), in bytes of the text; an empty span underlines one character."""
        raw = self.text.encode()
        first = len(raw[: max(start, 0)].decode(errors="ignore"))
        last = len(raw[: max(end, 0)].decode(errors="ignore"))
        first = min(first, max(len(self.text) - 1, 0))
        self._error = (first, max(last, first + 1))
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
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.submit()
        elif event.key == "escape":
            event.stop()
            event.prevent_default()
            self.post_message(self.Left())
        elif event.key == "up" and self.cursor_at_first_line:
            event.stop()
            event.prevent_default()
            self.post_message(self.HistoryWanted(-1))
        elif event.key == "down" and self.cursor_at_last_line:
            event.stop()
            event.prevent_default()
            self.post_message(self.HistoryWanted(1))
        else:
            await super()._on_key(event)

    def submit(self) -> None:
        """Run what is typed; brackets that only lack their end are closed first."""
        text = self.text.strip()
        if not text:
            return
        missing = closing(text)
        if missing:
            text += missing
            self.load_text(text)
            self.move_cursor(self.document.end)
        self.post_message(self.Submitted(text, missing))

    def action_newline(self) -> None:
        self.insert("\n")

    def put(self, text: str) -> None:
        """Replace everything by `text`, the caret at its end."""
        self._error = None
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
