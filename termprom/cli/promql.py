"""`termprom promql format|parse EXPR`: look at an expression."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from termprom.errors import ParseError
from termprom.promql.syntax.check import type_of
from termprom.promql.syntax.format import pretty
from termprom.promql.syntax.parse import Features, parse


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="termprom promql", description="Look at an expression.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind, text in (("format", "print it in the usual form"), ("parse", "print its tree")):
        one = kinds.add_parser(kind, help=text, description=text)
        one.add_argument("expr", metavar="EXPR")
    chosen = parser.parse_args(arguments)
    try:
        tree = parse(chosen.expr, Features(True, True, True))
    except ParseError as problem:
        print(f"termprom promql: {problem}", file=sys.stderr)
        return 1
    if chosen.kind == "format":
        print(pretty(tree))
    else:
        print(f"{type_of(tree).long_name}: {tree}")
    return 0
