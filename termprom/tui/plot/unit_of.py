"""The unit of an expression's result, guessed from its metric names and functions.

A guess errs towards a plain number: a wrong unit misleads, a missing one does not.
"""

from __future__ import annotations

from typing import Final

from termprom.promql.syntax import ast
from termprom.tui.plot.units import PLAIN, Kind, Unit

_SECONDS: Final = Unit(Kind.SECONDS)
_BYTES: Final = Unit(Kind.BYTES)
_RATIO: Final = Unit(Kind.RATIO)

_SUFFIXES: Final[tuple[tuple[str, Unit], ...]] = (
    ("_timestamp_seconds", Unit(Kind.MOMENT)),
    ("_time_seconds", Unit(Kind.MOMENT)),  # node_boot_time_seconds, process_start_time_seconds
    ("_seconds", _SECONDS),
    ("_bytes", _BYTES),
    ("_ratio", _RATIO),
    ("_percent", Unit(Kind.PERCENT)),
    ("_celsius", Unit(Kind.NUMBER, " °C")),
    ("_volts", Unit(Kind.NUMBER, " V")),
    ("_amperes", Unit(Kind.NUMBER, " A")),
    ("_watts", Unit(Kind.NUMBER, " W")),
    ("_joules", Unit(Kind.NUMBER, " J")),
    ("_hertz", Unit(Kind.NUMBER, " Hz")),
    ("_meters", Unit(Kind.NUMBER, " m")),
    ("_grams", Unit(Kind.NUMBER, " g")),
)
# Counter and histogram parts come after the unit in a name.
_PARTS: Final = ("_total", "_sum", "_created", "_max", "_min")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RATES: Final = frozenset({"rate", "irate", "deriv"})
_KEEPING: Final = _names(
    """abs ceil floor round clamp clamp_max clamp_min sort sort_desc sort_by_label
    sort_by_label_desc label_replace label_join avg_over_time min_over_time max_over_time
    sum_over_time last_over_time first_over_time quantile_over_time stddev_over_time
    mad_over_time increase delta idelta predict_linear double_exponential_smoothing
    histogram_quantile histogram_sum histogram_avg vector"""
)
_KEEPING_AGGREGATES: Final = _names(
    "sum avg min max stddev quantile topk bottomk limitk limit_ratio"
)
_COMPARISONS: Final = frozenset({"==", "!=", ">", "<", ">=", "<="})
_SETS: Final = frozenset({"and", "or", "unless"})


def unit_of_metric(name: str) -> Unit:
    """The unit that a metric's name states."""
    if name.endswith("_bucket") or name.endswith("_count"):
        return PLAIN
    for part in _PARTS:
        name = name.removesuffix(part)
    for suffix, unit in _SUFFIXES:
        if name.endswith(suffix):
            return unit
    return PLAIN


def unit_of(expr: ast.Expr) -> Unit:
    """The unit of what `expr` evaluates to."""
    match expr:
        case ast.VectorSelector(name):
            return unit_of_metric(name)
        case ast.MatrixSelector(selector, _):
            return unit_of(selector)
        case ast.Subquery(inner) | ast.Paren(inner) | ast.Unary(_, inner):
            return unit_of(inner)
        case ast.Aggregate(op, inner):
            return unit_of(inner) if op in _KEEPING_AGGREGATES else PLAIN
        case ast.Call(func, args):
            return _of_call(func, args)
        case ast.Binary(op, left, right):
            return _of_binary(op, left, right, expr.return_bool)
        case _:
            return PLAIN


def _of_call(func: str, args: tuple[ast.Expr, ...]) -> Unit:
    if func == "histogram_quantile":
        name = _bucket_name(args[-1]) if args else ""
        return unit_of_metric(name.removesuffix("_bucket"))
    if func == "time" or func == "timestamp":
        return Unit(Kind.MOMENT)
    if func == "histogram_fraction":
        return _RATIO
    inner = next((arg for arg in args if not _is_constant(arg)), None)
    if inner is None:
        return PLAIN
    unit = unit_of(inner)
    if func in _RATES:
        return _per_second(unit)
    return unit if func in _KEEPING else PLAIN


def _per_second(unit: Unit) -> Unit:
    match unit.kind:
        case Kind.BYTES:
            return Unit(Kind.BYTES, "/s")
        case Kind.SECONDS:
            return PLAIN  # seconds of work per second: a number of busy things
        case Kind.NUMBER:
            return Unit(Kind.NUMBER, unit.suffix + "/s")
        case _:
            return PLAIN


def _of_binary(op: str, left: ast.Expr, right: ast.Expr, return_bool: bool) -> Unit:
    if op in _COMPARISONS:
        return PLAIN if return_bool else unit_of(right if _is_constant(left) else left)
    if op in _SETS:
        return unit_of(left)
    if op == "/":
        return _of_quotient(left, right)
    if op == "*":
        return _of_product(left, right)
    if op in ("+", "-"):
        if _is_constant(left) or _is_constant(right):
            return unit_of(right if _is_constant(left) else left)
        one, other = unit_of(left), unit_of(right)
        if {one.kind, other.kind} == {Kind.MOMENT}:
            return _SECONDS if op == "-" else PLAIN
        return one if one == other else PLAIN
    return unit_of(left) if op == "%" else PLAIN


def _of_quotient(left: ast.Expr, right: ast.Expr) -> Unit:
    if _is_constant(right):
        return unit_of(left) if unit_of(left).kind is not Kind.BYTES else PLAIN
    above, below = unit_of(left), unit_of(right)
    if above == below and (above.kind is not Kind.NUMBER or _same_family(left, right)):
        return _RATIO
    names = {name.removesuffix("_sum") for name in metric_names(left)}
    counts = {name.removesuffix("_count") for name in metric_names(right)}
    if names and names == counts:  # x_sum / x_count: the mean of x
        return unit_of_metric(names.pop())
    return PLAIN


def _of_product(left: ast.Expr, right: ast.Expr) -> Unit:
    for number, other in ((left, right), (right, left)):
        if isinstance(number, ast.NumberLiteral):
            unit = unit_of(other)
            if number.value == 100 and unit.kind is Kind.RATIO:
                return Unit(Kind.PERCENT)
            if number.value == 8 and unit.kind is Kind.BYTES:
                return Unit(Kind.NUMBER, "bit" + unit.suffix)
            return PLAIN
    return PLAIN


def _same_family(left: ast.Expr, right: ast.Expr) -> bool:
    """Whether both sides count the same metric, so that their quotient is a share."""
    names = metric_names(left)
    return bool(names) and names == metric_names(right)


def _is_constant(expr: ast.Expr) -> bool:
    """Whether the expression is a number that carries no unit of its own."""
    match expr:
        case ast.VectorSelector() | ast.Call("time"):
            return False
        case _:
            return not metric_names(expr)


def _bucket_name(expr: ast.Expr) -> str:
    names = metric_names(expr)
    return names.pop() if len(names) == 1 else ""


def metric_names(expr: ast.Expr) -> set[str]:
    """Every metric name that the expression selects."""
    match expr:
        case ast.VectorSelector(name):
            return {name} if name else set()
        case ast.MatrixSelector(selector, _):
            return metric_names(selector)
        case ast.Subquery(inner) | ast.Paren(inner) | ast.Unary(_, inner):
            return metric_names(inner)
        case ast.Aggregate():
            return metric_names(expr.expr)
        case ast.Call(_, args):
            return set().union(*(metric_names(arg) for arg in args))
        case ast.Binary(_, left, right):
            return metric_names(left) | metric_names(right)
        case _:
            return set()
