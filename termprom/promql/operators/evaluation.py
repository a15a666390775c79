"""From plan nodes to operators: one switch; what it does not know fails by name.

Vectors are streams where they can pass batch by batch (selectors, range functions, functions of one
element) and matrices where all rows are needed at once (joins, sorts, quantiles).
"""

from __future__ import annotations

import numpy as np

from termprom.errors import EvaluationError, NotImplementedYet
from termprom.model.grid import Grid
from termprom.model.labels import EMPTY
from termprom.model.values import Values
from termprom.promql.kernels import calendar
from termprom.promql.kernels.arithmetic import ARITHMETIC, COMPARISONS
from termprom.promql.kernels.elementwise import larger, smaller
from termprom.promql.operators import (
    absent,
    aggregate,
    choose,
    classic_histogram,
    element_call,
    histogram_cells,
    info,
    labels_call,
    range_call,
    select,
    set_operator,
    sort,
    subquery,
)
from termprom.promql.operators.stream import Matrix, Series, Stream, collect, empty
from termprom.promql.operators.unique import merged_over_time
from termprom.promql.operators.vector_match import vector_match
from termprom.promql.plan import (
    Aggregate,
    Binary,
    Call,
    Negate,
    Number,
    Once,
    Plan,
    RangeSelect,
    Select,
    Subquery,
    Text,
    type_of,
)
from termprom.promql.run import Run
from termprom.promql.syntax.ast import ValueType

_SET_OPERATORS = frozenset({"and", "or", "unless"})
_SORTS = frozenset({"sort", "sort_desc", "sort_by_label", "sort_by_label_desc"})


