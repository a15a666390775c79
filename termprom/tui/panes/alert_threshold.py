"""An alerting expression taken apart: what it measures, and the line that it must not cross.

`a / b > 0.03` is drawn as `a / b` with a line at 0.03. Where the comparison is one side of an
`and` or `unless`, the other side stays, because it says which series count.
"""

from __future__ import annotations

from typing import Final

from termprom.errors import QueryError

# Each comparison, and how it reads from its other side.
_MIRRORED: Final = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}


def split_threshold(expr: str) -> tuple[str, tuple[tuple[float, str], ...]]:
    """The expression to draw and its thresholds (value, label); whole where there is no comparison
    with a constant, or where the expression cannot be read here.
    """
    # The grammar's tables are loaded when they are first needed, not with the screen.
    from termprom.promql.syntax import ast
    from termprom.promql.syntax.parse import parse

    source = expr.encode()

    def text(start: int, end: int) -> str:
        return source[start:end].decode()

    try:
        node = parse(expr)
    except (QueryError, UnicodeError):
        return expr, ()
    while True:
        if isinstance(node, ast.Paren):
            node = node.expr
        elif isinstance(node, ast.Binary) and node.op in ("and", "unless"):
            node = node.left
        else:
            break
    if not isinstance(node, ast.Binary) or node.op not in _MIRRORED:
        return expr, ()
    limit, measured, operator = _constant(node.right), node.left, node.op
    if limit is None:
        limit, measured, operator = _constant(node.left), node.right, _MIRRORED[node.op]
    if limit is None or node.span.start < 0 or measured.span.start < 0:
        return expr, ()
    before, after = text(0, node.span.start), text(node.span.end, len(source))
    kept = text(measured.span.start, measured.span.end)
    drawn = (before + kept + after).strip()
    try:
        parse(drawn)
    except QueryError:
        return expr, ()
    return drawn, ((limit, f"{operator} {limit:g}"),)


def _constant(node: object) -> float | None:
    """The value of an expression of numbers only; None for any other."""
    from termprom.promql.syntax import ast

    if isinstance(node, ast.NumberLiteral):
        return node.value
    if isinstance(node, ast.Paren):
        return _constant(node.expr)
    if isinstance(node, ast.Unary):
        value = _constant(node.expr)
        return value if value is None or node.op == "+" else -value
    if isinstance(node, ast.Binary):
        left, right = _constant(node.left), _constant(node.right)
        if left is None or right is None:
            return None
        match node.op:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/" if right:
                return left / right
    return None
