"""The jump overlay: a letter on every box; its key gives that box the focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

LETTERS: Final = "asdfghjklqwertyuiopzxcvbnm"


class JumpOverlay(ModalScreen[int | None]):
    """Dismisses with the place of the chosen box among `boxes`, or None."""

    DEFAULT_CSS = """
    JumpOverlay { background: transparent; }
    JumpOverlay Static {
        position: absolute; width: 3; height: 1; text-style: reverse bold;
        background: $surface; color: $foreground;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+o", "dismiss(None)", "close", show=False),
    ]

    def __init__(self, boxes: Sequence[Widget]) -> None:
        super().__init__()
        self._boxes = boxes[: len(LETTERS)]

    def compose(self) -> ComposeResult:
        for letter, box in zip(LETTERS, self._boxes, strict=False):
            label = Static(f" {letter} ", markup=False)
            label.styles.offset = box.region.offset
            yield label

    def on_key(self, event: events.Key) -> None:
        place = LETTERS.find(event.character) if event.character else -1
        if 0 <= place < len(self._boxes):
            event.stop()
            self.dismiss(place)


def jump(app: App[Any]) -> None:
    """Put a letter on every box that can have the focus, where there is any."""
    boxes = [one for one in app.screen.focus_chain if isinstance(one, Widget)]

    def chosen(place: int | None) -> None:
        if place is not None:
            boxes[place].focus()

    if boxes:
        app.push_screen(JumpOverlay(boxes), chosen)
