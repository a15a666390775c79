"""Walking over expressions."""

from __future__ import annotations

from termprom.promql.syntax import ast


def children(expr: ast.Expr) -> tuple[ast.Expr, ...]:
    """The expressions directly below `expr`, in source order."""
    match expr:
        case ast.Paren(inner) | ast.Unary(_, inner):
            return (inner,)
        case ast.MatrixSelector(selector):
            return (selector,)
        case ast.Subquery(inner):
            return (inner,)
        case ast.Binary(_, left, right):
            return (left, right)
        case ast.Aggregate(_, inner, param):
            return (inner,) if param is None else (param, inner)
        case ast.Call(_, args):
            return args
    return ()
