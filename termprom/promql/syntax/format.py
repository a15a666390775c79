"""Expressions as text: on one line, or over several as `promtool promql format` does.

Source: reference 2.5.
"""

from __future__ import annotations

from typing import Final

from termprom.model.durations import format_duration
from termprom.model.floats import format_float
from termprom.model.labels import METRIC_NAME, is_legacy_label_name
from termprom.model.matchers import Matcher, MatchOp
from termprom.promql.syntax import ast
from termprom.promql.syntax.check import SET_OPERATORS
from termprom.promql.syntax.tokens import go_quote

_WIDTH: Final = 100  # bytes; a longer node is split
_INDENT: Final = "  "


def one_line(expr: ast.Expr) -> str:
    """The canonical text of an expression."""
    match expr:
        case ast.NumberLiteral():
            return _number(expr)
        case ast.StringLiteral(value):
            return go_quote(value)
        case ast.VectorSelector():
            return _selector(expr) + _modifiers(expr)
        case ast.MatrixSelector(selector, width):
            return f"{_selector(selector)}[{_duration(width)}]{_modifiers(selector, ranged=True)}"
        case ast.Subquery(inner, width, step):
            shown = "" if step is None else _duration(step)
            return f"{one_line(inner)}[{_duration(width)}:{shown}]{_at(expr.at)}" + _offset(
                expr.offset
            )
        case ast.Paren(inner):
            return f"({one_line(inner)})"
        case ast.Unary(op, inner):
            return op + one_line(inner)
        case ast.Binary(op, left, right):
            return f"{one_line(left)} {op}{_matching(expr)} {one_line(right)}"
        case ast.Aggregate(op, inner, param):
            args = [one_line(one) for one in (param, inner) if one is not None]
            return f"{op}{_grouping(expr)}({', '.join(args)})"
        case ast.Call(func, args):
            return f"{func}({', '.join(map(one_line, args))})"


def pretty(expr: ast.Expr) -> str:
    """The text over as many lines as it takes."""
    return _pretty(expr, 0)


def _pretty(expr: ast.Expr, level: int) -> str:
    indent = _INDENT * level
    line = one_line(expr)
    if len(line.encode()) <= _WIDTH:
        # The original forgets to indent a subquery that fits on one line.
        return line if isinstance(expr, ast.Subquery) else indent + line
    match expr:
        case ast.Binary(op, left, right):
            middle = f"{_INDENT * level}{op}{_matching(expr)}"
            return f"{_pretty(left, level + 1)}\n{middle}\n{_pretty(right, level + 1)}"
        case ast.Aggregate(op, inner, param):
            args = [one for one in (param, inner) if one is not None]
            return _split(f"{op}{_grouping(expr)}", args, level)
        case ast.Call(func, args):
            return _split(func, list(args), level) if args else indent + line
        case ast.Paren(inner):
            return f"{indent}(\n{_pretty(inner, level + 1)}\n{indent})"
        case ast.Unary(op, inner):
            return indent + op + _pretty(inner, level).lstrip()
        case ast.Subquery(inner, width, step):
            shown = "" if step is None else _duration(step)
            tail = f"[{_duration(width)}:{shown}]{_at(expr.at)}{_offset(expr.offset)}"
            return _pretty(inner, level) + tail
        case _:
            return indent + line


def _split(head: str, args: list[ast.Expr], level: int) -> str:
    inside = ",\n".join(_pretty(one, level + 1) for one in args)
    return f"{_INDENT * level}{head}(\n{inside}\n{_INDENT * level})"


# --- Parts ------------------------------------------------------------------------------------


def _number(literal: ast.NumberLiteral) -> str:
    return _seconds(literal.value) if literal.is_duration else format_float(literal.value)


def _seconds(value: float) -> str:
    milliseconds = round(value * 1000)
    return "0s" if milliseconds == 0 else format_duration(milliseconds)


def _duration(duration: ast.Duration) -> str:
    match duration:
        case ast.NumberLiteral(value):
            return _seconds(value)
        case _:
            return _duration_part(duration)


def _duration_part(duration: ast.Duration) -> str:
    """Inside a duration a number stays one: it may be a factor."""
    match duration:
        case ast.NumberLiteral():
            return _number(duration)
        case ast.DurationCall(name, args):
            return f"{name}({', '.join(map(_duration_part, args))})"
        case ast.DurationOp(op, None, right):
            text = op + _duration_part(right)
        case ast.DurationOp(op, left, right):
            assert left is not None
            text = f"{_duration_part(left)} {op} {_duration_part(right)}"
    return f"({text})" if duration.in_parentheses else text


def _label(name: str) -> str:
    return name if is_legacy_label_name(name) else go_quote(name)


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(map(_label, names))


def _selector(selector: ast.VectorSelector) -> str:
    named = Matcher(METRIC_NAME, MatchOp.EQUAL, selector.name)
    shown = sorted(
        f"{_label(one.name)}{one.op.value}{go_quote(one.value)}"
        for one in selector.matchers
        if not (selector.name and one == named)
    )
    inside = "{" + ",".join(shown) + "}" if shown or not selector.name else ""
    return selector.name + inside


def _modifiers(selector: ast.VectorSelector, *, ranged: bool = False) -> str:
    extended = " anchored" if selector.anchored else " smoothed" if selector.smoothed else ""
    at = _at(selector.at)
    return (extended + at if ranged else at + extended) + _offset(selector.offset)


def _at(at: int | ast.AtEdge | None) -> str:
    if at is None:
        return ""
    return f" @ {at.value}()" if isinstance(at, ast.AtEdge) else f" @ {at / 1000:.3f}"


def _offset(offset: ast.Duration | None) -> str:
    if offset is None or (isinstance(offset, ast.NumberLiteral) and offset.value == 0):
        return ""
    return f" offset {_duration(offset)}"


def _matching(expr: ast.Binary) -> str:
    text = " bool" if expr.return_bool else ""
    matching = expr.matching
    if matching is None:
        return text
    grouped = matching.cardinality in (ast.Cardinality.MANY_TO_ONE, ast.Cardinality.ONE_TO_MANY)
    if matching.on or matching.labels or grouped:
        text += f" {'on' if matching.on else 'ignoring'} ({_labels(matching.labels)})"
    if grouped and expr.op not in SET_OPERATORS:
        side = "left" if matching.cardinality is ast.Cardinality.MANY_TO_ONE else "right"
        text += f" group_{side} ({_labels(matching.include)})"
    left, right = matching.fill_left, matching.fill_right
    if left is not None and left == right:
        return text + f" fill ({format_float(left)})"
    if left is not None:
        text += f" fill_left ({format_float(left)})"
    if right is not None:
        text += f" fill_right ({format_float(right)})"
    return text


def _grouping(expr: ast.Aggregate) -> str:
    if expr.without:
        return f" without ({_labels(expr.grouping)}) "
    return f" by ({_labels(expr.grouping)}) " if expr.grouping else ""
