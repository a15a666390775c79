"""Types, and the rules that need them. Source: reference 2.3.

Children are checked before their parent, except that a call's argument count comes before its
arguments.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from termprom.errors import ParseError
from termprom.model.labels import METRIC_NAME
from termprom.promql.syntax import ast
from termprom.promql.syntax.ast import Span, ValueType
from termprom.promql.syntax.functions import AGGREGATOR_PARAMETERS, FUNCTIONS, Function
from termprom.promql.syntax.tokens import go_quote

COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
SET_OPERATORS: Final = frozenset({"and", "or", "unless"})
_PLAIN: Final = (ValueType.SCALAR, ValueType.VECTOR)


def type_of(expr: ast.Expr) -> ValueType:
    """The type of an expression's value; looks no deeper than it must."""
    match expr:
        case ast.NumberLiteral():
            return ValueType.SCALAR
        case ast.StringLiteral():
            return ValueType.STRING
        case ast.VectorSelector() | ast.Aggregate():
            return ValueType.VECTOR
        case ast.MatrixSelector() | ast.Subquery():
            return ValueType.MATRIX
        case ast.Paren(inner) | ast.Unary(_, inner):
            return type_of(inner)
        case ast.Binary(_, left, right):
            both = type_of(left) is ValueType.SCALAR and type_of(right) is ValueType.SCALAR
            return ValueType.SCALAR if both else ValueType.VECTOR
        case ast.Call(func):
            return FUNCTIONS[func].returns


def check(expr: ast.Expr) -> ast.Expr:
    """`expr`, found right; binary operations with a scalar side lose their matching.

    Raises ParseError without line and column.
    """
    match expr:
        case ast.Paren(inner):
            return replace(expr, expr=check(inner))
        case ast.Unary(_, inner):
            return _unary(replace(expr, expr=check(inner)))
        case ast.VectorSelector():
            check_matchers(expr)
        case ast.MatrixSelector(selector):
            check_matchers(selector)
        case ast.Subquery(inner):
            checked = check(inner)
            kind = type_of(checked)
            if kind is not ValueType.VECTOR:
                message = f"subquery is only allowed on instant vector, got {kind.value} instead"
                raise _problem(message, expr.span)
            return replace(expr, expr=checked)
        case ast.Binary(_, left, right):
            return _binary(replace(expr, left=check(left), right=check(right)))
        case ast.Aggregate():
            return _aggregate(expr)
        case ast.Call():
            return _call(expr)
    return expr


def _problem(message: str, span: Span) -> ParseError:
    return ParseError(message, span.start, span.end)


def check_matchers(selector: ast.VectorSelector) -> None:
    """A selector has one name at most, and must not match every series there is."""
    if selector.name:
        for matcher in selector.matchers[:-1]:
            if matcher.name == METRIC_NAME:
                both = f"{go_quote(selector.name)} or {go_quote(matcher.value)}"
                raise _problem(f"metric name must not be set twice: {both}", selector.span)
        return
    if all(matcher.matches_empty() for matcher in selector.matchers):
        raise _problem("vector selector must contain at least one non-empty matcher", selector.span)


def _unary(expr: ast.Unary) -> ast.Unary:
    kind = type_of(expr.expr)
    if kind not in _PLAIN:
        raise _problem(
            "unary expression only allowed on expressions of type scalar or instant vector, "
            f'got "{kind.long_name}"',
            expr.span,
        )
    return expr


def _binary(expr: ast.Binary) -> ast.Binary:
    op, matching = expr.op, expr.matching or ast.Matching()
    left, right = type_of(expr.left), type_of(expr.right)
    scalars = ValueType.SCALAR in (left, right)
    if expr.return_bool and op not in COMPARISONS:
        raise _problem("bool modifier can only be used on comparison operators", expr.op_span)
    both_scalar = left is ValueType.SCALAR and right is ValueType.SCALAR
    if op in COMPARISONS and both_scalar and not expr.return_bool:
        raise _problem("comparisons between scalars must use BOOL modifier", expr.op_span)
    if matching.on:
        for name in matching.labels:
            if name in matching.include:
                raise _problem(
                    f'label "{name}" must not occur in ON and GROUP clause at once', expr.op_span
                )
    for side, kind in ((expr.left, left), (expr.right, right)):
        if kind not in _PLAIN:
            message = "binary expression must contain only scalar and instant vector types"
            raise _problem(message, side.span)
    filled = matching.fill_left is not None or matching.fill_right is not None
    if scalars:
        if matching.labels:
            message = "vector matching only allowed between instant vectors"
            raise _problem(message, expr.span)
        if filled:
            message = "filling in missing series only allowed between instant vectors"
            raise _problem(message, expr.span)
        if op in SET_OPERATORS:
            message = f'set operator "{op}" not allowed in binary scalar expression'
            raise _problem(message, expr.span)
        return replace(expr, matching=None)
    if op in SET_OPERATORS:
        if matching.cardinality is not ast.Cardinality.MANY_TO_MANY:
            raise _problem(f'no grouping allowed for "{op}" operation', expr.span)
        if filled:
            message = "filling in missing series not allowed for set operators"
            raise _problem(message, expr.span)
    return expr


def _aggregate(expr: ast.Aggregate) -> ast.Aggregate:
    inner = check(expr.expr)
    kind = type_of(inner)
    if kind is not ValueType.VECTOR:
        message = f"expected type instant vector in aggregation expression, got {kind.long_name}"
        raise _problem(message, inner.span)
    param = expr.param
    if param is not None:
        wanted = AGGREGATOR_PARAMETERS[expr.op]
        param = check(param)
        got = type_of(param)
        if got is not wanted:
            raise _problem(
                f"expected type {wanted.long_name} in aggregation parameter, got {got.long_name}",
                param.span,
            )
    return replace(expr, expr=inner, param=param)


def _call(expr: ast.Call) -> ast.Call:
    function = FUNCTIONS[expr.func]
    _check_count(expr, function)
    args: list[ast.Expr] = []
    for place, given in enumerate(expr.args):
        if expr.func == "info" and place == 1:
            args.append(_label_selectors(given))
            continue
        argument = check(given)
        wanted, got = function.type_at(place), type_of(argument)
        if got is not wanted:
            raise _problem(
                f'expected type {wanted.long_name} in call to function "{expr.func}", '
                f"got {got.long_name}",
                argument.span,
            )
        args.append(argument)
    return replace(expr, args=tuple(args))


def _check_count(expr: ast.Call, function: Function) -> None:
    given, least, most = len(expr.args), function.args_min, function.args_max
    if least == most and given != least:
        words = f"expected {least} argument(s)"
    elif given < least:
        words = f"expected at least {least} argument(s)"
    elif 0 <= most < given:
        words = f"expected at most {most} argument(s)"
    else:
        return
    raise _problem(f'{words} in call to "{expr.func}", got {given}', expr.span)


def _label_selectors(given: ast.Expr) -> ast.Expr:
    """The second argument of info(): `{...}` without a name, which may match the empty value."""
    kind = type_of(given)
    if kind is not ValueType.VECTOR:
        message = f'expected type instant vector in call to function "info", got {kind.long_name}'
        raise _problem(message, given.span)
    if not isinstance(given, ast.VectorSelector):
        raise _problem("expected label selectors only", given.span)
    if given.name:
        message = "expected label selectors only, got vector selector instead"
        raise _problem(message, given.span)
    return given
