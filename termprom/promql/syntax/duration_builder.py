"""The builder's rules for numbers and for durations that are expressions."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from termprom.errors import ParseError
from termprom.promql.syntax import ast
from termprom.promql.syntax.ast import Span
from termprom.promql.syntax.literals import duration_seconds, number_value
from termprom.promql.syntax.tokens import Token

# A Go duration holds int64 nanoseconds.
_SECONDS_MAX: Final = (2**63 - 1) / 1e9


def literal_of(token: Token) -> ast.NumberLiteral:
    """A number or a duration token. Raises ParseError in upstream's words."""
    is_duration = token.type == "DURATION"
    try:
        value = duration_seconds(token.text) if is_duration else number_value(token.text)
    except ValueError as wrong:
        raise ParseError(str(wrong), token.start, token.end) from wrong
    return ast.NumberLiteral(value, is_duration, span=Span(token.start, token.end))


class DurationRules:
    """Methods named after the rules of the grammar's section on durations."""

    @staticmethod
    def number(token: Token) -> ast.NumberLiteral:
        return literal_of(token)

    @staticmethod
    def duration_literal(token: Token) -> ast.NumberLiteral:
        return literal_of(token)

    @staticmethod
    def duration_number(literal: ast.NumberLiteral) -> ast.NumberLiteral:
        if abs(literal.value) > _SECONDS_MAX or literal.value != literal.value:
            raise ParseError("duration out of range", literal.span.start, literal.span.end)
        return literal

    @staticmethod
    def offset_signed(sign: Token, literal: ast.NumberLiteral) -> ast.NumberLiteral:
        value = -literal.value if sign.text == "-" else literal.value
        span = Span(sign.start, literal.span.end)
        return DurationRules.duration_number(replace(literal, value=value, span=span))

    @staticmethod
    def duration_sign(sign: Token, duration: ast.Duration) -> ast.Duration:
        if isinstance(duration, ast.NumberLiteral):
            return DurationRules.offset_signed(sign, duration)
        if sign.text == "+":
            return duration
        span = Span(sign.start, duration.span.end)
        return ast.DurationOp(sign.text, None, duration, span=span)

    @staticmethod
    def duration_op(left: ast.Duration, op: Token, right: ast.Duration) -> ast.DurationOp:
        if isinstance(right, ast.NumberLiteral) and right.value == 0 and op.text in "/%":
            what = "division" if op.text == "/" else "modulo"
            raise ParseError(f"{what} by zero", op.start, op.end)
        span = Span(left.span.start, right.span.end)
        return ast.DurationOp(op.text, left, right, span=span)

    @staticmethod
    def duration_call(name: Token, opening: Token, *rest: Token | ast.Duration) -> ast.DurationCall:
        closing = rest[-1]
        assert isinstance(closing, Token)
        args = tuple(one for one in rest[:-1] if not isinstance(one, Token))
        return ast.DurationCall(name.text.lower(), args, span=Span(name.start, closing.end))

    @staticmethod
    def duration_paren(opening: Token, duration: ast.Duration, closing: Token) -> ast.Duration:
        span = Span(opening.start, closing.end)
        if isinstance(duration, ast.DurationOp):
            return replace(duration, in_parentheses=True, span=span)
        return replace(duration, span=span)
