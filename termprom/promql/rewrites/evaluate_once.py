"""Evaluate once what no step can change.

    sum(up @ 100) + up    ->    once(sum(up @ 100)) + up

An expression is the same at every step when all its selectors are pinned with `@` and no function
in it reads the step's time. Only the outermost such expression is wrapped. It must not apply inside
an aggregation's parameter, where upstream does not look either, nor to bare numbers, which cost
nothing.
"""

from __future__ import annotations

from dataclasses import replace

from termprom.promql.plan import (
    Aggregate,
    Binary,
    Call,
    Negate,
    Number,
    Once,
    Plan,
    RangeSelect,
    Select,
    Subquery,
    Text,
)

# Their result depends on the step even where their arguments do not.
_READS_TIME = frozenset(
    {
        "time",
        "timestamp",
        "predict_linear",
        "days_in_month",
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "hour",
        "minute",
        "month",
        "year",
    }
)


def evaluate_once(node: Plan) -> Plan:
    """`node` with its largest constant parts marked."""
    rewritten, constant = _visit(node)
    return _once(rewritten) if constant else rewritten


def _once(node: Plan) -> Plan:
    # A range cannot stand alone: the function that takes it is marked instead, or nothing is.
    if isinstance(node, Number | Text | RangeSelect | Subquery | Once):
        return node
    return Once(node, span=node.span)


def _visit(node: Plan) -> tuple[Plan, bool]:
    match node:
        case Number() | Text() | Once():
            return node, True
        case Select(at_ms=at):
            return node, at is not None
        case RangeSelect(select):
            return node, select.at_ms is not None
        case Subquery(expr, at_ms=at):
            inner, constant = _visit(expr)
            return replace(node, expr=_once(inner) if constant else inner), at is not None
        case Negate(expr):
            inner, constant = _visit(expr)
            return replace(node, expr=inner), constant
        case Aggregate(expr=expr):
            inner, constant = _visit(expr)
            return replace(node, expr=inner), constant
        case Binary(left=left, right=right):
            (left, left_constant), (right, right_constant) = _visit(left), _visit(right)
            if left_constant and right_constant:
                return replace(node, left=left, right=right), True
            return replace(
                node,
                left=_once(left) if left_constant else left,
                right=_once(right) if right_constant else right,
            ), False
        case Call(func, args):
            return _visit_call(node, func, args)


def _visit_call(node: Call, func: str, args: tuple[Plan, ...]) -> tuple[Plan, bool]:
    visited = [_visit(arg) for arg in args]
    direct = func == "timestamp" and isinstance(args[0], Select)
    if all(constant for _, constant in visited) and (direct or func not in _READS_TIME):
        return replace(node, args=tuple(arg for arg, _ in visited)), True
    # timestamp() must see its selector itself.
    return replace(
        node,
        args=tuple(_once(arg) if constant and not direct else arg for arg, constant in visited),
    ), False
