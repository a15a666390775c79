"""The engine: an expression and a time, or a grid of times, to a result.

Synchronous; every call is an evaluation of its own and may run in any thread, many at once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from termprom import limits
from termprom.errors import EvaluationError, ParseError
from termprom.model.grid import Grid
from termprom.model.labels import EMPTY
from termprom.model.node_cost import Explained
from termprom.model.result import (
    HistogramPoint,
    QueryResult,
    QueryStats,
    ResultType,
)
from termprom.promql.explain import ExplainedEvaluation
from termprom.promql.extent import extent_ms
from termprom.promql.histograms.value import to_model
from termprom.promql.lowering import lower
from termprom.promql.operators.evaluation import Evaluation
from termprom.promql.operators.stream import Matrix, Series, without_name
from termprom.promql.operators.unique import merge
from termprom.promql.plan import Plan, RangeSelect, Subquery, Text, type_of
from termprom.promql.raw_result import raw_result
from termprom.promql.rewrites.derive_hints import derive_hints
from termprom.promql.rewrites.evaluate_once import evaluate_once
from termprom.promql.run import CancelToken, Run
from termprom.promql.syntax.ast import Expr, ValueType
from termprom.promql.syntax.format import one_line
from termprom.promql.syntax.literals import presentable
from termprom.promql.syntax.parse import Features, parse
from termprom.promql.watching import EXPLAIN, QueryWatcher, watched
from termprom.storage import Queryable

__all__ = ["CancelToken", "Engine", "EngineOptions"]


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Limits and switches of all queries.

    default_step_ms: resolution of subqueries that name none (`global.evaluation_interval`)
    delayed_name_removal: names go when a query ends, not where an operation drops them
    start_timestamps: counters may say since when they count, and start_timestamp() tells
    watchers: told of every query as it begins and ends
    """

    lookback_ms: int = limits.LOOKBACK_MS
    samples_max: int = limits.QUERY_SAMPLES_MAX
    timeout_seconds: float = limits.QUERY_TIMEOUT_SECONDS
    default_step_ms: int = 60_000
    features: Features = field(default_factory=Features)
    delayed_name_removal: bool = False
    start_timestamps: bool = False
    watchers: Sequence[QueryWatcher] = ()


