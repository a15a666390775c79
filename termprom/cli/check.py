"""`termprom check KIND ...`: looks for mistakes, and shows what would happen."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import Final

# Kind of check: the module that does it, and what it is for.
_KINDS: Final = {
    "config": ("check_config", "configuration files, what they refer to, and their rule files"),
    "rules": ("check_rules", "rule files"),
    "metrics": ("check_metrics", "a page of metrics on standard input"),
    "target": ("check_target", "ask a target once, and say what a scrape would store"),
    "sd": ("check_sd", "what a job's discovery finds now, before and after relabelling"),
    "service-discovery": ("check_sd", "the same, by promtool's name"),
    "web-config": ("check_web", "the file of --web.config.file"),
    "healthy": ("check_server", "whether a server is there"),
    "ready": ("check_server", "whether a server answers queries"),
    "relabel": ("check_relabel", "what relabelling makes of a target or series, step by step"),
}


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="termprom check", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    wanted = next((word for word in arguments if word in _KINDS), "")
    for kind, (module, text) in _KINDS.items():
        subparser = kinds.add_parser(kind, help=text, description=text)
        if kind == wanted:
            importlib.import_module(f"termprom.cli.{module}").add_arguments(subparser)
    chosen = parser.parse_args(arguments)
    status: int = importlib.import_module(f"termprom.cli.{_KINDS[chosen.kind][0]}").run(chosen)
    return status
