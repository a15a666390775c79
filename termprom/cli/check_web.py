"""`termprom check web-config FILE...`: the file of --web.config.file, as a server would read it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from termprom.config.web_file import load_web_file
from termprom.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)


def run(chosen: argparse.Namespace) -> int:
    failed = False
    for file in chosen.files:
        try:
            load_web_file(file)
        except ConfigError as problem:
            failed = True
            print(f"{file} FAILED: {problem}", file=sys.stderr)
        else:
            print(f"{file} SUCCESS", file=sys.stderr)
    return 1 if failed else 0
