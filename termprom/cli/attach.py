"""`termprom attach URL`: the screen alone, on any server that speaks the Prometheus API."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="termprom attach",
        description="The screen alone, on a server that speaks the Prometheus API.",
        allow_abbrev=False,
    )
    parser.add_argument("url", metavar="URL", help="for example http://127.0.0.1:9090")
    parser.add_argument("--theme", default="auto", metavar="NAME", help="colours of the screen")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    chosen = parser.parse_args(arguments)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("termprom attach: this is no terminal", file=sys.stderr)
        return 1
    from termprom.daemon.attach import attach

    url = chosen.url if "://" in chosen.url else f"http://{chosen.url}"
    return attach(url, theme=chosen.theme, ascii_only=chosen.ascii)
