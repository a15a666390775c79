"""What is allowed in an expression and still seldom meant. Pure; nothing here stops a query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from termprom.model.matchers import MatchOp
from termprom.promql.syntax import ast
from termprom.promql.syntax.nodes import children

_COUNTER_FUNCTIONS: Final = frozenset({"rate", "irate", "increase"})
_GAUGE_FUNCTIONS: Final = frozenset({"delta", "idelta", "deriv", "predict_linear"})
_REGEX_SIGNS: Final = re.compile(r"[.*+?()\[\]{}|\\^$]")
_SCRAPES_MIN: Final = 4  # a rate needs two samples; a scrape or two may fail


def hints_of(
    expr: ast.Expr, type_of: Callable[[str], str], scrape_seconds: float = 0.0
) -> list[str]:
    """One line for each oddity. `type_of` tells a metric's type, empty where nobody states it."""
    return list(dict.fromkeys(_hints(expr, type_of, scrape_seconds)))


def _hints(expr: ast.Expr, type_of: Callable[[str], str], scrape_seconds: float) -> Iterator[str]:
    match expr:
        case ast.Call(func, (ast.MatrixSelector(selector, width), *_)):
            kind = type_of(selector.name)
            if func in _COUNTER_FUNCTIONS and kind == "gauge":
                yield f"{selector.name} is a gauge: {func} is for counters, deriv for gauges"
            if func in _GAUGE_FUNCTIONS and kind == "counter":
                yield f"{selector.name} is a counter: {func} is for gauges, rate for counters"
            if func in _COUNTER_FUNCTIONS and isinstance(width, ast.NumberLiteral):
                least = scrape_seconds * _SCRAPES_MIN
                if 0 < width.value < least:
                    yield (
                        f"{func} over {width.value:g} s sees few samples: "
                        f"scrapes are {scrape_seconds:g} s apart, take {least:g} s or more"
                    )
        case ast.Call(func, (ast.Subquery(inner), *_)) if func in _COUNTER_FUNCTIONS:
            if isinstance(_bare(inner), ast.Aggregate):
                yield f"{func} of a sum misses the resets of its parts: sum the {func} instead"
        case ast.Call("histogram_quantile", (_, inner)) if _loses_le(_bare(inner)):
            yield "histogram_quantile needs the label le: add it to the grouping"
        case ast.VectorSelector():
            for matcher in expr.matchers:
                if matcher.op in (MatchOp.REGEX, MatchOp.NOT_REGEX):
                    if matcher.value == ".*":
                        yield f'{matcher.name}=~".*" matches everything, and series without it'
                    elif not _REGEX_SIGNS.search(matcher.value):
                        yield f"{matcher.name}: a regex without any sign of one, = would do"
    for child in children(expr):
        yield from _hints(child, type_of, scrape_seconds)


def _bare(expr: ast.Expr) -> ast.Expr:
    while isinstance(expr, ast.Paren):
        expr = expr.expr
    return expr


def _loses_le(expr: ast.Expr) -> bool:
    """Whether classic buckets are summed over without their bounds."""
    if not isinstance(expr, ast.Aggregate):
        return False
    names = [one.name for one in _selectors(expr)]
    if not any(name.endswith("_bucket") for name in names):
        return False
    return ("le" in expr.grouping) if expr.without else ("le" not in expr.grouping)


def _selectors(expr: ast.Expr) -> Iterator[ast.VectorSelector]:
    if isinstance(expr, ast.VectorSelector):
        yield expr
    for child in children(expr):
        yield from _selectors(child)
