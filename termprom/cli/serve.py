"""`termprom serve`: the engine without a screen."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from termprom.cli.flags import parse_settings
from termprom.errors import TermpromError


def run(arguments: Sequence[str]) -> int:
    settings = parse_settings(arguments, "termprom serve", "The engine without a screen.")
    from termprom.daemon.foreground import serve

    try:
        return serve(settings)
    except TermpromError as problem:
        print(f"termprom: {problem}", file=sys.stderr)
        return 1
