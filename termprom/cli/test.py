"""`termprom test promql FILE...`: run PromQL test scripts in the original's format.

The last line is `N passed, N failed`; exit status 1 where an eval failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="termprom test", description="Run test scripts.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    promql = kinds.add_parser("promql", help="PromQL scripts (load, eval, expect)")
    promql.add_argument("files", nargs="+", metavar="FILE", type=Path)
    chosen = parser.parse_args(arguments)
    from termprom.testing.promqltest.runner import run_script

    passed = failed = 0
    for file in chosen.files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            print(f"termprom test: {file}: {problem}", file=sys.stderr)
            return 1
        report = run_script(text)
        for failure in report.failures:
            print(f"{file}:{failure}")
        passed += report.passed
        failed += report.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
