"""`termprom keys`: every command of the screen and the keys that it has here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from termprom.errors import ConfigError


def run(arguments: Sequence[str]) -> int:
    from termprom.tui.keymap import COMMANDS, PRESETS, key_names
    from termprom.tui.keymap_file import keymap_path, load_keymap

    parser = argparse.ArgumentParser(
        prog="termprom keys",
        description="The keys of the screen, with those of your own keys.yml.",
        epilog=f"presets: {', '.join(PRESETS)}; your own keys go into {keymap_path()}",
        allow_abbrev=False,
    )
    parser.add_argument("--file", type=Path, default=keymap_path(), metavar="FILE",
                        help="read this file in place of your own")  # fmt: skip
    chosen = parser.parse_args(arguments)
    try:
        overrides = load_keymap(chosen.file)
    except ConfigError as problem:
        print(f"termprom keys: {problem}", file=sys.stderr)
        return 1
    width = max(map(len, COMMANDS))
    group = ""
    for command in COMMANDS.values():
        if command.group != group:
            group = command.group
            print(f"{group}")
        keys = overrides.get(command.id, command.keys)
        mark = "*" if command.id in overrides else " "
        print(f" {mark} {command.id:{width}}  {key_names(keys):22} {command.title}".rstrip())
    if overrides:
        print(f"* not as shipped: {chosen.file}")
    return 0
