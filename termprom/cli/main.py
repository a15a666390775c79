"""The command line's one entry: picks a subcommand and imports only that.

A cold start must be short, so nothing heavy is imported here.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

_COMMANDS: Final = {
    "serve": ("serve", "the engine without a screen"),
    "attach": ("attach", "the screen alone, on a server's URL"),
    "stop": ("stop", "end an engine that runs without a screen"),
    "query": ("query", "instant, range, series, labels: ask a server, print a table"),
    "check": ("check", "config, rules, metrics, target, relabel: mistakes, and what would happen"),
    "test": ("test", "promql: run PromQL test scripts"),
    "rules": ("rules", "backfill: recording rules over stored data"),
    "promql": ("promql", "format, parse, explain: look at an expression"),
    "keys": ("keys", "every command of the screen and its keys"),
    "tsdb": ("tsdb", "list, analyze, verify, dump, snapshot, delete, import, export"),
    "help": ("", "this text"),
    "version": ("", "the version"),
}


def _usage() -> str:
    lines = [
        "usage: termprom [FLAGS]             engine and screen (termprom --help lists the flags)",
        "       termprom COMMAND [...]       termprom COMMAND --help tells more",
        "",
        "commands:",
    ]
    lines += [f"  {name:8} {text}" for name, (_, text) in _COMMANDS.items()]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `termprom argv`; returns the exit status: 0 done, 1 failed, 2 wrong command line."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments and not arguments[0].startswith("-") else "run"
    if "--version" in arguments[:1] or command == "version":
        from termprom import __version__

        print(f"termprom, version {__version__}")
        return 0
    if command == "help":
        print(_usage())
        return 0
    if command != "run":
        if command not in _COMMANDS:
            print(f"termprom: no command {command!r}\n\n{_usage()}", file=sys.stderr)
            return 2
        arguments = arguments[1:]
    module = importlib.import_module(f"termprom.cli.{command}")
    try:
        status: int = module.run(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away; a second failure at exit would print a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
