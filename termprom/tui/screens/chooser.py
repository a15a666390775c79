"""Choose one of a few names, by letter or by cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from termprom.tui.cells import fit, inert, width_of
from termprom.tui.colours import colours_of

_WIDTH_MIN = 40
_LETTERS = "123456789abcdefghimnoprstuvwxyz"  # not j, k, l and q, which move and leave


class Options(Widget, can_focus=True):
    """The names, one a line."""

    def __init__(
        self, names: Mapping[str, str], current: str, letters: Mapping[str, str] | None
    ) -> None:
        super().__init__()
        self.ids = list(names)
        self.letters = (
            [letters[one] for one in names]
            if letters is not None
            else list(_LETTERS[: len(names)]) + [" "] * (len(names) - len(_LETTERS))
        )
        self._names = list(names.values())
        self.cursor = self.ids.index(current) if current in self.ids else 0
        self._current = current

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """The letter of a choice is that choice, also where it would move or leave elsewhere."""
        return bool(character and character.strip() and character in self.letters)

    def render_line(self, y: int) -> Strip:
        colours, width = colours_of(self.app), self.size.width
        index = max(self.cursor - self.size.height + 1, 0) + y
        if index >= len(self._names):
            return Strip.blank(width)
        letter = self.letters[index]
        mark = "*" if self.ids[index] == self._current else " "
        text = fit(f" {letter} {mark} {inert(self._names[index])}", width)
        style = colours.cursor if index == self.cursor else colours.text
        return Strip([Segment(text, style)], width)


class Chooser(ModalScreen[str | None]):
    """Dismisses with the id of the choice, or None."""

    DEFAULT_CSS = """
    Chooser { align: center middle; background: transparent; }
    Chooser Options { max-width: 100%; border: solid $border; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "close", show=False),
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("enter,l", "take", "take", show=False),
    ]

    def __init__(
        self,
        title: str,
        names: Mapping[str, str],
        current: str = "",
        *,
        letters: Mapping[str, str] | None = None,
    ) -> None:
        """`letters` are the keys of the choices, by id; otherwise they are counted through."""
        super().__init__()
        self._options = Options(names, current, letters)
        self._options.border_title = inert(title).replace("[", r"\[")
        texts = [width_of(inert(text)) + 8 for text in names.values()]
        self._options.styles.width = max(_WIDTH_MIN, width_of(title) + 6, *texts)

    def compose(self) -> ComposeResult:
        self._options.styles.height = min(len(self._options.ids) + 2, max(self.app.size.height, 4))
        yield self._options

    def action_move(self, lines: int) -> None:
        options = self._options
        options.cursor = max(min(options.cursor + lines, len(options.ids) - 1), 0)
        options.refresh()

    def action_take(self) -> None:
        if self._options.ids:
            self.dismiss(self._options.ids[self._options.cursor])

    def on_key(self, event: events.Key) -> None:
        letters = self._options.letters
        if event.character and event.character.strip() and event.character in letters:
            event.stop()
            event.prevent_default()
            self.dismiss(self._options.ids[letters.index(event.character)])
