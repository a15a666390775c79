"""`termprom rules backfill`: recording rules over stored data."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from termprom.cli import rules_backfill


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="termprom rules", description="Work with rules.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    rules_backfill.add_arguments(kinds.add_parser("backfill", help="record the past"))
    return rules_backfill.run(parser.parse_args(arguments))
