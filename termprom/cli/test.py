"""`termprom test promql|rules FILE...`: PromQL scripts and unit tests of rules.

Of scripts the last line is `N passed, N failed`; exit status 1 where something failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from termprom.cli import test_rules


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="termprom test", description="Run test scripts.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    promql = kinds.add_parser("promql", help="PromQL scripts (load, eval, expect)")
    promql.add_argument("files", nargs="+", metavar="FILE", type=Path)
    rules = kinds.add_parser("rules", help="unit tests of rules")
    test_rules.add_arguments(rules)
    chosen = parser.parse_args(arguments)
    if chosen.kind == "rules":
        return test_rules.run(chosen)
    from termprom.testing.promqltest.runner import run_script
    from termprom.testing.promqltest.script import ScriptError

    passed = failed = broken = 0
    for file in chosen.files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            print(f"termprom test: {file}: {problem}", file=sys.stderr)
            return 1
        try:
            report = run_script(text)
        except ScriptError as problem:
            print(f"termprom test: {file}: {problem}", file=sys.stderr)
            broken += 1
            continue
        for failure in report.failures:
            print(f"{file}:{failure}")
        passed += report.passed
        failed += report.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or broken else 0