class Evaluation:
    """Evaluates the nodes of one plan within one run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def matrix(self, node: Plan, grid: Grid) -> Matrix:
        """The whole vector that `node` is over `grid`."""
        return collect(self._run, self.stream(node, grid), grid.count)

    def stream(self, node: Plan, grid: Grid) -> Stream:
        """The vector that `node` is over `grid`, in batches where that is possible."""
        self._run.check()
        match node:
            case Select():
                return self._selected(node, grid, select.Shown.VALUE)
            case Negate(expr):
                stream = element_call.negated(self._run, self.stream(expr, grid), grid)
                return merged_over_time(self._run, stream, grid.count)
            case Once(expr):
                return self._once(expr, grid)
            case Binary():
                return self._binary(node, grid)
            case Aggregate():
                return self._aggregate(node, grid).stream()
            case Call():
                return self._call(node, grid)
        raise NotImplementedYet(f"{type_of(node).long_name} here")

    def ranged(self, node: Plan, grid: Grid) -> select.RangeSource:
        """The range vector that `node` is at each step of `grid`."""
        match node:
            case RangeSelect():
                return select.ranged(self._run, node, grid)
            case Subquery(expr):
                return subquery.subquery(
                    self._run, node, grid, lambda inner: self._vector_or_scalar(expr, inner)
                )
        raise NotImplementedYet(f"range of {type(node).__name__}")

    def scalar(self, node: Plan, grid: Grid) -> Values:
        """The scalar that `node` is at each step of `grid`; (S,)."""
        match node:
            case Number(value):
                return np.full(grid.count, value)
            case Negate(expr):
                return -self.scalar(expr, grid)
            case Once(expr):
                first = Grid.instant(grid.start_ms)
                return np.broadcast_to(self.scalar(expr, first), (grid.count,))
            case Binary(op, left, right):
                return self._scalar_binary(op, self.scalar(left, grid), self.scalar(right, grid))
            case Call("time"):
                return grid.steps_ms() / 1000
            case Call("pi"):
                return np.full(grid.count, np.pi)
            case Call("scalar", (argument,)):
                return self._scalar_of(self.matrix(argument, grid))
            case Call("max_of", (left, right)):
                return larger(self.scalar(left, grid), self.scalar(right, grid))
            case Call("min_of", (left, right)):
                return smaller(self.scalar(left, grid), self.scalar(right, grid))
        raise NotImplementedYet(f"scalar from {type(node).__name__}")

    def _selected(self, node: Select, grid: Grid, shown: select.Shown) -> Stream:
        return select.instant(self._run, node, grid, shown=shown)

    def _vector_or_scalar(self, node: Plan, grid: Grid) -> Matrix:
        if type_of(node) is ValueType.SCALAR:
            return _from_scalar(self.scalar(node, grid))
        return self.matrix(node, grid)

    @staticmethod
    def _scalar_binary(op: str, left: Values, right: Values) -> Values:
        if op in ARITHMETIC:
            result: Values = ARITHMETIC[op](left, right)
            return result
        if op in COMPARISONS:
            compared: Values = COMPARISONS[op](left, right).astype(np.float64)
            return compared
        raise EvaluationError(f'operator "{op}" not allowed for Scalar operations')

    @staticmethod
    def _scalar_of(matrix: Matrix) -> Values:
        """The only element's value; NaN where there is none or more than one."""
        counts = matrix.present.sum(axis=0)
        if not counts.any():
            return np.full(matrix.present.shape[1], np.nan)
        row = matrix.present.argmax(axis=0)
        values = matrix.values[row, np.arange(row.size)]
        return np.where(counts == 1, values, np.nan)

    def _once(self, node: Plan, grid: Grid) -> Stream:
        one = self.matrix(node, Grid.instant(grid.start_ms))
        shape = (len(one.series), grid.count)
        values, present = np.broadcast_to(one.values, shape), np.broadcast_to(one.present, shape)
        cells = histogram_cells.spread(one.histograms, grid.count)
        return Matrix(one.series, values, present, cells).stream()

    def _binary(self, node: Binary, grid: Grid) -> Stream:
        left_type, right_type = type_of(node.left), type_of(node.right)
        if left_type is ValueType.SCALAR or right_type is ValueType.SCALAR:
            scalar_left = left_type is ValueType.SCALAR
            vector, scalar = (node.right, node.left) if scalar_left else (node.left, node.right)
            return element_call.with_scalar(
                self._run,
                node.op,
                self.stream(vector, grid),
                self.scalar(scalar, grid),
                grid,
                node.span,
                scalar_left=scalar_left,
                return_bool=node.return_bool,
            )
        left, right = self.matrix(node.left, grid), self.matrix(node.right, grid)
        if node.op in _SET_OPERATORS:
            return set_operator.set_operator(node.op, left, right, node.matching).stream()
        return vector_match(self._run, node, left, right, grid.count).stream()

    def _aggregate(self, node: Aggregate, grid: Grid) -> Matrix:
        run, stream = self._run, self.stream(node.expr, grid)
        if node.op in aggregate.FOLDED:
            return aggregate.folded(run, node, stream, grid)
        assert node.param is not None, "the checker asked for a parameter"
        if node.op == "count_values":
            return aggregate.count_values(run, node, stream, _text(node.param), grid)
        parameter = self.scalar(node.param, grid)
        match node.op:
            case "quantile":
                return aggregate.quantile(run, node, stream, parameter, grid)
            case "limit_ratio":
                return choose.limit_ratio(run, node, stream, parameter, grid)
            case "topk" | "bottomk" | "limitk":
                return choose.choose_k(run, node, stream, parameter, grid)
        raise NotImplementedYet(node.op)

    def _call(self, node: Call, grid: Grid) -> Stream:
        run, func, args = self._run, node.func, node.args
        if func in range_call.RANGE_FUNCTIONS:
            return self._range_call(node, grid)
        if func in element_call.ELEMENT_FUNCTIONS:
            params = [self.scalar(arg, grid) for arg in args[1:]]
            return element_call.element_call(run, func, self.stream(args[0], grid), params, grid)
        if func in element_call.HISTOGRAM_ONLY:
            return element_call.histogram_only(run, func, self.stream(args[0], grid), grid)
        if func in calendar.PARTS:
            if not args:
                seconds = np.floor_divide(grid.steps_ms(), 1000)
                return _from_scalar(calendar.PARTS[func](seconds).astype(np.float64)).stream()
            return element_call.element_call(run, func, self.stream(args[0], grid), [], grid)
        if func in _SORTS:
            return self._sort(node, grid)
        match func:
            case "vector":
                return _from_scalar(self.scalar(args[0], grid)).stream()
            case "start_timestamp":
                return self._start_timestamp(args[0], grid)
            case "timestamp":
                return self._timestamp(args[0], grid)
            case "absent":
                return absent.absent(run, self.stream(args[0], grid), args[0], grid).stream()
            case "absent_over_time":
                source = self.ranged(args[0], grid)
                return absent.absent_over_time(run, source, args[0], grid).stream()
            case "label_replace":
                texts = [_text(arg) for arg in args[1:]]
                return labels_call.label_replace(run, self.stream(args[0], grid), texts, grid.count)
            case "label_join":
                texts = [_text(arg) for arg in args[1:]]
                return labels_call.label_join(run, self.stream(args[0], grid), texts, grid.count)
            case "info":
                return info.info(run, self.matrix(args[0], grid), args, grid).stream()
            case "histogram_quantile" | "histogram_fraction" | "histogram_quantiles":
                return self._classic_histogram(node, grid).stream()
        raise NotImplementedYet(f"{func}()")

    def _range_call(self, node: Call, grid: Grid) -> Stream:
        at = 1 if node.func == "quantile_over_time" else 0
        others = node.args[:at] + node.args[at + 1 :]
        params = [self.scalar(arg, grid) for arg in others]
        source = self.ranged(node.args[at], grid)
        return range_call.range_call(
            self._run,
            node.func,
            source,
            params,
            grid,
            node.places[at],
            node.places[0] if node.func == "quantile_over_time" else node.places[at],
        )

    def _timestamp(self, argument: Plan, grid: Grid) -> Stream:
        if isinstance(argument, Select):
            stream = self._selected(argument, grid, select.Shown.TIME)
            return merged_over_time(self._run, stream, grid.count)
        return element_call.step_times(self._run, self.stream(argument, grid), grid)

    def _start_timestamp(self, argument: Plan, grid: Grid) -> Stream:
        if self._run.start_timestamps and isinstance(argument, Select):
            return self._selected(argument, grid, select.Shown.START)
        # Only samples as they were found know when they began.
        return empty(grid.count).stream()

    def _sort(self, node: Call, grid: Grid) -> Stream:
        by_value = node.func in ("sort", "sort_desc")
        if not self._run.one_step:
            sort.warn_ineffective(self._run, node.span)
        matrix = self.matrix(node.args[0], grid)
        if by_value:
            matrix = sort.comparable(matrix)
        if grid.count != 1:
            return matrix.stream()
        descending = node.func.endswith("_desc")
        if by_value:
            return sort.sort(matrix, descending=descending).stream()
        names = [_text(arg) for arg in node.args[1:]]
        return labels_call.sort_by_label(matrix, names, descending=descending).stream()

    def _classic_histogram(self, node: Call, grid: Grid) -> Matrix:
        run, args = self._run, node.args
        match node.func:
            case "histogram_quantile":
                q = self.scalar(args[0], grid)
                return classic_histogram.histogram_quantile(
                    run, self.matrix(args[1], grid), q, grid, node.places[1], node.places[0]
                )
            case "histogram_fraction":
                low, high = self.scalar(args[0], grid), self.scalar(args[1], grid)
                return classic_histogram.histogram_fraction(
                    run, self.matrix(args[2], grid), low, high, grid, node.places[2]
                )
            case _:
                qs = [self.scalar(arg, grid) for arg in args[2:]]
                spans = [node.places[0], *node.places[2:]]
                return classic_histogram.histogram_quantiles(
                    run, self.matrix(args[0], grid), _text(args[1]), qs, grid, spans
                )


def _from_scalar(values: Values) -> Matrix:
    """One element without labels at every step."""
    return Matrix(Series([EMPTY]), values[np.newaxis, :], np.ones((1, values.size), dtype=np.bool_))


def _text(node: Plan) -> str:
    assert isinstance(node, Text), "the checker asked for a string"
    return node.value
