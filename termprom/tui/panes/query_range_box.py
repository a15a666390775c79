"""The time range box: presets by digit, or free text."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from termprom.tui.panes.query_range_text import PRESETS, parse_range
from termprom.tui.session import Session, TimeRange


class RangeBox(ModalScreen[TimeRange | None]):
    """Dismisses with the range chosen, or None. A digit alone takes the preset of that number."""

    DEFAULT_CSS = """
    RangeBox { align: center middle; background: transparent; }
    RangeBox Vertical { width: 66; max-width: 95%; height: auto; border: solid $border; }
    RangeBox Input { border: none; height: 1; padding: 0; }
    RangeBox Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = f"Time range ({self._session.zone_name})"
            numbers = [(number + 1) % 10 for number in range(len(PRESETS))]
            presets = zip(numbers, PRESETS, strict=True)
            yield Static("  ".join(f"{n} {text}" for n, text in presets), markup=False)
            field = Input(placeholder="90m   6h..5h   11:30+20m   2026-05-02 11:30..12:00   now")
            field.cursor_blink = False
            yield field
            yield Static("enter takes, esc closes; a digit takes a preset", markup=False, id="hint")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if len(text) == 1 and text.isdigit():
            text = PRESETS[(int(text) - 1) % 10]
        session = self._session
        try:
            found = parse_range(text, session.now_ms(), session.zone, session.range.span_ms)
        except ValueError as problem:
            self.query_one("#hint", Static).update(str(problem))
            return
        self.dismiss(found)
