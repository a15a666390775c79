"""Commands as lists to search in, the help and the palette, and those that have no key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.binding import Binding

from termprom.errors import TermpromError
from termprom.tui.keymap import COMMANDS, key_names
from termprom.tui.registry import PaneEntry
from termprom.tui.themes import theme_files
from termprom.tui.work import begin

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from termprom.tui.app import TermpromApp
    from termprom.tui.screens.rows_dialog import Entry

Say = Callable[[str, str], None]


class Commands:
    """One per app."""

    def __init__(self, app: TermpromApp, panes: Mapping[str, PaneEntry], say: Say) -> None:
        self._app = app
        self._panes = panes
        self._say = say

    def __repr__(self) -> str:
        return f"Commands(of {len(self._panes)} panes)"

    def show_help(self) -> None:
        from termprom.tui.screens.rows_dialog import RowsDialog

        entries = [entry for entry, _, _ in self._offered()]
        if len(self._panes) > 1:
            entries += self._pane_entries("Panes")
        self._app.push_screen(
            RowsDialog("Help: / filters by key or word, esc closes", entries,
                       ascii_only=self._app.ascii_output)
        )  # fmt: skip

    def show_palette(self) -> None:
        """Panes, themes, and every command that does something where the focus is."""
        from termprom.tui.screens.rows_dialog import Entry, RowsDialog

        offered = {
            entry.id: (entry, binding, node)
            for entry, binding, node in self._offered()
            if not entry.id.startswith("move.") and entry.id != "app.palette"
        }
        entries = [
            *self._pane_entries("pane"),
            *(entry for entry, _, _ in offered.values()),
            Entry("reload", "", "reload: read the configuration again", "engine"),
            *(Entry(f"theme-{one}", "", f"theme {one}", "screen") for one in theme_files()),
        ]
        dialog = RowsDialog("Command", entries, ascii_only=self._app.ascii_output, typing=True)

        async def chosen(text: str | None) -> None:
            word = (text or "").split(" ")[0]
            if word in offered:
                _, binding, node = offered[word]
                await self._app.run_action(binding.action, node)
            else:
                await self._run(word)

        self._app.push_screen(dialog, chosen)

    async def _run(self, word: str) -> None:
        """What is taken from the palette and is no key."""
        if word in self._panes:
            await self._app.action_show_pane(word)
        elif word.startswith("theme-"):
            self._app.show_theme(word.removeprefix("theme-"))
        elif word == "reload":
            self.reload()

    def reload(self) -> None:
        """Have the engine read its configuration again."""
        begin(self._app, self._reload, group="reload", exclusive=True)

    async def _reload(self) -> None:
        session = self._app.session
        if session is None:
            return
        try:
            await session.backend.reload()
        except TermpromError as problem:
            self._say(f"reload failed, the old configuration goes on: {problem}", "error")
        else:
            self._say("configuration reloaded", "information")
        self._app.action_refresh_now()

    def _offered(self) -> list[tuple[Entry, Binding, DOMNode]]:
        """Every command that does something here and now, with the keys that it has."""
        from termprom.tui.screens.rows_dialog import Entry

        keys: dict[tuple[str, str], list[str]] = {}
        found: dict[tuple[str, str], tuple[Binding, DOMNode]] = {}
        for active in self._app.screen.active_bindings.values():
            binding = active.binding
            if active.enabled and binding.description:
                name = (binding.id or binding.action, binding.description)
                keys.setdefault(name, []).append(key_names(binding.key))
                found.setdefault(name, (binding, active.node))
        return [
            (Entry(name, " ".join(dict.fromkeys(keys[name, title])), title,
                   COMMANDS[name].group if name in COMMANDS else "here"), binding, node)
            for (name, title), (binding, node) in found.items()
        ]  # fmt: skip

    def _pane_entries(self, group: str) -> list[Entry]:
        from termprom.tui.screens.rows_dialog import Entry

        return [
            Entry(one.name.id, one.name.key, f"{one.name.title} pane", group)
            for one in self._panes.values()
        ]
