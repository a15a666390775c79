"""Last row: the keys that work here, made from the bindings, always ending in help."""

from __future__ import annotations

from collections.abc import Sequence

from termprom.tui.cells import width_of
from termprom.tui.colours import colours_of
from termprom.tui.keymap import footer_rank, key_name, split_keys
from termprom.tui.widgets.bar import Bar, Piece


class KeyBar(Bar):
    """See the module."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.redraw())

    def left(self) -> Sequence[Piece]:
        colours = colours_of(self.app)
        help_key = Piece(" ? help", colours.bar_muted, "app.help")
        room = self.size.width - width_of(help_key.text)
        pieces: list[Piece] = []
        shown: set[str] = set()
        if self.app.screen is not self.screen:
            return [help_key]
        offered = self.screen.active_bindings.values()
        for active in sorted(offered, key=lambda one: footer_rank(one.binding.id or "")):
            binding = active.binding
            if not binding.show or not active.enabled or binding.id == "app.help":
                continue
            name = binding.id or binding.action
            if name in shown:  # a command of several keys is told once
                continue
            shown.add(name)
            key = key_name(split_keys(binding.key)[0])
            text = f" {key} "
            room -= width_of(text) + width_of(binding.description) + 1
            if room < 0:
                break
            action = f"app.press('{split_keys(binding.key)[0]}')"
            pieces.append(Piece(text, colours.bar_chosen, action))
            pieces.append(Piece(binding.description + " ", colours.bar_muted, action))
        return [*pieces, help_key]
