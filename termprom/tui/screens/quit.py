"""The one question before leaving: what is to become of the engine."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

_TEXT = """\
k  keep the engine running without a screen
   ('termprom' attaches again, 'termprom stop' ends it)
s  stop it and leave
esc  stay here"""


class QuitQuestion(ModalScreen[str]):
    """Dismisses with "keep", "stop" or "stay". A second ctrl+c or q stops."""

    DEFAULT_CSS = """
    QuitQuestion { align: center middle; background: transparent; }
    QuitQuestion Static {
        width: 58; max-width: 100%; height: auto; padding: 0 1;
        border: solid $border; background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "answer('keep')", "keep"),
        Binding("s,q,ctrl+c,ctrl+q", "answer('stop')", "stop"),
        Binding("escape,n", "answer('stay')", "stay"),
    ]

    def compose(self) -> ComposeResult:
        question = Static(_TEXT, markup=False)
        question.border_title = "Leave termprom"
        yield question

    def action_answer(self, outcome: str) -> None:
        self.dismiss(outcome)
