"""A list over the whole screen with its filter open: help, and the command palette."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.virtual_list import VirtualList


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the dialog; `id` is what it dismisses with."""

    id: str
    key: str
    text: str
    group: str = ""


_MODEL: RowModel[Entry] = RowModel(
    (
        Column("key", "KEY", lambda one: one.key, width_max=24),
        Column("text", "WHAT", lambda one: one.text, flex=1, width_min=10, width_max=200),
        Column("group", "WHERE", lambda one: one.group, width_max=24, rank=1),
    ),
    key=lambda one: (one.id, one.key, one.group),
)


class RowsDialog(ModalScreen[str | None]):
    """Dismisses with the id of the entry that enter is pressed on; None for esc.

    What is typed but names no entry is dismissed with as it is, where `free_text` allows that.
    """

    DEFAULT_CSS = """
    RowsDialog { background: transparent; align: center middle; }
    RowsDialog VirtualList {
        width: 90%; max-width: 110; height: 90%; border: solid $border; background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss(None)", "close", show=False),
    ]

    def __init__(
        self,
        title: str,
        entries: Sequence[Entry],
        *,
        ascii_only: bool,
        typing: bool = False,
        free_text: bool = False,
        words_only: bool = False,
    ) -> None:
        super().__init__()
        self._entries = entries
        self._typing = typing
        self._free_text = free_text
        self._list = VirtualList(_MODEL, title=title, ascii_only=ascii_only, id="dialog-list")
        self._list.words_only = words_only

    def compose(self) -> ComposeResult:
        yield self._list

    def on_mount(self) -> None:
        self._list.set_rows(self._entries)
        self._list.focus()
        if self._typing:
            self._list.instant = True
            self._list.action_filter()

    def on_virtual_list_opened(self, event: VirtualList.Opened) -> None:
        event.stop()
        assert isinstance(event.row, Entry)
        typed = self._list.filter_text
        self.dismiss(f"{event.row.id} {typed.partition(' ')[2]}".strip())

    def on_virtual_list_not_found(self, event: VirtualList.NotFound) -> None:
        event.stop()
        if self._free_text:
            self.dismiss(event.typed)

    def on_virtual_list_abandoned(self, event: VirtualList.Abandoned) -> None:
        event.stop()
        self.dismiss(None)
