"""The theme of the screen: which one at the start, and another one while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from termprom.errors import TermpromError
from termprom.tui.background import terminal_is_light
from termprom.tui.colours import forget_colours
from termprom.tui.themes import load_theme, textual_theme, theme_files

if TYPE_CHECKING:
    from termprom.tui.app import TermpromApp

Say = Callable[[str, str], None]


class Colouring:
    """One per app."""

    def __init__(self, app: TermpromApp, say: Say) -> None:
        self._app = app
        self._say = say

    def __repr__(self) -> str:
        return f"Colouring({self._app.theme})"

    def begin(self, wanted: str, *, colourless: bool) -> None:
        """Before the first frame; `auto` asks the terminal."""
        if wanted == "auto":
            if colourless or os.environ.get("TERM") == "dumb":
                wanted = "ansi"
            else:
                wanted = "light" if terminal_is_light() else "dark"
        known = wanted in theme_files()
        self._use(wanted if known else "dark")
        if not known:
            self._app.call_later(self._say, _unknown(wanted), "warning")

    def show(self, name: str) -> None:
        """Change the colours now; a file that was edited is read again."""
        try:
            self._use(name)
        except KeyError:
            self._say(_unknown(name), "warning")
            return
        except TermpromError as problem:
            self._say(str(problem), "error")
            return
        self._app.refresh_css(animate=False)
        for widget in self._app.screen_stack[0].walk_children():
            restyle = getattr(widget, "restyle", None)
            if restyle is not None:
                restyle()
            widget.refresh()

    def _use(self, name: str) -> None:
        """Raises ConfigError, KeyError."""
        theme = textual_theme(load_theme(theme_files()[name]))
        forget_colours(theme.name)
        self._app.register_theme(theme)
        self._app.theme = theme.name


def _unknown(name: str) -> str:
    return f"no theme {name}; there are: {', '.join(theme_files())}"