class Engine:
    """Evaluates PromQL on whatever can be queried."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options

    def __repr__(self) -> str:
        return f"Engine({self._options!r})"

    def instant(
        self,
        queryable: Queryable,
        expr: str | Expr,
        at_ms: int,
        *,
        cancel: CancelToken | None = None,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        """The value of `expr` at one time.

        Raises ParseError, EvaluationError, TooManySamples, QueryTimeout, QueryCanceled,
        NotImplementedYet, StorageError.
        """
        query = _Query(self._options, queryable, cancel, timeout_seconds, lookback_ms)
        return self._run(query, expr, Grid.instant(at_ms), over_time=False)

    def range(
        self,
        queryable: Queryable,
        expr: str | Expr,
        grid: Grid,
        *,
        cancel: CancelToken | None = None,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        """The value of `expr` at every step of `grid`, as a matrix. Raises as `instant` does."""
        query = _Query(self._options, queryable, cancel, timeout_seconds, lookback_ms)
        return self._run(query, expr, grid, over_time=True)

    def _run(self, query: _Query, expr: str | Expr, grid: Grid, *, over_time: bool) -> QueryResult:
        watchers = self._options.watchers
        parsed = self._parsed(expr)
        text = expr if isinstance(expr, str) else one_line(expr)
        if not watchers:
            return query.run(parsed, grid, text, over_time=over_time)
        with watched(watchers, text, grid, over_time=over_time) as watch:
            return watch.take(query.run(parsed, grid, text, over_time=over_time))

    def _parsed(self, expr: str | Expr) -> Expr:
        return parse(expr, self._options.features) if isinstance(expr, str) else expr


class _Query:
    """One question: its limits, its clock, its snapshot."""

    def __init__(
        self,
        options: EngineOptions,
        queryable: Queryable,
        cancel: CancelToken | None,
        timeout_seconds: float | None,
        lookback_ms: int | None,
    ) -> None:
        self._options = options
        self._queryable = queryable
        self._cancel = cancel or CancelToken()
        self._began = time.monotonic()
        timeout = options.timeout_seconds if timeout_seconds is None else timeout_seconds
        self._deadline = self._began + timeout
        self._lookback_ms = lookback_ms if lookback_ms else options.lookback_ms

    def run(self, expr: Expr, grid: Grid, text: str, *, over_time: bool) -> QueryResult:
        """`text` is what `expr` was read from."""
        plan = derive_hints(evaluate_once(lower(expr, grid, self._options.default_step_ms)))
        kind = type_of(plan)
        if over_time and kind not in (ValueType.SCALAR, ValueType.VECTOR):
            raise ParseError(
                f'invalid expression type "{kind.long_name}" for range query, '
                "must be Scalar or instant Vector"
            )
        extent = extent_ms(plan, grid, self._lookback_ms) or (grid.start_ms, grid.end_ms)
        querier = self._queryable.querier(extent[0], max(extent))
        try:
            run = Run(
                querier,
                lookback_ms=self._lookback_ms,
                default_step_ms=self._options.default_step_ms,
                samples_max=self._options.samples_max,
                deadline=self._deadline,
                cancel=self._cancel,
                one_step=grid.count == 1,
                delayed_name_removal=self._options.delayed_name_removal,
                start_timestamps=self._options.start_timestamps,
            )
            run.check()
            run.require_room(1, grid.count)
            explaining = ExplainedEvaluation(run, grid.count) if EXPLAIN.get() else None
            # Division by zero, logarithms of negative numbers and NaN all have a meaning here.
            with np.errstate(all="ignore"):
                evaluation = explaining or Evaluation(run)
                result = _result(run, evaluation, plan, grid, over_time=over_time)
        except OverflowError as problem:
            raise EvaluationError("time is out of range") from problem
        finally:
            querier.close()
        explained = None if explaining is None else explaining.explained(plan, text)
        return self._with_stats(result, run, explained)

    def _with_stats(
        self, result: QueryResult, run: Run, explained: Explained | None
    ) -> QueryResult:
        stats = QueryStats(
            time.monotonic() - self._began,
            len(result.raw if result.raw is not None else result.labels),
            run.seen_samples,
            run.peak_samples,
            explained,
        )
        return replace(result, notices=run.notices.all(), stats=stats)


def _result(
    run: Run, evaluation: Evaluation, plan: Plan, grid: Grid, *, over_time: bool
) -> QueryResult:
    times = grid.steps_ms()
    kind = ResultType.MATRIX if over_time else ResultType(type_of(plan).value)
    if isinstance(plan, Text):
        nothing = np.empty((0, grid.count))
        return QueryResult(
            kind,
            (),
            times,
            nothing,
            np.empty(nothing.shape, dtype=np.bool_),
            text=presentable(plan.value),
        )
    if isinstance(plan, RangeSelect | Subquery):
        return raw_result(evaluation.ranged(plan, grid), grid)
    if type_of(plan) is ValueType.SCALAR:
        values = np.array(evaluation.scalar(plan, grid))[np.newaxis, :]
        return QueryResult(kind, (EMPTY,), times, values, np.ones(values.shape, dtype=np.bool_))
    matrix = _named(run, evaluation.matrix(plan, grid)).compact()
    if over_time:
        labels = matrix.series.labels
        order = sorted(range(len(labels)), key=labels.__getitem__)
        matrix = matrix.take(np.array(order, dtype=np.int64))
    return QueryResult(
        kind,
        matrix.series.labels,
        times,
        matrix.values,
        matrix.present,
        histograms=_points(matrix),
    )


def _points(matrix: Matrix) -> Sequence[HistogramPoint]:
    return [
        HistogramPoint(row, step, to_model(one))
        for row, cells in sorted(matrix.histograms.items())
        for step, one in sorted(cells.items())
    ]


def _named(run: Run, matrix: Matrix) -> Matrix:
    """The matrix after names that were kept for the end have gone."""
    pending = matrix.series.pending
    if pending is None or not pending.any():
        return matrix
    labels = [
        without_name(one) if drop else one
        for one, drop in zip(matrix.series.labels, pending.tolist(), strict=True)
    ]
    return merge(Matrix(Series(labels), matrix.values, matrix.present, matrix.histograms))
