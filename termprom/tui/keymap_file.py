"""The operator's own keys: `keys.yml` in the config folder.

    preset: k9s                     optional: vim (the default), emacs, k9s
    keys:
      app.quit: Q                   a command and its keys, which take the place of all it had
      pane.silence: [S, ctrl+s]

What is wrong in it is told with file and command, and the screen goes on with the keys it knows.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from termprom.errors import ConfigError
from termprom.tui.folders import config_folder
from termprom.tui.keymap import COMMANDS, FIXED, PRESETS, UNUSABLE, find_clashes

# How people write the keys that have a name of their own.
_NAMED: Final[Mapping[str, str]] = {
    "?": "question_mark", ":": "colon", "/": "slash", ".": "full_stop", "-": "minus",
    "_": "underscore", "+": "plus", "%": "percent_sign", "!": "exclamation_mark",
    "[": "left_square_bracket", "]": "right_square_bracket", "\\": "backslash",
    "*": "asterisk", "=": "equals_sign", ",": "comma", ";": "semicolon", "'": "apostrophe",
    '"': "quotation_mark", "<": "less_than_sign", ">": "greater_than_sign", "@": "at",
    "#": "number_sign", "$": "dollar_sign", "&": "ampersand", "^": "circumflex_accent",
    "~": "tilde", "|": "vertical_line", "(": "left_parenthesis", ")": "right_parenthesis",
    "{": "left_curly_bracket", "}": "right_curly_bracket", "`": "grave_accent",
    "esc": "escape", "pgdn": "pagedown", "pgup": "pageup", "return": "enter", " ": "space",
    "ctrl+space": "ctrl+at",
}  # fmt: skip
_KEY: Final = re.compile(r"((ctrl|alt|shift)\+)*([a-zA-Z0-9]|[a-z_]{2,}|f[0-9]{1,2})")
_FILE: Final = "keys.yml"


def keymap_path() -> Path:
    return config_folder() / _FILE


def load_keymap(path: Path) -> Mapping[str, str]:
    """The overrides of a file, by command; none where there is no file. Raises ConfigError."""
    if not path.is_file():
        return {}
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"cannot be read: {problem}", str(path)) from problem
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ConfigError(f"is not YAML: {problem}", str(path), line, column) from problem
    return check_keymap(tree, str(path))


def check_keymap(tree: Any, path: str) -> Mapping[str, str]:
    """Overrides out of parsed YAML. Raises ConfigError, also for a key that means two commands."""
    if tree is None:
        return {}
    if not isinstance(tree, dict) or not set(tree) <= {"preset", "keys"}:
        raise ConfigError("a keymap has a preset, keys, or both", path)
    preset = tree.get("preset", "vim")
    if preset not in PRESETS:
        raise ConfigError(f"no preset {preset}; there are: {', '.join(PRESETS)}", path,
                          key="preset")  # fmt: skip
    wanted = tree.get("keys") or {}
    if not isinstance(wanted, dict):
        raise ConfigError("expected commands and their keys", path, key="keys")
    overrides = dict(PRESETS[preset])
    for command, keys in wanted.items():
        overrides[_command(command, path)] = _keys(command, keys, path)
    if clashes := find_clashes(overrides):
        raise ConfigError("; ".join(map(str, clashes)), path, key="keys")
    return overrides


def _command(name: Any, path: str) -> str:
    if name in FIXED:
        raise ConfigError("is part of editing and cannot be moved", path, key=f"keys.{name}")
    if name not in COMMANDS:
        near = difflib.get_close_matches(str(name), COMMANDS, 1)
        hint = f", did you mean {near[0]}?" if near else " (termprom keys lists them)"
        raise ConfigError(f"no such command{hint}", path, key=f"keys.{name}")
    return str(name)


def _keys(command: str, given: Any, path: str) -> str:
    written = given if isinstance(given, list) else [given]
    if not written:
        raise ConfigError("expected a key or a list of keys", path, key=f"keys.{command}")
    return ",".join(_key(one, command, path) for one in written)


def _key(written: Any, command: str, path: str) -> str:
    text = str(written)  # a digit arrives as a number
    before, plus, last = text.rpartition("+") if len(text) > 1 else ("", "", text)
    name = _NAMED.get(text) or before + plus + _NAMED.get(last, last)
    if name in UNUSABLE:
        raise ConfigError(f"{text} cannot be used: it {UNUSABLE[name]}", path,
                          key=f"keys.{command}")  # fmt: skip
    if not _KEY.fullmatch(name):
        raise ConfigError(f"{text!r} is no key like S, ctrl+s, f5 or ?", path,
                          key=f"keys.{command}")  # fmt: skip
    return name
