"""Walking over expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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


def parts(node: ast.Expr | ast.Duration) -> tuple[ast.Expr | ast.Duration, ...]:
    """Everything directly below `node`, durations too."""
    found: tuple[ast.Expr | ast.Duration | None, ...]
    match node:
        case ast.DurationOp(_, left, right):
            found = (left, right)
        case ast.DurationCall(_, args):
            found = args
        case ast.VectorSelector():
            found = (node.offset,)
        case ast.MatrixSelector(selector, width):
            found = (selector, width)
        case ast.Subquery(inner, width, step):
            found = (inner, width, step, node.offset)
        case _:
            found = children(node)
    return tuple(one for one in found if one is not None)


def with_selectors(
    expr: ast.Expr, change: Callable[[ast.VectorSelector], ast.VectorSelector]
) -> ast.Expr:
    """`expr` in which `change` has been at every selector."""
    match expr:
        case ast.VectorSelector():
            return change(expr)
        case ast.MatrixSelector(selector):
            return replace(expr, selector=change(selector))
        case ast.Paren(inner) | ast.Unary(_, inner) | ast.Subquery(inner):
            return replace(expr, expr=with_selectors(inner, change))
        case ast.Binary(_, left, right):
            return replace(
                expr, left=with_selectors(left, change), right=with_selectors(right, change)
            )
        case ast.Aggregate(_, inner, param):
            return replace(
                expr,
                expr=with_selectors(inner, change),
                param=None if param is None else with_selectors(param, change),
            )
        case ast.Call(_, args):
            return replace(expr, args=tuple(with_selectors(one, change) for one in args))
    return expr
