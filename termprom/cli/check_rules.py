"""`termprom check rules [FILE...]`: mistakes in rule files, and rules that are there twice."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from termprom.config.load import load_rule_file
from termprom.config.schema import RuleGroupConfig
from termprom.errors import ConfigError
from termprom.model.labels import Labels
from termprom.promql.syntax.parse import Features, parse
from termprom.rules.rule import merged_labels
from termprom.rules.templates.expand import check_template

_LINTS: Final = ("all", "duplicate-rules", "none")
_LINT_ONLY: Final = 3  # the exit status that says: nothing is broken, but look at it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lint", default="duplicate-rules", metavar="NAMES", help="all, duplicate-rules or none"
    )
    parser.add_argument("--lint-fatal", action="store_true", help="findings fail the command")
    parser.add_argument(
        "--ignore-unknown-fields", action="store_true", help="keys of your own are no mistakes"
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", type=Path, help="standard input if none"
    )


def run(chosen: argparse.Namespace) -> int:
    names = chosen.lint.split(",")
    for name in names:
        if name not in _LINTS:
            print(f'WARNING: unknown lint option: "{name}"')
    lint = "none" not in names and not {"all", "duplicate-rules"}.isdisjoint(names)
    broken = found = False
    for file in chosen.files or [None]:
        groups = _load(file, ignore_unknown=chosen.ignore_unknown_fields)
        if groups is None:
            broken = True
            continue
        report = duplicates_report(groups) if lint else ""
        found = found or bool(report)
        if report:
            print(f"  FAILED:\n{report}", file=sys.stderr)
            print()
        else:
            print(f"  SUCCESS: {sum(len(group.rules) for group in groups)} rules found\n")
    if broken:
        return 1
    return _LINT_ONLY if found and chosen.lint_fatal else 0


def check_expr(text: str) -> None:
    """Files are checked as if every feature were on: whether it is depends on the server's
    flags.
    """
    parse(text, Features(True, True, True))


def _load(file: Path | None, *, ignore_unknown: bool) -> tuple[RuleGroupConfig, ...] | None:
    """The groups, or None with everything that is wrong printed."""
    print("Checking standard input" if file is None else f"Checking {file}")
    try:
        text = sys.stdin.read() if file is None else None
        return load_rule_file(
            file or Path("-"),
            text,
            check_expr=check_expr,
            check_template=check_template,
            ignore_unknown=ignore_unknown,
        )
    except UnicodeDecodeError as problem:
        print(f"  FAILED:\n{problem}", file=sys.stderr)
    except ConfigError as problem:
        print(f"  FAILED:\n{problem}", file=sys.stderr)
    return None


def duplicates_report(groups: Iterable[RuleGroupConfig]) -> str:
    """The rules of one name and label set that are there more than once; empty if none are."""
    seen: Counter[tuple[str, Labels]] = Counter(
        (rule.alert or rule.record, merged_labels(group, rule))
        for group in groups
        for rule in group.rules
    )
    twice = sorted(identity for identity, count in seen.items() if count > 1)
    if not twice:
        return ""
    lines = [f"lint error {len(twice)} duplicate rule(s) found."]
    for name, labels in twice:
        lines += [f"Metric: {name}", "Label(s):"]
        lines += [f"\t{label}: {value}" for label, value in labels]
    return "\n".join([*lines, "Might cause inconsistency while recording expressions"])
