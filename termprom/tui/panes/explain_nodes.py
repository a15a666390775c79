"""An expression as a tree of queries of their own, and what their answers say together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from termprom.model.labels import METRIC_NAME, Labels
from termprom.promql.syntax import ast
from termprom.promql.syntax.check import COMPARISONS, SET_OPERATORS
from termprom.promql.syntax.format import one_line
from termprom.promql.syntax.functions import FUNCTIONS
from termprom.promql.syntax.nodes import children

_TOP_VALUES: Final = 3


@dataclass(frozen=True, slots=True)
class Node:
    """One part of an expression. `parts` are the numbers of the nodes it is made of."""

    number: int
    depth: int
    expr: ast.Expr
    text: str
    parts: tuple[int, ...] = ()

    @property
    def query(self) -> str:
        """What tells how many series this is; a range is not pulled over for that."""
        if isinstance(self.expr, ast.MatrixSelector | ast.Subquery):
            return f"last_over_time({self.text})"
        return self.text

    @property
    def title(self) -> str:
        """The node without its parts: `sum by (job)`, `/`, `rate`."""
        match self.expr:
            case ast.Binary(op, left, right) if not (_counts(left) and _counts(right)):
                return f"{one_line(left)} {op}" if _counts(right) else f"{op} {one_line(right)}"
            case ast.Binary(op):
                modifiers = self.text[len(one_line(self.expr.left)) :]
                tail = one_line(self.expr.right)
                shown = modifiers.removesuffix(tail).strip()
                return shown or op
            case ast.Aggregate(op):
                head, _, _ = self.text.partition("(")
                by = self.expr.grouping or self.expr.without
                return self.text.split(") (")[0] + ")" if by else head or op
            case ast.Call(func):
                numbers = [one_line(one) for one in self.expr.args if not _counts(one)]
                return f"{func}({', '.join([*numbers, '…'])})" if numbers else func
            case ast.Unary(op):
                return f"{op}…"
            case ast.Subquery():
                return f"…{self.text[len(one_line(self.expr.expr)) :]}"
            case _:
                return self.text


def nodes_of(expr: ast.Expr) -> list[Node]:
    """The nodes from top to bottom; an operator stands between its sides."""
    found: dict[int, Node] = {}
    order: list[int] = []
    numbers = iter(range(10_000))

    def add(one: ast.Expr, depth: int) -> int:
        one = _bare(one)
        number = next(numbers)
        below = [child for child in children(one) if _counts(child)]
        if isinstance(one, ast.MatrixSelector):
            below = []
        if isinstance(one, ast.Binary) and len(below) == 2:
            left = add(below[0], depth + 1)
            order.append(number)
            parts = (left, add(below[1], depth + 1))
        else:
            order.append(number)
            parts = tuple(add(child, depth + 1) for child in below)  # type: ignore[assignment]
        found[number] = Node(number, depth, one, one_line(one), parts)
        return number

    add(expr, 0)
    return [found[number] for number in order]


def _bare(expr: ast.Expr) -> ast.Expr:
    while isinstance(expr, ast.Paren):
        expr = expr.expr
    return expr


def _counts(expr: ast.Expr) -> bool:
    """Whether a part is worth a query: numbers and strings are not."""
    return not isinstance(_bare(expr), ast.NumberLiteral | ast.StringLiteral)


def children_first(nodes: Sequence[Node]) -> list[Node]:
    return sorted(nodes, key=lambda one: -one.depth)


@dataclass(frozen=True, slots=True)
class Measure:
    """The answer to a node's own query."""

    labels: Sequence[Labels] = ()
    samples: int = 0
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node and what is known of it so far."""

    node: Node
    measure: Measure | None = None
    self_seconds: float | None = None  # without its parts, as far as those are known

    @property
    def name(self) -> str:
        return "  " * self.node.depth + self.node.title


def rows_of(nodes: Sequence[Node], measures: Mapping[int, Measure]) -> list[NodeRow]:
    rows = []
    for node in nodes:
        own = measures.get(node.number)
        parts = [measures.get(number) for number in node.parts]
        known = [one for one in parts if one is not None]
        alone = None
        if own is not None and not own.error and len(known) == len(parts):
            alone = max(own.seconds - sum(one.seconds for one in known), 0.0)
        rows.append(NodeRow(node, own, alone))
    return rows


# --- What a node does, in words ---------------------------------------------------------------


def words_of(expr: ast.Expr) -> str:
    """One plain sentence."""
    match expr:
        case ast.VectorSelector():
            return "the newest sample of each matching series, none older than the lookback"
        case ast.MatrixSelector():
            return "all samples of each matching series in a window before each step"
        case ast.Subquery():
            return "the inner expression, evaluated at every step of a window"
        case ast.Call(func):
            return FUNCTIONS[func].help
        case ast.Aggregate(op, _, _, grouping, without):
            names = ", ".join(grouping)
            if without:
                return f"{op} over the series that agree in all labels but {names or 'the name'}"
            return f"{op} over the series of each {names}" if names else f"{op} over all series"
        case ast.Binary(op):
            if op in SET_OPERATORS:
                return f"series of the sides that {op} lets pass, matched by labels"
            if op in COMPARISONS and not expr.return_bool:
                return "series of the left side for which the comparison holds"
            return "the sides, series by series with the same labels"
        case _:
            return ""


def label_counts(labels: Sequence[Labels]) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """(label, number of values, the most frequent of them with their counts), most values first."""
    counts: dict[str, dict[str, int]] = {}
    for one in labels:
        for name, value in one:
            values = counts.setdefault(name, {})
            values[value] = values.get(value, 0) + 1
    found = [
        (name, len(values), sorted(values.items(), key=lambda pair: -pair[1])[:_TOP_VALUES])
        for name, values in counts.items()
    ]
    return sorted(found, key=lambda one: (-one[1], one[0]))


# --- How two sides match ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MatchReport:
    """How many label sets of an operator's sides find a partner, with an example of one without."""

    matched: int
    left_alone: int
    right_alone: int
    left_example: str = ""
    right_example: str = ""
    dropped: int = 0  # matched, but the comparison does not hold

    def lines(self) -> Iterator[str]:
        yield f"{self.matched} groups of labels match"
        if self.dropped:
            yield f"{self.dropped} of the left series dropped by the comparison"
        if self.left_alone:
            yield f"{self.left_alone} only left, as {self.left_example}"
        if self.right_alone:
            yield f"{self.right_alone} only right, as {self.right_example}"


def match_report(expr: ast.Binary, left: Measure, right: Measure, own: Measure) -> MatchReport:
    """The report of an operator whose sides are both vectors."""
    matching = expr.matching or ast.Matching()
    lefts = {_key(one, matching) for one in left.labels}
    rights = {_key(one, matching) for one in right.labels}
    only_left, only_right = sorted(lefts - rights), sorted(rights - lefts)
    paired = sum(_key(one, matching) in rights for one in left.labels)
    compares = expr.op in COMPARISONS and not expr.return_bool
    return MatchReport(
        len(lefts & rights),
        len(only_left),
        len(only_right),
        str(only_left[0]) if only_left else "",
        str(only_right[0]) if only_right else "",
        max(paired - len(own.labels), 0) if compares else 0,
    )


def _key(labels: Labels, matching: ast.Matching) -> Labels:
    if matching.on:
        return Labels(pair for pair in labels if pair[0] in matching.labels)
    return Labels(
        pair for pair in labels if pair[0] != METRIC_NAME and pair[0] not in matching.labels
    )
