"""Expressions as the JSON of /api/v1/parse_query. Source: reference http_api 5.6."""

from __future__ import annotations

import math
from typing import Any

from termprom.model.floats import format_float
from termprom.promql.syntax import ast
from termprom.promql.syntax.functions import FUNCTIONS, Function


def expression_object(expr: ast.Expr) -> dict[str, Any]:
    """The object of one node and all below it."""
    match expr:
        case ast.NumberLiteral(value):
            return {"type": "numberLiteral", "val": format_float(value)}
        case ast.StringLiteral(value):
            return {"type": "stringLiteral", "val": value}
        case ast.Paren(inner):
            return {"type": "parenExpr", "expr": expression_object(inner)}
        case ast.Unary(op, inner):
            return {"type": "unaryExpr", "op": op, "expr": expression_object(inner)}
        case ast.VectorSelector():
            return {"type": "vectorSelector", **_selector(expr)}
        case ast.MatrixSelector(selector, width):
            return {
                "type": "matrixSelector",
                **_selector(selector),
                "range": _milliseconds(width),
                "rangeExpr": _duration_expr(width),
            }
        case ast.Subquery():
            return _subquery(expr)
        case ast.Binary(op, left, right, matching, return_bool):
            return {
                "type": "binaryExpr",
                "op": op,
                "lhs": expression_object(left),
                "rhs": expression_object(right),
                "bool": return_bool,
                "matching": None if matching is None else _matching(matching),
            }
        case ast.Aggregate(op, inner, param, grouping, without):
            return {
                "type": "aggregation",
                "op": op,
                "expr": expression_object(inner),
                "param": None if param is None else expression_object(param),
                "grouping": list(grouping),
                "without": without,
            }
        case ast.Call(func, args):
            return {
                "type": "call",
                "func": _function(FUNCTIONS[func]),
                "args": [expression_object(arg) for arg in args],
            }


def _function(function: Function) -> dict[str, Any]:
    """`variadic` as upstream counts: 0 exactly these, -1 any number more, n up to n more."""
    variadic = function.args_max
    if function.args_min == function.args_max:
        variadic = 0
    elif function.args_max > 0:
        variadic = function.args_max - function.args_min
    return {
        "name": function.name,
        "argTypes": [one.value for one in function.args],
        "variadic": variadic,
        "returnType": function.returns.value,
    }


def _selector(selector: ast.VectorSelector) -> dict[str, Any]:
    return {
        "name": selector.name,
        "matchers": [
            {"name": one.name, "type": one.op.value, "value": one.value}
            for one in selector.matchers
        ],
        **_placed(selector.offset, selector.at),
        "anchored": selector.anchored,
        "smoothed": selector.smoothed,
    }


def _subquery(expr: ast.Subquery) -> dict[str, Any]:
    return {
        "type": "subquery",
        "expr": expression_object(expr.expr),
        "range": _milliseconds(expr.range),
        "rangeExpr": _duration_expr(expr.range),
        "step": 0 if expr.step is None else _milliseconds(expr.step),
        "stepExpr": _duration_expr(expr.step),
        **_placed(expr.offset, expr.at),
    }


def _placed(offset: ast.Duration | None, at: int | ast.AtEdge | None) -> dict[str, Any]:
    return {
        "offset": 0 if offset is None else _milliseconds(offset),
        "offsetExpr": _duration_expr(offset),
        "timestamp": at if isinstance(at, int) else None,
        "startOrEnd": at.value if isinstance(at, ast.AtEdge) else None,
    }


def _milliseconds(duration: ast.Duration) -> int:
    """Of a literal; 0 where the value is known only when the query runs."""
    return math.trunc(duration.value * 1000) if isinstance(duration, ast.NumberLiteral) else 0


def _duration_expr(duration: ast.Duration | None) -> dict[str, Any] | None:
    """None unless the duration is an expression."""
    if duration is None or isinstance(duration, ast.NumberLiteral):
        return None
    return _duration(duration)


def _duration(duration: ast.Duration) -> dict[str, Any]:
    match duration:
        case ast.NumberLiteral(value, is_duration):
            return {"type": "numberLiteral", "val": format_float(value), "duration": is_duration}
        case ast.DurationCall(name, args):
            sides = [_duration(arg) for arg in args]
            left, right = (*sides, None, None)[:2]
            return {"type": "durationExpr", "op": name, "lhs": left, "rhs": right, "wrapped": False}
        case ast.DurationOp(op, left_side, right_side, wrapped):
            return {
                "type": "durationExpr",
                "op": op,
                "lhs": None if left_side is None else _duration(left_side),
                "rhs": _duration(right_side),
                "wrapped": wrapped,
            }


def _matching(matching: ast.Matching) -> dict[str, Any]:
    return {
        "card": matching.cardinality.value,
        "labels": list(matching.labels),
        "on": matching.on,
        "include": list(matching.include),
        "fillValues": {
            "lhs": _fill(matching.fill_left),
            "rhs": _fill(matching.fill_right),
        },
    }


def _fill(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    return format_float(value)
