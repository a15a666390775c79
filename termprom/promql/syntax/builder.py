"""From grammar rules to AST nodes: one method per named rule of `grammar.lark`.

What can be wrong with one node by itself is said here; what needs types is `check`'s.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from termprom.errors import ParseError
from termprom.model.labels import METRIC_NAME
from termprom.model.matchers import Matcher, MatchOp
from termprom.promql.syntax import ast
from termprom.promql.syntax.ast import Span
from termprom.promql.syntax.duration_builder import DurationRules
from termprom.promql.syntax.functions import (
    AGGREGATOR_PARAMETERS,
    EXPERIMENTAL_AGGREGATORS,
    FUNCTIONS,
)
from termprom.promql.syntax.literals import is_label_name, presentable, string_value
from termprom.promql.syntax.tokens import AGGREGATORS, Token, go_quote

_SET_OPERATORS: Final = frozenset({"and", "or", "unless"})
_SIGN_OF_ZERO: Final = {"+": 1.0, "-": -1.0}


@dataclass(frozen=True, slots=True)
class Features:
    """What of PromQL is switched on beyond the defaults."""

    experimental_functions: bool = False
    extended_range_selectors: bool = False
    binop_fill: bool = False

    @classmethod
    def everything(cls) -> Features:
        return cls(True, True, True)


@dataclass(frozen=True, slots=True)
class _Modifiers:
    return_bool: bool
    matching: ast.Matching | None
    fill: tuple[float | None, float | None] | None


@dataclass(frozen=True, slots=True)
class _Arguments:
    exprs: tuple[ast.Expr, ...]
    end: int


@dataclass(frozen=True, slots=True)
class _Matchers:
    matchers: tuple[Matcher, ...]
    start: int
    end: int


def problem(message: str, span: Span) -> ParseError:
    return ParseError(message, span.start, span.end)


def _at(token: Token) -> Span:
    return Span(token.start, token.end)


def _from(left: ast.Expr, end: int) -> Span:
    return Span(left.span.start, end)


class Builder(DurationRules):
    """Holds no state besides the features; one may serve many parses."""

    def __init__(self, features: Features) -> None:
        self._features = features

    # --- Lists and literals -------------------------------------------------------------------

    @staticmethod
    def nothing() -> None:
        return None

    @staticmethod
    def list_start(item: object) -> list[object]:
        return [item]

    @staticmethod
    def list_more(items: list[object], comma: Token, item: object) -> list[object]:
        items.append(item)
        return items

    @staticmethod
    def string(token: Token) -> ast.StringLiteral:
        return ast.StringLiteral(string_value(token.text), span=_at(token))

    @staticmethod
    def paren(opening: Token, expr: ast.Expr, closing: Token) -> ast.Paren:
        return ast.Paren(expr, span=Span(opening.start, closing.end))

    # --- Operators ----------------------------------------------------------------------------

    def binary(
        self, left: ast.Expr, op: Token, modifiers: _Modifiers, right: ast.Expr
    ) -> ast.Binary:
        name = op.text.lower()
        matching = modifiers.matching or ast.Matching()
        span = Span(left.span.start, right.span.end)
        if modifiers.fill is not None:
            if not self._features.binop_fill:
                raise problem("binop fill modifiers are experimental and not enabled", span)
            matching = replace(matching, fill_left=modifiers.fill[0], fill_right=modifiers.fill[1])
        if name in _SET_OPERATORS and matching.cardinality is ast.Cardinality.ONE_TO_ONE:
            matching = replace(matching, cardinality=ast.Cardinality.MANY_TO_MANY)
        return ast.Binary(
            name, left, right, matching, modifiers.return_bool, span=span, op_span=_at(op)
        )

    @staticmethod
    def unary(sign: Token, expr: ast.Expr) -> ast.Expr:
        span = Span(sign.start, expr.span.end)
        if isinstance(expr, ast.NumberLiteral):
            # `-1` is a literal; a sign twice is one too, and `-0` keeps its sign.
            return replace(expr, value=expr.value * _SIGN_OF_ZERO[sign.text], span=span)
        return ast.Unary(sign.text, expr, span=span)

    @staticmethod
    def modifiers(
        return_bool: bool | None,
        matching: ast.Matching | None,
        fill: tuple[float | None, float | None] | None,
    ) -> _Modifiers:
        return _Modifiers(bool(return_bool), matching, fill)

    @staticmethod
    def bool_modifier(token: Token) -> bool:
        return True

    @staticmethod
    def matching_labels(token: Token, labels: tuple[str, ...]) -> ast.Matching:
        return ast.Matching(labels=labels, on=token.type == "ON")

    @staticmethod
    def matching(on_or_ignoring: ast.Matching) -> ast.Matching:
        return on_or_ignoring

    @staticmethod
    def matching_group(
        on_or_ignoring: ast.Matching, side: Token, include: tuple[str, ...] = ()
    ) -> ast.Matching:
        many_left = side.type == "GROUP_LEFT"
        cardinality = ast.Cardinality.MANY_TO_ONE if many_left else ast.Cardinality.ONE_TO_MANY
        return replace(on_or_ignoring, cardinality=cardinality, include=include)

    @staticmethod
    def fill_value(opening: Token, literal: ast.NumberLiteral, closing: Token) -> float:
        return literal.value

    @staticmethod
    def fill_value_signed(
        opening: Token, sign: Token, literal: ast.NumberLiteral, closing: Token
    ) -> float:
        return literal.value * _SIGN_OF_ZERO[sign.text]

    @staticmethod
    def fill_both(token: Token, value: float) -> tuple[float, float]:
        return value, value

    @staticmethod
    def fill_left(token: Token, value: float) -> tuple[float, None]:
        return value, None

    @staticmethod
    def fill_right(token: Token, value: float) -> tuple[None, float]:
        return None, value

    @staticmethod
    def fill_left_right(a: Token, left: float, b: Token, right: float) -> tuple[float, float]:
        return left, right

    @staticmethod
    def fill_right_left(a: Token, right: float, b: Token, left: float) -> tuple[float, float]:
        return left, right

    # --- Label lists --------------------------------------------------------------------------

    @staticmethod
    def labels_empty(opening: Token, closing: Token) -> tuple[str, ...]:
        return ()

    @staticmethod
    def labels(opening: Token, names: list[str], *rest: Token) -> tuple[str, ...]:
        return tuple(names)

    @staticmethod
    def label_word(token: Token) -> str:
        return token.text

    @staticmethod
    def label_string(token: Token) -> str:
        name = string_value(token.text)
        if not is_label_name(name):
            message = f"invalid label name for grouping: {go_quote(name)}"
            raise ParseError(message, token.start, token.end)
        return name

    # --- Selectors ----------------------------------------------------------------------------

    def selector_full(self, metric: Token, matchers: _Matchers) -> ast.VectorSelector:
        return self._selector(metric.text, matchers.matchers, Span(metric.start, matchers.end))

    def selector_name(self, metric: Token) -> ast.VectorSelector:
        return self._selector(metric.text, (), _at(metric))

    @staticmethod
    def selector_matchers(matchers: _Matchers) -> ast.VectorSelector:
        span = Span(matchers.start, matchers.end)
        return ast.VectorSelector("", matchers.matchers, span=span)

    @staticmethod
    def _selector(name: str, matchers: tuple[Matcher, ...], span: Span) -> ast.VectorSelector:
        named = Matcher(METRIC_NAME, MatchOp.EQUAL, name)
        return ast.VectorSelector(name, (*matchers, named), span=span)

    @staticmethod
    def matchers_empty(opening: Token, closing: Token) -> _Matchers:
        return _Matchers((), opening.start, closing.end)

    @staticmethod
    def matchers(opening: Token, found: list[Matcher], *rest: Token) -> _Matchers:
        return _Matchers(tuple(found), opening.start, rest[-1].end)

    @staticmethod
    def matcher(name: Token, op: Token, value: Token) -> Matcher:
        label = presentable(string_value(name.text)) if name.type == "STRING" else name.text
        try:
            return Matcher(label, MatchOp(op.text), presentable(string_value(value.text)))
        except ValueError as wrong:
            raise ParseError(str(wrong), name.start, value.end) from wrong

    @staticmethod
    def matcher_name(token: Token) -> Matcher:
        return Matcher(METRIC_NAME, MatchOp.EQUAL, presentable(string_value(token.text)))

    # --- Modifiers of selectors ---------------------------------------------------------------

    def offset(self, expr: ast.Expr, word: Token, duration: ast.Duration) -> ast.Expr:
        span = _from(expr, duration.span.end)

        def change(target: ast.VectorSelector | ast.Subquery) -> ast.VectorSelector | ast.Subquery:
            old = target.offset
            if old is not None and not (isinstance(old, ast.NumberLiteral) and old.value == 0):
                raise problem("offset may not be set multiple times", span)
            return replace(target, offset=duration, span=_widened(expr, target, span))

        return _modified(expr, change, span, "offset")

    def at_number(self, expr: ast.Expr, word: Token, literal: ast.NumberLiteral) -> ast.Expr:
        return self._at_time(expr, literal.value, literal.span.end)

    def at_signed(
        self, expr: ast.Expr, word: Token, sign: Token, literal: ast.NumberLiteral
    ) -> ast.Expr:
        value = literal.value * _SIGN_OF_ZERO[sign.text]
        return self._at_time(expr, value, literal.span.end)

    def _at_time(self, expr: ast.Expr, seconds: float, end: int) -> ast.Expr:
        span = _from(expr, end)
        if math.isnan(seconds) or abs(seconds) >= 2.0**63:
            shown = {math.inf: "+Inf", -math.inf: "-Inf"}.get(seconds, f"{seconds:f}")
            shown = "NaN" if math.isnan(seconds) else shown
            raise problem(f"timestamp out of bounds for @ modifier: {shown}", span)
        product = seconds * 1000
        # Halves round away from zero, as Go's math.Round does.
        milliseconds = math.floor(abs(product) + 0.5) * (1 if product >= 0 else -1)
        return self._pinned(expr, milliseconds, span)

    def at_edge(
        self, expr: ast.Expr, word: Token, edge: Token, opening: Token, closing: Token
    ) -> ast.Expr:
        return self._pinned(expr, ast.AtEdge(edge.text.lower()), _from(expr, closing.end))

    @staticmethod
    def _pinned(expr: ast.Expr, at: int | ast.AtEdge, span: Span) -> ast.Expr:
        def change(target: ast.VectorSelector | ast.Subquery) -> ast.VectorSelector | ast.Subquery:
            if target.at is not None:
                raise problem("@ <timestamp> may not be set multiple times", span)
            return replace(target, at=at, span=_widened(expr, target, span))

        return _modified(expr, change, span, "@")

    def anchored(self, expr: ast.Expr, word: Token) -> ast.Expr:
        return self._extended(expr, word, "anchored", "smoothed")

    def smoothed(self, expr: ast.Expr, word: Token) -> ast.Expr:
        return self._extended(expr, word, "smoothed", "anchored")

    def _extended(self, expr: ast.Expr, word: Token, name: str, other: str) -> ast.Expr:
        span = _from(expr, word.end)
        if not self._features.extended_range_selectors:
            raise problem(f"{name} modifier is experimental and not enabled", span)
        if isinstance(expr, ast.Subquery):
            raise problem(f"{name} modifier is not supported for subqueries", span)
        selector = expr.selector if isinstance(expr, ast.MatrixSelector) else expr
        if not isinstance(selector, ast.VectorSelector):
            raise problem(f"{name} modifier not implemented", span)
        if getattr(selector, other):
            raise problem("anchored and smoothed modifiers cannot be used together", span)
        anchored = selector.anchored or name == "anchored"
        smoothed = selector.smoothed or name == "smoothed"
        if isinstance(expr, ast.MatrixSelector):
            changed = replace(selector, anchored=anchored, smoothed=smoothed)
            return replace(expr, selector=changed, span=span)
        return replace(selector, anchored=anchored, smoothed=smoothed, span=span)

    # --- Ranges -------------------------------------------------------------------------------

    def range(
        self, expr: ast.Expr, opening: Token, width: ast.Duration, closing: Token
    ) -> ast.MatrixSelector:
        bracket = Span(opening.start, closing.end)
        if not isinstance(expr, ast.VectorSelector):
            raise problem("ranges only allowed for vector selectors", bracket)
        if expr.offset is not None:
            raise problem("no offset modifiers allowed before range", bracket)
        if expr.at is not None:
            raise problem("no @ modifiers allowed before range", bracket)
        _require_positive(width)
        return ast.MatrixSelector(expr, width, span=_from(expr, closing.end))

    def subquery(
        self,
        expr: ast.Expr,
        opening: Token,
        width: ast.Duration,
        colon: Token,
        step: ast.Duration,
        closing: Token,
    ) -> ast.Subquery:
        _require_positive(width)
        _require_positive(step)
        return ast.Subquery(expr, width, step, span=_from(expr, closing.end))

    def subquery_default(
        self, expr: ast.Expr, opening: Token, width: ast.Duration, colon: Token, closing: Token
    ) -> ast.Subquery:
        _require_positive(width)
        return ast.Subquery(expr, width, span=_from(expr, closing.end))

    # --- Calls and aggregations ---------------------------------------------------------------

    def call_empty(self, name: Token, opening: Token, closing: Token) -> ast.Call:
        return self.call(name, opening, [], closing)

    def call(
        self, name: Token, opening: Token, arguments: list[ast.Expr], closing: Token
    ) -> ast.Call:
        known = FUNCTIONS.get(name.text)
        if known is None:
            message = f'unknown function with name "{name.text}"'
            words = [*FUNCTIONS, *AGGREGATORS]
            near = difflib.get_close_matches(name.text.lower(), words, n=1, cutoff=0.7)
            if near:
                message += f', did you mean "{near[0]}"?'
            raise problem(message, _at(name))
        if known.experimental and not self._features.experimental_functions:
            raise problem(f'function "{name.text}" is not enabled', _at(name))
        return ast.Call(name.text, tuple(arguments), span=Span(name.start, closing.end))

    @staticmethod
    def fail_trailing_comma(arguments: list[ast.Expr], comma: Token) -> None:
        raise problem("trailing commas not allowed in function call args", _at(comma))

    @staticmethod
    def grouping(word: Token, labels: tuple[str, ...]) -> tuple[bool, tuple[str, ...]]:
        return word.type == "WITHOUT", labels

    @staticmethod
    def no_arguments(opening: Token, closing: Token) -> _Arguments:
        return _Arguments((), closing.end)

    @staticmethod
    def in_parens(opening: Token, arguments: list[ast.Expr], closing: Token) -> _Arguments:
        return _Arguments(tuple(arguments), closing.end)

    def aggregate_before(
        self, op: Token, grouping: tuple[bool, tuple[str, ...]], arguments: _Arguments
    ) -> ast.Aggregate:
        return self._aggregate(op, arguments, *grouping)

    def aggregate_after(
        self, op: Token, arguments: _Arguments, grouping: tuple[bool, tuple[str, ...]]
    ) -> ast.Aggregate:
        return self._aggregate(op, arguments, *grouping)

    def aggregate(self, op: Token, arguments: _Arguments) -> ast.Aggregate:
        return self._aggregate(op, arguments)

    def _aggregate(
        self, op: Token, arguments: _Arguments, without: bool = False, names: tuple[str, ...] = ()
    ) -> ast.Aggregate:
        name, span = op.text.lower(), Span(op.start, arguments.end)
        given = len(arguments.exprs)
        if not given:
            raise problem("no arguments for aggregate expression provided", span)
        wanted = 2 if name in AGGREGATOR_PARAMETERS else 1
        if given != wanted:
            raise problem(
                "wrong number of arguments for aggregate expression provided, "
                f"expected {wanted}, got {given}",
                span,
            )
        if name in EXPERIMENTAL_AGGREGATORS and not self._features.experimental_functions:
            raise problem(
                f"{name}() is experimental and must be enabled with "
                "--enable-feature=promql-experimental-functions",
                span,
            )
        parameter = arguments.exprs[0] if wanted == 2 else None
        return ast.Aggregate(name, arguments.exprs[-1], parameter, names, without, span=span)


def _modified(
    expr: ast.Expr,
    change: Callable[[ast.VectorSelector | ast.Subquery], ast.VectorSelector | ast.Subquery],
    span: Span,
    word: str,
) -> ast.Expr:
    """`expr` with a change to the node that holds its modifiers."""
    if isinstance(expr, ast.MatrixSelector):
        selector = change(expr.selector)
        assert isinstance(selector, ast.VectorSelector)
        return replace(expr, selector=selector, span=span)
    if isinstance(expr, ast.VectorSelector | ast.Subquery):
        return change(expr)
    raise problem(
        f"{word} modifier must be preceded by an instant vector selector or range vector selector "
        "or a subquery",
        expr.span,
    )


def _widened(expr: ast.Expr, target: ast.Expr, span: Span) -> Span:
    """The inner selector of a range keeps its own span."""
    return span if target is expr else target.span


def _require_positive(duration: ast.Duration) -> None:
    if isinstance(duration, ast.NumberLiteral) and duration.value <= 0:
        raise problem("duration must be greater than 0", duration.span)
