"""What will be evaluated: an expression whose times and durations are known numbers.

A plan is made for one query (its start, end and step) by `lowering`; rewrites turn plans into
plans with the same answer. Nodes keep the span of their source for notices and errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from termprom.model.matchers import Matcher
from termprom.promql.syntax.ast import Matching, Span, ValueType


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanNode:
    """What all nodes have in common."""

    span: Span = field(default=Span(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Number(PlanNode):
    value: float


@dataclass(frozen=True, slots=True)
class Text(PlanNode):
    value: str


@dataclass(frozen=True, slots=True)
class Select(PlanNode):
    """Newest sample of each series at (at_ms or the step) - offset_ms, if within the lookback.

    `derive_hints` has native histograms that know nothing of resets compared with the one before.
    """

    name: str
    matchers: tuple[Matcher, ...]
    offset_ms: int = 0
    at_ms: int | None = None
    smoothed: bool = False
    derive_hints: bool = False


@dataclass(frozen=True, slots=True)
class RangeSelect(PlanNode):
    """Samples in (edge - range_ms, edge]; rates divide by `range_seconds`, which is not cut to ms.

    `anchored` and `smoothed` look beyond the window for its edges.
    """

    select: Select
    range_ms: int
    range_seconds: float
    anchored: bool = False
    smoothed: bool = False


@dataclass(frozen=True, slots=True)
class Subquery(PlanNode):
    """`expr` at all multiples of step_ms in (edge - range_ms, edge]."""

    expr: Plan
    range_ms: int
    range_seconds: float
    step_ms: int
    offset_ms: int = 0
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Negate(PlanNode):
    expr: Plan


@dataclass(frozen=True, slots=True)
class Binary(PlanNode):
    """`matching` is of use only where both sides are vectors."""

    op: str
    left: Plan
    right: Plan
    matching: Matching
    return_bool: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate(PlanNode):
    """`place` is where the operand is written, parentheses and all, for remarks on it."""

    op: str
    expr: Plan
    param: Plan | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False
    place: Span = field(default=Span(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call(PlanNode):
    """`places` are where the arguments are written, parentheses and all, for remarks on them."""

    func: str
    args: tuple[Plan, ...]
    places: tuple[Span, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Once(PlanNode):
    """An expression that is the same at every step: evaluated at the first, shown at all."""

    expr: Plan


Plan = Number | Text | Select | RangeSelect | Subquery | Negate | Binary | Aggregate | Call | Once

_SCALAR_CALLS = frozenset(
    {"pi", "time", "scalar", "max_of", "min_of", "start", "end", "step", "range"}
)


def type_of(node: Plan) -> ValueType:
    """The type of a node's value."""
    match node:
        case Number():
            return ValueType.SCALAR
        case Text():
            return ValueType.STRING
        case RangeSelect() | Subquery():
            return ValueType.MATRIX
        case Negate(expr) | Once(expr):
            return type_of(expr)
        case Binary(_, left, right):
            both = (type_of(left), type_of(right))
            return ValueType.VECTOR if ValueType.VECTOR in both else ValueType.SCALAR
        case Call(func):
            return ValueType.SCALAR if func in _SCALAR_CALLS else ValueType.VECTOR
        case _:
            return ValueType.VECTOR


def timing_of(node: Plan) -> tuple[int | None, int] | None:
    """The pin and the offset of the first selector in `node`; info() looks its series up alike."""
    if isinstance(node, Select):
        return node.at_ms, node.offset_ms
    for child in children(node):
        found = timing_of(child)
        if found is not None:
            at_ms, offset_ms = found
            if isinstance(node, Subquery) and at_ms is None:
                return node.at_ms, offset_ms + node.offset_ms
            return found
    return None


def children(node: Plan) -> Iterator[Plan]:
    """The nodes directly below."""
    match node:
        case RangeSelect(select):
            yield select
        case Subquery(expr) | Negate(expr) | Once(expr):
            yield expr
        case Binary(_, left, right):
            yield left
            yield right
        case Aggregate(_, expr, param):
            yield expr
            if param is not None:
                yield param
        case Call(_, args):
            yield from args
        case _:
            return
