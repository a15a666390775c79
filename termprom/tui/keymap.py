"""Every command of the screen and its keys: the one table behind footer, help, palette, overrides.

Widgets build their bindings with `bind`, so that one letter means one thing everywhere. The first
part of an id says where a command lives; `CHAINS` are the parts that a key can meet on its way from
the focused box to the app, and within one of them a key that an operator gives away must be free.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    ("prompt.run", "enter", "run", "Prompt"),
    ("prompt.complete", "tab", "complete", "Prompt"),
    ("prompt.leave", "escape", "keys", "Prompt"),
    ("prompt.newline", "ctrl+j,shift+enter", "newline", "Prompt"),
    ("prompt.format", "f2", "format", "Prompt"),
    ("prompt.explain", "f6", "explain", "Prompt"),
    ("query.edit", "i,e", "edit", "Query"),
    ("query.explain", "f6", "explain", "Query"),
    ("query.graph", "m", "graph", "Query"),
    ("query.history", "f4,ctrl+r", "history", "Query"),
    ("query.undo", "u", "undo", "Query"),
    ("query.redo", "U", "redo", "Query"),
    ("query.now", "full_stop", "live, now", "Query"),
    ("query.cancel", "ctrl+c", "cancel", "Query"),
    ("query.drop", "escape", "drop", "Query"),
    ("explain.take", "f5", "to the prompt", "Explain"),
    ("graph.left", "h,left", "crosshair", "Graph"),
    ("graph.right", "l,right", "crosshair right", "Graph"),
    ("graph.far_left", "shift+left", "crosshair far left", "Graph"),
    ("graph.far_right", "shift+right", "crosshair far right", "Graph"),
    ("graph.pan_left", "H", "pan", "Graph"),
    ("graph.pan_right", "L", "pan right", "Graph"),
    ("graph.zoom_in", "plus,equals_sign", "zoom", "Graph"),
    ("graph.zoom_out", "minus,underscore", "zoom out", "Graph"),
    ("graph.select", "v", "select", "Graph"),
    ("graph.take", "enter", "zoom to selection", "Graph"),
    ("graph.next", "j,down", "next series", "Graph"),
    ("graph.previous", "k,up", "previous series", "Graph"),
    ("graph.hide", "space", "hide series", "Graph"),
    ("graph.isolate", "asterisk", "isolate", "Graph"),
    ("graph.mode", "m", "mode", "Graph"),
    ("graph.axis", "Y", "y axis", "Graph"),
    ("graph.compare", "c", "compare", "Graph"),
    ("graph.marks", "A", "marks", "Graph"),
    ("graph.sort", "s", "sort series", "Graph"),
    ("graph.expand", "x", "all lines, more legend", "Graph"),
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
    ("pane.detail", "d", "detail on/off", "Pane"),
    ("pane.full", "f", "full screen", "Pane"),
    ("pane.query", "o", "query", "Pane"),
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

# The parts of the table, and single commands of others, that one key press can meet on its way
# from the focused box outwards.
CHAINS: Final = (
    ("move", "list", "pane", "app"),
    ("graph", "query", "pane.yank", "list.group", "app"),
    ("prompt", "query", "pane.yank", "list.group", "app"),
    ("explain", "move", "list", "query", "pane.yank", "app"),
)
# Keys of the prompt that are part of editing; a text area without them would trap its user.
FIXED: Final = frozenset({"prompt.run", "prompt.complete", "prompt.leave"})

# What the footer shows first, where it is offered; the rest follows as the widgets list it.
_FOOTER_ORDER: Final = (
    "app.undo_silence", "list.open", "pane.query", "pane.silence", "list.filter", "pane.tab",
    "prompt.run", "prompt.complete", "query.edit", "graph.left", "graph.pan_left",
    "graph.zoom_in", "graph.select", "list.group", "graph.mode",
)  # fmt: skip
_FOOTER_RANKS: Final = {name: rank for rank, name in enumerate(_FOOTER_ORDER)}

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
        "query.history": "f4",
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


def footer_rank(command: str) -> int:
    """Where a command stands among those that the footer has room for."""
    return _FOOTER_RANKS.get(command, len(_FOOTER_RANKS))


@dataclass(frozen=True, slots=True)
class Clash:
    """One key that means two commands in one focus chain."""

    key: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{key_name(self.key)} means both {self.first} and {self.second}"


def find_clashes(overrides: Mapping[str, str]) -> list[Clash]:
    """Keys that an override gave to a second command of the same chain.

    Without overrides an inner command may hide an outer one on purpose (`-` zooms a graph out).
    """
    clashes: dict[tuple[str, str, str], Clash] = {}
    for chain in CHAINS:
        owners: dict[str, list[str]] = {}
        for command in COMMANDS.values():
            if command.id not in chain and command.id.partition(".")[0] not in chain:
                continue
            for key in split_keys(overrides.get(command.id, command.keys)):
                for owner in owners.setdefault(key, []):
                    if owner in overrides or command.id in overrides:
                        clashes[key, owner, command.id] = Clash(key, owner, command.id)
                owners[key].append(command.id)
    # A pair whose keys nobody has touched may share one, as it does in the table.
    return [
        clash
        for clash in clashes.values()
        if not all(
            clash.key in split_keys(COMMANDS[name].keys) for name in (clash.first, clash.second)
        )
    ]


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
