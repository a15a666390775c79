"""`termprom promql format|parse|explain|label-matchers`: look at an expression, or change it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from termprom.cli import promql_explain
from termprom.errors import ParseError, QueryError, TermpromError
from termprom.model.matchers import Matcher, MatchOp
from termprom.promql.syntax import ast
from termprom.promql.syntax.check import type_of
from termprom.promql.syntax.format import one_line, pretty
from termprom.promql.syntax.nodes import children, with_selectors
from termprom.promql.syntax.parse import Features, parse


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="termprom promql", description="Look at an expression.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind, text in (
        ("format", "print it in the usual form"),
        ("parse", "print its tree, with the type and the place (line:column) of each node"),
        ("explain", "print its plan, and what each node costs on a store or a server"),
    ):
        one = kinds.add_parser(kind, help=text, description=text, allow_abbrev=False)
        one.add_argument("expr", metavar="EXPR")
        if kind == "explain":
            promql_explain.add_arguments(one)
    _add_label_matchers(kinds.add_parser("label-matchers", help="set or delete a matcher"))
    chosen = parser.parse_args(arguments)
    features = Features.everything()
    try:
        if chosen.kind == "explain":
            return promql_explain.run(chosen, features)
        tree = parse(chosen.expr, features)
        if chosen.kind == "label-matchers":
            tree = with_selectors(tree, lambda one: _changed(one, chosen))
    except TermpromError as problem:
        print(f"termprom promql: {problem}", file=sys.stderr)
        if isinstance(problem, ParseError):
            _point_at(chosen.expr, problem)
        return 1
    if chosen.kind != "parse":
        print(pretty(tree))
    else:
        for line in _tree(tree, chosen.expr.encode()):
            print(line)
    return 0


def _add_label_matchers(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="change", required=True, metavar="CHANGE")
    wanted = kinds.add_parser("set", help="put the matcher into every selector")
    wanted.add_argument("-t", "--type", choices=list(MatchOp), default=MatchOp.EQUAL)
    for one in (wanted, kinds.add_parser("delete", help="take it out of every selector")):
        one.add_argument("expr", metavar="EXPR")
        one.add_argument("name", metavar="NAME")
    wanted.add_argument("value", metavar="VALUE")


def _changed(selector: ast.VectorSelector, chosen: argparse.Namespace) -> ast.VectorSelector:
    if chosen.change == "delete":
        kept = tuple(one for one in selector.matchers if one.name != chosen.name)
        return replace(selector, matchers=kept)
    try:
        wanted = Matcher(chosen.name, MatchOp(chosen.type), chosen.value)
    except ValueError as problem:
        raise QueryError(str(problem)) from problem
    found = [wanted if one.name == chosen.name else one for one in selector.matchers]
    if wanted not in found:
        found.append(wanted)
    return replace(selector, matchers=tuple(found))


def _point_at(expr: str, problem: ParseError) -> None:
    """The line of the expression and a mark below the place."""
    if problem.start < 0 or not expr:
        return
    source = expr.encode()
    begin = source.rfind(b"\n", 0, problem.start) + 1
    end = source.find(b"\n", problem.start)
    line = source[begin : len(source) if end < 0 else end].decode(errors="replace")
    before = source[begin : problem.start].decode(errors="replace")
    print(f"  {line}\n  {' ' * len(before)}^", file=sys.stderr)


def _tree(node: ast.Expr, source: bytes, depth: int = 0) -> Iterator[str]:
    before = source[: node.span.start]
    line = before.count(b"\n") + 1
    column = node.span.start - (before.rfind(b"\n") + 1) + 1
    kind = type(node).__name__
    yield f"{'  ' * depth}{kind} ({type_of(node).long_name}, {line}:{column}) {one_line(node)}"
    for child in children(node):
        yield from _tree(child, source, depth + 1)
