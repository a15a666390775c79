"""`termprom`: engine and screen in one process."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from termprom.cli.flags import parse_settings
from termprom.errors import TermpromError

_DESCRIPTION = (
    "A whole Prometheus in a terminal. Without flags it watches itself and this host. "
    "'termprom help' lists the other commands."
)


def run(arguments: Sequence[str]) -> int:
    settings = parse_settings(arguments, "termprom", _DESCRIPTION)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(
            "termprom: this is no terminal; use 'termprom serve' for an engine without a screen",
            file=sys.stderr,
        )
        return 1
    from termprom.daemon.interactive import run_with_screen

    try:
        return run_with_screen(settings)
    except TermpromError as problem:
        print(f"termprom: {problem}", file=sys.stderr)
        return 1
