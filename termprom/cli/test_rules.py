"""`termprom test rules FILE...`: unit tests of rules in the original's format and words."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from termprom.cli.features import named_features
from termprom.errors import ConfigError
from termprom.promql.syntax.parse import Features
from termprom.rules.unit_tests.definition import load_test_file
from termprom.rules.unit_tests.junit import Case, Suite, to_xml
from termprom.rules.unit_tests.runner import run_group


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run", action="append", default=[], metavar="REGEX", help="only tests with such a name"
    )
    parser.add_argument(
        "--enable-feature",
        action="append",
        default=[],
        metavar="NAMES",
        help="feature flags of PromQL, separated by commas",
    )
    parser.add_argument(
        "--ignore-unknown-fields", action="store_true", help="in rule files, not in those of tests"
    )
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write the results as XML")
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)


def run(chosen: argparse.Namespace) -> int:
    features = named_features(chosen.enable_feature)
    try:
        wanted = re.compile("|".join(chosen.run))
    except re.error as problem:
        print(f"termprom test: --run: {problem}", file=sys.stderr)
        return 1
    lenient = chosen.ignore_unknown_fields
    suites = [_run_file(file, wanted, features, lenient) for file in chosen.files]
    if chosen.junit is not None:
        try:
            chosen.junit.write_text(to_xml(suites), encoding="utf-8")
        except OSError as problem:
            print(f"termprom test: {chosen.junit}: {problem.strerror}", file=sys.stderr)
            return 1
    return 1 if any(case.failures or case.errors for one in suites for case in one.cases) else 0


def _run_file(path: Path, wanted: re.Pattern[str], features: Features, lenient: bool) -> Suite:
    """Runs and reports one file: what went wrong to stderr, the empty lines to stdout."""
    timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    try:
        file = load_test_file(path)
    except ConfigError as problem:
        _report([str(problem)])
        return Suite(str(path), [Case("unknown", errors=[str(problem)])], timestamp)
    for warning in file.warnings:
        print(f"  WARNING: {warning}", file=sys.stderr)
    cases = [
        Case(group.title, failures=run_group(file, group, features, ignore_unknown=lenient))
        for group in file.groups
        if wanted.search(group.name)
    ]
    _report([text for case in cases for text in case.failures])
    return Suite(str(path), cases, timestamp)


def _report(problems: list[str]) -> None:
    if not problems:
        print("  SUCCESS\n")
        return
    print("  FAILED:", file=sys.stderr)
    for problem in problems:
        print(problem, file=sys.stderr)
        print()
    print()
