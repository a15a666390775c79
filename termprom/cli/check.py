"""`termprom check config|rules FILE...`: what is wrong in a file, as promtool would say it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from termprom.config.load import load_config, load_rule_file
from termprom.errors import ConfigError
from termprom.promql.syntax.parse import Features, parse
from termprom.rules.templates.expand import check_template


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="termprom check", description="Look for mistakes.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    config = kinds.add_parser("config", help="configuration files and their rule files")
    config.add_argument("--syntax-only", action="store_true", help="leave rule files alone")
    config.add_argument("files", nargs="+", metavar="FILE", type=Path)
    rules = kinds.add_parser("rules", help="rule files")
    rules.add_argument("files", nargs="+", metavar="FILE", type=Path)
    chosen = parser.parse_args(arguments)
    check = _check_config if chosen.kind == "config" else _check_rules
    sound = [check(file, chosen) for file in chosen.files]
    return 0 if all(sound) else 1


def _check_expr(text: str) -> None:
    # Files are checked as if every feature were on: whether it is depends on the server's flags.
    parse(text, Features(True, True, True))


def _check_config(file: Path, chosen: argparse.Namespace) -> bool:
    print(f"Checking {file}")
    # With --syntax-only what rule files say in other languages goes unread.
    check_expr, template_check = (
        (None, None) if chosen.syntax_only else (_check_expr, check_template)
    )
    try:
        config = load_config(file, check_expr=check_expr, check_template=template_check)
    except ConfigError as problem:
        print(f"  FAILED: {problem}\n", file=sys.stderr)
        return False
    if config.rule_files:
        print(f"  SUCCESS: {len(config.rule_files)} rule files found")
    for warning in config.warnings:
        print(f"  WARNING: {warning}")
    print(f" SUCCESS: {file} is valid prometheus config file syntax\n")
    return True


def _check_rules(file: Path, chosen: argparse.Namespace) -> bool:
    print(f"Checking {file}")
    try:
        groups = load_rule_file(file, check_expr=_check_expr, check_template=check_template)
    except ConfigError as problem:
        print(f"  FAILED:\n{problem}\n", file=sys.stderr)
        return False
    print(f"  SUCCESS: {sum(len(group.rules) for group in groups)} rules found\n")
    return True
