"""From an expression to a plan: durations become milliseconds, edges of the query become times.

Parentheses and unary plus vanish here; `start()`, `end()`, `range()` and `step()` become numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from termprom.errors import EvaluationError, NotImplementedYet
from termprom.model.grid import Grid
from termprom.promql import plan
from termprom.promql.durations import duration_of
from termprom.promql.syntax import ast


@dataclass(frozen=True, slots=True)
class Frame:
    """What an expression's numbers depend on: the query's grid and the default resolution.

    `ignore_edges` is set within an aggregation's parameter: upstream's passes never look there, so
    `@ start()` and `@ end()` have no effect in it.
    """

    grid: Grid
    default_step_ms: int
    ignore_edges: bool = False

    @property
    def range_seconds(self) -> float:
        return (self.grid.end_ms - self.grid.start_ms) / 1000

    @property
    def step_seconds(self) -> float:
        one = self.grid.start_ms == self.grid.end_ms
        return 0.0 if one else self.grid.step_ms / 1000


def lower(expr: ast.Expr, grid: Grid, default_step_ms: int) -> plan.Plan:
    """The plan of a checked expression. Raises EvaluationError for impossible durations."""
    return _lower(expr, Frame(grid, default_step_ms))


def _lower(expr: ast.Expr, frame: Frame) -> plan.Plan:
    match expr:
        case ast.NumberLiteral(value):
            return plan.Number(value, span=expr.span)
        case ast.StringLiteral(value):
            return plan.Text(value, span=expr.span)
        case ast.Paren(inner):
            return _lower(inner, frame)
        case ast.Unary(op, inner):
            below = _lower(inner, frame)
            return plan.Negate(below, span=expr.span) if op == "-" else below
        case ast.VectorSelector():
            return _selector(expr, frame)
        case ast.MatrixSelector(selector, width):
            range_ms, range_seconds = _positive(width, frame)
            return plan.RangeSelect(
                _selector(selector, frame),
                range_ms,
                range_seconds,
                selector.anchored,
                selector.smoothed,
                span=expr.span,
            )
        case ast.Subquery():
            return _subquery(expr, frame)
        case ast.Binary(op, left, right, matching, return_bool):
            return plan.Binary(
                op,
                _lower(left, frame),
                _lower(right, frame),
                matching or ast.Matching(),
                return_bool,
                span=expr.span,
            )
        case ast.Aggregate(op, inner, param, grouping, without):
            return plan.Aggregate(
                op,
                _lower(inner, frame),
                None if param is None else _lower(param, _inside_parameter(frame)),
                grouping,
                without,
                inner.span,
                span=expr.span,
            )
        case ast.Call(func, args):
            return _call(expr, func, args, frame)
    raise NotImplementedYet(type(expr).__name__)


def _inside_parameter(frame: Frame) -> Frame:
    return Frame(frame.grid, frame.default_step_ms, ignore_edges=True)


def _call(expr: ast.Call, func: str, args: tuple[ast.Expr, ...], frame: Frame) -> plan.Plan:
    match func:
        case "start":
            return plan.Number(frame.grid.start_ms / 1000, span=expr.span)
        case "end":
            return plan.Number(frame.grid.end_ms / 1000, span=expr.span)
        case "range":
            return plan.Number(frame.range_seconds, span=expr.span)
        case "step":
            return plan.Number(frame.step_seconds, span=expr.span)
        case _:
            below = tuple(_lower(arg, frame) for arg in args)
            return plan.Call(func, below, _places(args, below), span=expr.span)


def _places(args: tuple[ast.Expr, ...], below: tuple[plan.Plan, ...]) -> tuple[ast.Span, ...]:
    """As upstream: of a range vector its parentheses do not count."""
    return tuple(
        node.span if isinstance(node, plan.RangeSelect | plan.Subquery) else arg.span
        for arg, node in zip(args, below, strict=True)
    )


def _selector(expr: ast.VectorSelector, frame: Frame) -> plan.Select:
    return plan.Select(
        expr.name,
        expr.matchers,
        _offset(expr.offset, frame),
        _at(expr.at, frame),
        expr.smoothed,
        span=expr.span,
    )


def _subquery(expr: ast.Subquery, frame: Frame) -> plan.Subquery:
    range_ms, range_seconds = _positive(expr.range, frame)
    step_ms = frame.default_step_ms
    if expr.step is not None:
        step_ms = max(_positive(expr.step, frame)[0], 1)
    return plan.Subquery(
        _lower(expr.expr, frame),
        range_ms,
        range_seconds,
        step_ms,
        _offset(expr.offset, frame),
        _at(expr.at, frame),
        span=expr.span,
    )


def _at(at: int | ast.AtEdge | None, frame: Frame) -> int | None:
    if isinstance(at, ast.AtEdge):
        if frame.ignore_edges:
            return None
        return frame.grid.start_ms if at is ast.AtEdge.START else frame.grid.end_ms
    return at


def _offset(offset: ast.Duration | None, frame: Frame) -> int:
    if offset is None:
        return 0
    return duration_of(offset, frame.step_seconds, frame.range_seconds)[0]


def _positive(duration: ast.Duration, frame: Frame) -> tuple[int, float]:
    milliseconds, seconds = duration_of(duration, frame.step_seconds, frame.range_seconds)
    if seconds <= 0:
        span = duration.span
        message = f"{span.start}:{span.end}: duration must be greater than 0"
        raise EvaluationError(message, span.start, span.end)
    return milliseconds, seconds
