"""An expression taken apart by a label, or put together again. Pure."""

from __future__ import annotations

from dataclasses import replace

from termprom.promql.syntax import ast


def split_by(expr: ast.Expr, label: str) -> ast.Expr:
    """The outermost aggregations with `label` in their grouping; taken out where all have it.

    Both sides of an operator are split alike, so that they still match. An expression without
    any aggregation is summed by the label.
    """
    outer = _outermost(expr)
    if not outer:
        return ast.Aggregate("sum", _unwrapped(expr), grouping=(label,))
    have = all(_has(one, label) for one in outer)
    return _with(expr, label, wanted=not have)


def _unwrapped(expr: ast.Expr) -> ast.Expr:
    return expr.expr if isinstance(expr, ast.Paren) else expr


def _outermost(expr: ast.Expr) -> list[ast.Aggregate]:
    match expr:
        case ast.Aggregate():
            return [expr]
        case ast.Paren(inner) | ast.Unary(_, inner):
            return _outermost(inner)
        case ast.Binary(_, left, right):
            return [*_outermost(left), *_outermost(right)]
        case ast.Call(_, args):
            return [one for arg in args for one in _outermost(arg)]
        case _:
            return []


def _has(expr: ast.Aggregate, label: str) -> bool:
    return (label in expr.grouping) is not expr.without


def _with(expr: ast.Expr, label: str, *, wanted: bool) -> ast.Expr:
    match expr:
        case ast.Aggregate():
            if _has(expr, label) is wanted:
                return expr
            if label in expr.grouping:
                kept = tuple(one for one in expr.grouping if one != label)
                return replace(expr, grouping=kept)
            return replace(expr, grouping=(*expr.grouping, label))
        case ast.Paren(inner) | ast.Unary(_, inner):
            return replace(expr, expr=_with(inner, label, wanted=wanted))
        case ast.Binary(_, left, right):
            return replace(
                expr,
                left=_with(left, label, wanted=wanted),
                right=_with(right, label, wanted=wanted),
            )
        case ast.Call(_, args):
            return replace(expr, args=tuple(_with(arg, label, wanted=wanted) for arg in args))
        case _:
            return expr


def grouped_labels(expr: ast.Expr) -> frozenset[str]:
    """The labels that the outermost aggregations keep."""
    return frozenset(label for one in _outermost(expr) if not one.without for label in one.grouping)
