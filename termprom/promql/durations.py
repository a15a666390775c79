"""Durations that are expressions, as numbers."""

from __future__ import annotations

import math

from termprom.errors import EvaluationError
from termprom.promql.syntax import ast

_SECONDS_MAX = (2**63 - 1) / 1e9  # a Go duration holds int64 nanoseconds


def duration_of(
    duration: ast.Duration, step_seconds: float, range_seconds: float
) -> tuple[int, float]:
    """(milliseconds truncated towards zero, seconds). Raises EvaluationError with upstream's text.

    A plain literal keeps its nanoseconds in the seconds; an expression is cut to milliseconds.
    """
    if isinstance(duration, ast.NumberLiteral):
        nanoseconds = round(duration.value * 1e9)
        milliseconds = abs(nanoseconds) // 1_000_000 * (1 if nanoseconds >= 0 else -1)
        return milliseconds, nanoseconds / 1e9
    seconds = _seconds(duration, step_seconds, range_seconds)
    if math.isnan(seconds) or math.isinf(seconds):
        raise _error("duration is NaN or infinite", duration)
    if abs(seconds) > _SECONDS_MAX:
        raise _error("duration is out of range", duration)
    milliseconds = math.trunc(seconds * 1000)
    return milliseconds, milliseconds / 1000


def _seconds(duration: ast.Duration, step: float, width: float) -> float:
    match duration:
        case ast.NumberLiteral(value):
            return value
        case ast.DurationCall("step"):
            return step
        case ast.DurationCall("range"):
            return width
        case ast.DurationCall("max_of", (left, right)):
            return max(_seconds(left, step, width), _seconds(right, step, width))
        case ast.DurationCall("min_of", (left, right)):
            return min(_seconds(left, step, width), _seconds(right, step, width))
        case ast.DurationOp(op, None, right):
            sign = -1.0 if op == "-" else 1.0
            return sign * _seconds(right, step, width)
        case ast.DurationOp(op, left, right) if left is not None:
            return _combine(duration, op, _seconds(left, step, width), _seconds(right, step, width))
    raise _error("unexpected duration expression", duration)


def _combine(node: ast.DurationOp, op: str, left: float, right: float) -> float:
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            if right == 0:
                raise _error("division by zero", node)
            return left / right
        case "%":
            if right == 0:
                raise _error("modulo by zero", node)
            return math.fmod(left, right)
        case _:
            try:
                power = left**right
            except (OverflowError, ZeroDivisionError):
                return math.inf
            return power if isinstance(power, float) else math.nan


def _error(message: str, node: ast.Duration) -> EvaluationError:
    start, end = node.span.start, node.span.end
    return EvaluationError(f"{start}:{end}: {message}", start, end)
