"""Every command of the screen and its keys: the one table behind footer, help and overrides.

Widgets build their bindings with `bind`, so that one letter means one thing everywhere. Letters
of which `tui.md` says that no terminal delivers them, or that arrive as something else, are refused
when an operator maps a command to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Command:
    """Something that a key does. `keys` are comma-separated names as Textual spells them."""

    id: str
    keys: str
    title: str
    group: str


_TABLE: Final = (
    # id, keys, title, group
    ("move.down", "j,down", "down", "Move"),
    ("move.up", "k,up", "up", "Move"),
    ("move.left", "h,left", "left", "Move"),
    ("move.right", "l,right", "right", "Move"),
    ("move.top", "g,home", "top", "Move"),
    ("move.bottom", "G,end", "bottom", "Move"),
    ("move.half_down", "ctrl+d", "half page down", "Move"),
    ("move.half_up", "ctrl+u", "half page up", "Move"),
    ("move.page_down", "ctrl+f,pagedown", "page down", "Move"),
    ("move.page_up", "ctrl+b,pageup", "page up", "Move"),
    ("list.open", "enter", "open", "List"),
    ("list.filter", "slash", "filter", "List"),
    ("list.sort", "s", "sort", "List"),
    ("list.problems", "z", "problems/all", "List"),
    ("list.mark", "space", "mark / fold", "List"),
    ("list.group", "b", "by label", "List"),
    ("list.wide", "x", "more columns", "List"),
    ("list.wrap", "w", "wrap", "List"),
    ("pane.detail", "d", "detail on/off", "Pane"),
    ("pane.full", "f", "full screen", "Pane"),
    ("pane.query", "o", "open as query", "Pane"),
    ("pane.silence", "S", "silence", "Pane"),
    ("pane.yank", "y", "copy", "Pane"),
    ("pane.tab", "m", "next tab", "Pane"),
    ("pane.level", "L", "level", "Pane"),
    ("pane.reload", "R", "reload config", "Pane"),
    ("pane.expire", "X", "end silence", "Pane"),
    ("app.back", "escape", "back", "App"),
    ("app.previous", "minus,backspace", "previous pane", "App"),
    ("app.history_back", "left_square_bracket", "back in history", "App"),
    ("app.history_forward", "right_square_bracket", "forward in history", "App"),
    ("app.palette", "colon,ctrl+p", "command", "App"),
    ("app.help", "question_mark,f1", "help", "App"),
    ("app.jump", "ctrl+o", "jump to a box", "App"),
    ("app.refresh", "r", "refresh", "App"),
    ("app.pause", "p", "pause", "App"),
    ("app.now", "full_stop", "live, now", "App"),
    ("app.range", "t", "time range", "App"),
    ("app.zone", "T", "time zone", "App"),
    ("app.undo_silence", "u", "undo silence", "App"),
    ("app.redraw", "ctrl+l", "redraw", "App"),
    ("app.mouse", "percent_sign", "mouse on/off", "App"),
    ("app.quit", "q", "quit", "App"),
    ("app.quit_now", "ctrl+q", "quit", "App"),
    ("app.interrupt", "ctrl+c", "quit", "App"),
    ("app.debug", "f12", "debug line", "App"),
)
COMMANDS: Final = {row[0]: Command(*row) for row in _TABLE}

PRESETS: Final[Mapping[str, Mapping[str, str]]] = {
    "vim": {},
    "emacs": {
        "move.down": "ctrl+n,down",
        "move.up": "ctrl+p,up",
        "move.half_down": "ctrl+v",
        "move.half_up": "ctrl+y",
        "list.filter": "slash,ctrl+s",
        "app.palette": "colon,ctrl+x",
        "app.back": "escape,ctrl+g",
    },
    "k9s": {
        "app.quit": "q",
        "app.previous": "minus",
        "list.wide": "x,ctrl+w",
        "app.refresh": "r,ctrl+r",
    },
}

# What these arrive as in a terminal without the kitty protocol, or that nothing ever arrives.
UNUSABLE: Final[Mapping[str, str]] = {
    "ctrl+h": "arrives as backspace",
    "ctrl+i": "arrives as tab",
    "ctrl+m": "arrives as enter",
    "ctrl+left_square_bracket": "arrives as escape",
    "alt+enter": "arrives as enter",
    **{f"alt+{digit}": "arrives as a typographic character" for digit in range(10)},
}


def bind(command: str, action: str, *, show: bool = False, title: str = "") -> Binding:
    """The binding of a command of the table; `title` says what it does here, more precisely."""
    known = COMMANDS[command]
    return Binding(known.keys, action, title or known.title, show=show, id=command)


def split_keys(keys: str) -> list[str]:
    return [one.strip() for one in keys.split(",") if one.strip()]


@dataclass(frozen=True, slots=True)
class Clash:
    """One key that means two commands in one focus chain."""

    key: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{key_name(self.key)} means both {self.first} and {self.second}"


def find_clashes(chain: Iterable[Sequence[Binding]], overrides: Mapping[str, str]) -> list[Clash]:
    """Keys that an override gave to a second command of the same focus chain.

    `chain` holds the bindings of each widget from the focused one up to the app. Without
    overrides an inner binding may hide an outer one on purpose (`-` zooms a graph out).
    """
    owners: dict[str, str] = {}
    clashes = []
    for bindings in chain:
        for binding in bindings:
            name = binding.id or binding.action
            for key in split_keys(overrides.get(binding.id or "", binding.key)):
                owner = owners.setdefault(key, name)
                if owner != name and (owner in overrides or name in overrides):
                    clashes.append(Clash(key, owner, name))
    return clashes


_SHOWN: Final = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "full_stop": ".",
    "minus": "-",
    "underscore": "_",
    "plus": "+",
    "percent_sign": "%",
    "exclamation_mark": "!",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "backslash": "\\",
    "asterisk": "*",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "equals_sign": "=",
    "ctrl+at": "ctrl+space",
}


def key_name(key: str) -> str:
    """How people write a key: `?` for question_mark."""
    return _SHOWN.get(key, key)


def key_names(keys: str) -> str:
    """`j down` of "j,down"."""
    return " ".join(key_name(one) for one in split_keys(keys))
