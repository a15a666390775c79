"""The same question in other words: pinned with `@` at other times, and as a short range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from termprom.promql.syntax.ast import (
    Call,
    Expr,
    MatrixSelector,
    Node,
    Subquery,
    VectorSelector,
)

# Their answer changes with the step's time even when every selector is pinned.
_TIME_DEPENDENT = frozenset(
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
        "start",
        "end",
        "step",
        "range",
    }
)
_GRID_WORDS = ("start()", "end()", "range()", "step()")


def pinned(expr: Expr, at_ms: int) -> Expr | None:
    """`expr` with every free selector pinned to at_ms; None where that changes its meaning."""
    if any(isinstance(node, Call) and node.func in _TIME_DEPENDENT for node in _nodes(expr)):
        return None
    result = _pin(expr, at_ms)
    return result if isinstance(result, Expr) else None


def can_be_a_range(source: str) -> bool:
    """Whether the expression does not look at the query's own edges."""
    return not any(word in source for word in _GRID_WORDS)


def pin_times(at_ms: int) -> list[int]:
    """When to ask a pinned question: far before, at zero, before, at, and far after its time."""
    if at_ms == 0:
        return [-1000, 0, 1000]
    return [-10 * at_ms, 0, at_ms // 5, at_ms, 10 * at_ms]


def _nodes(node: object) -> Iterator[Node]:
    if isinstance(node, Node):
        yield node
        if is_dataclass(node):
            for one in fields(node):
                yield from _nodes(getattr(node, one.name))
    elif isinstance(node, tuple):
        for one in node:
            yield from _nodes(one)


def _pin(node: object, at_ms: int) -> object:
    match node:
        case VectorSelector():
            return node if node.at is not None else replace(node, at=at_ms)
        case MatrixSelector():
            selector = _pin(node.selector, at_ms)
            assert isinstance(selector, VectorSelector)
            return replace(node, selector=selector)
        case Subquery():
            # What is inside keeps its meaning once the subquery itself is pinned.
            return node if node.at is not None else replace(node, at=at_ms)
        case Node() if is_dataclass(node):
            below = ("expr", "left", "right", "param", "args")
            changes: dict[str, Any] = {
                one.name: _pin(getattr(node, one.name), at_ms)
                for one in fields(node)
                if one.name in below
            }
            return replace(node, **changes)
        case tuple():
            return tuple(_pin(one, at_ms) for one in node)
    return node
