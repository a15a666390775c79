"""From text to a checked expression."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from termprom import limits
from termprom.errors import ParseError
from termprom.model.matchers import Matcher
from termprom.promql.syntax import ast, lalr
from termprom.promql.syntax.builder import Builder, Features
from termprom.promql.syntax.check import check, check_matchers
from termprom.promql.syntax.failures import located
from termprom.promql.syntax.lexer import tokenize
from termprom.promql.syntax.nodes import parts
from termprom.promql.syntax.tokens import END

__all__ = ["Features", "parse", "parse_selector"]


@lru_cache(maxsize=1024)
def parse(text: str, features: Features = Features()) -> ast.Expr:  # noqa: B008  a frozen value
    """The expression that `text` says, types checked. Raises ParseError with place and span."""
    source = text.encode(errors="surrogatepass")
    try:
        expr: ast.Expr = _run(text, "query", features)
        _require_bounded_depth(expr)
        return check(expr)
    except ParseError as wrong:
        raise located(wrong, source) from wrong.__cause__


def parse_selector(text: str) -> tuple[Matcher, ...]:
    """The matchers of a series selector such as `up{job="a"}`. Raises ParseError."""
    source = text.encode(errors="surrogatepass")
    try:
        selector: ast.VectorSelector = _run(text, "selector_only", Features())
        check_matchers(selector)
        return selector.matchers
    except ParseError as wrong:
        raise located(wrong, source) from wrong.__cause__


def _run(text: str, start: str, features: Features) -> Any:
    tokens = tokenize(text)
    if tokens[0].type == END:
        # Upstream knows no place for the empty text, and one for blanks and comments.
        place = (0, 0) if text else (-1, -1)
        raise ParseError("no expression found in input", *place)
    return lalr.run(tokens, start, Builder(features))


def _require_bounded_depth(expr: ast.Expr) -> None:
    """Everything behind the parser recurses over the tree, so its depth has a bound."""
    level: list[ast.Expr | ast.Duration] = [expr]
    for _ in range(limits.QUERY_DEPTH_MAX):
        level = [part for node in level for part in parts(node)]
        if not level:
            return
    raise ParseError(
        f"expression is nested deeper than {limits.QUERY_DEPTH_MAX} levels",
        level[0].span.start,
        level[0].span.end,
    )
