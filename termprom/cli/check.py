"""`termprom check config|rules FILE...`: what is wrong in a file, as promtool would say it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from termprom.cli import check_rules
from termprom.config.load import load_config
from termprom.errors import ConfigError
from termprom.rules.templates.expand import check_template


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="termprom check", description="Look for mistakes.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    config = kinds.add_parser("config", help="configuration files and their rule files")
    config.add_argument("--syntax-only", action="store_true", help="leave rule files alone")
    config.add_argument("files", nargs="+", metavar="FILE", type=Path)
    rules = kinds.add_parser("rules", help="rule files")
    check_rules.add_arguments(rules)
    chosen = parser.parse_args(arguments)
    if chosen.kind == "rules":
        return check_rules.run(chosen)
    sound = [_check_config(file, chosen) for file in chosen.files]
    return 0 if all(sound) else 1


def _check_config(file: Path, chosen: argparse.Namespace) -> bool:
    print(f"Checking {file}")
    # With --syntax-only what rule files say in other languages goes unread.
    check_expr, template_check = (
        (None, None) if chosen.syntax_only else (check_rules.check_expr, check_template)
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
