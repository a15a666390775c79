"""`termprom check metrics < PAGE`: what is unusual about a page in text 0.0.4, as promtool says."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from termprom.errors import ExpositionError
from termprom.exposition.families import MetricFamily, parse_families
from termprom.exposition.lint import cardinality, lint

_LINT_ONLY: Final = 3
_COLUMN_MIN: Final = 4
_COLUMN_GAP: Final = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--extended", action="store_true", help="how many series each metric has")
    parser.add_argument("--lint", default="all", choices=("all", "none"), help="all or none")


def run(chosen: argparse.Namespace) -> int:
    if chosen.lint == "none" and not chosen.extended:
        print("error: at least one of --extended or linting must be enabled", file=sys.stderr)
        return 1
    try:
        families = parse_families(sys.stdin.buffer.read())
    except ExpositionError as problem:
        print(f"error while linting: {problem}", file=sys.stderr)
        return 1
    findings = lint(families) if chosen.lint == "all" else []
    for finding in findings:
        print(finding.metric, finding.text, file=sys.stderr)
    if chosen.extended:
        print(extended_table(families), end="")
    return _LINT_ONLY if findings else 0


def extended_table(families: Sequence[MetricFamily]) -> str:
    """Metrics by how many series they have, most first."""
    counts = sorted(
        ((cardinality(family), family.name) for family in families),
        key=lambda pair: (-pair[0], pair[1]),
    )
    total = sum(count for count, _ in counts)
    rows = [("Metric", "Cardinality", "Percentage")]
    rows += [(name, str(count), f"{100 * count / total:.2f}%") for count, name in counts]
    rows.append(("Total", str(total), "100%"))
    widths = [max(_COLUMN_MIN, *(len(row[n]) for row in rows)) + _COLUMN_GAP for n in range(3)]
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + "\n"
        for row in rows
    )
