"""PromQL expressions as values.

Every node knows its span [start, end) in bytes of the source; spans take no part in equality.
Times and durations are milliseconds, except where a field says otherwise. A duration that is an
expression (`[5m + step()]`) stays a node until `promql.plan` knows the query's grid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from termprom.model.matchers import Matcher


class ValueType(StrEnum):
    """Expression types; the values are the API's names, `long_name` those of error messages."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "vector"
    MATRIX = "matrix"

    @property
    def long_name(self) -> str:
        return {"vector": "instant vector", "matrix": "range vector"}.get(self.value, self.value)


@dataclass(frozen=True, slots=True)
class Span:
    """Byte offsets [start, end) into the source; (-1, -1) for nodes that no source has."""

    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What all nodes have in common."""

    span: Span = field(default=Span(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NumberLiteral(Node):
    """A number; `is_duration` remembers that it was written as `5m` (value in seconds)."""

    value: float
    is_duration: bool = False


@dataclass(frozen=True, slots=True)
class StringLiteral(Node):
    value: str


# --- Durations --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DurationCall(Node):
    """`step()`, `range()`, `max_of(a, b)`, `min_of(a, b)` inside a duration."""

    name: str
    args: tuple[Duration, ...] = ()


@dataclass(frozen=True, slots=True)
class DurationOp(Node):
    """Arithmetic inside a duration; `left` is None for a sign."""

    op: str
    left: Duration | None
    right: Duration
    in_parentheses: bool = False


# A literal holds seconds. Everything is folded to milliseconds when the grid is known.
Duration = NumberLiteral | DurationCall | DurationOp


class AtEdge(StrEnum):
    """`@ start()` and `@ end()`: an edge of the whole query."""

    START = "start"
    END = "end"


# --- Selectors --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VectorSelector(Node):
    """`name{matchers} @ at offset o`. `matchers` include the one on __name__ that `name` implies.

    `at` is milliseconds or an edge; `offset` None means none was written.
    """

    name: str
    matchers: tuple[Matcher, ...]
    offset: Duration | None = None
    at: int | AtEdge | None = None
    anchored: bool = False
    smoothed: bool = False


@dataclass(frozen=True, slots=True)
class MatrixSelector(Node):
    """`selector[range]`; offset and `@` sit on the inner selector."""

    selector: VectorSelector
    range: Duration


@dataclass(frozen=True, slots=True)
class Subquery(Node):
    """`expr[range:step] @ at offset o`; step None takes the default resolution."""

    expr: Expr
    range: Duration
    step: Duration | None = None
    offset: Duration | None = None
    at: int | AtEdge | None = None


# --- Operators --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Paren(Node):
    expr: Expr


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`+expr` or `-expr`."""

    op: str
    expr: Expr


class Cardinality(StrEnum):
    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"  # group_left
    ONE_TO_MANY = "one-to-many"  # group_right
    MANY_TO_MANY = "many-to-many"  # set operators


@dataclass(frozen=True, slots=True)
class Matching(Node):
    """How two vectors pair up. `on` False means `ignoring`; fills are None where not written."""

    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    labels: tuple[str, ...] = ()
    on: bool = False
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`left op right`. `matching` is None where a side is scalar."""

    op: str
    left: Expr
    right: Expr
    matching: Matching | None = None
    return_bool: bool = False
    op_span: Span = field(default=Span(), compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """`op by/without (grouping) (param, expr)`."""

    op: str
    expr: Expr
    param: Expr | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`func(args)`; the function is a name in `promql.syntax.functions.FUNCTIONS`."""

    func: str
    args: tuple[Expr, ...]


Expr = (
    NumberLiteral
    | StringLiteral
    | VectorSelector
    | MatrixSelector
    | Subquery
    | Paren
    | Unary
    | Binary
    | Aggregate
    | Call
)
