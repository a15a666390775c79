"""absent and absent_over_time: one element where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from termprom.model.grid import Grid
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.values import Mask
from termprom.promql.kernels.windows import windows_of
from termprom.promql.operators.edge_call import check_modifier
from termprom.promql.operators.select import RangeSource
from termprom.promql.operators.stream import Matrix, Series, Stream
from termprom.promql.plan import Plan, RangeSelect, Select
from termprom.promql.run import Run


def absent(run: Run, stream: Stream, argument: Plan, grid: Grid) -> Matrix:
    covered = np.zeros(grid.count, dtype=np.bool_)
    for batch in stream.batches:
        run.check()
        covered |= batch.held().any(axis=0)
    return _where_missing(covered, argument)


def absent_over_time(run: Run, source: RangeSource, argument: Plan, grid: Grid) -> Matrix:
    check_modifier("absent_over_time", source)
    covered = np.zeros(grid.count, dtype=np.bool_)
    for _, samples in source.lanes:
        run.check()
        windows = windows_of(samples, source.references, source.range_ms)
        covered |= windows.held.any(axis=0)
    right = source.references.times_ms()
    for one in source.histograms.values():
        first, end = one.bounds(right - source.range_ms, right)
        covered |= end > first
    return _where_missing(covered, argument)


def _where_missing(covered: Mask, argument: Plan) -> Matrix:
    series = Series([labels_of_missing(argument)])
    return Matrix(series, np.ones((1, covered.size)), ~covered[np.newaxis, :])


def labels_of_missing(argument: Plan) -> Labels:
    """The labels that a selector's equalities fix; none for any other expression."""
    select = argument.select if isinstance(argument, RangeSelect) else argument
    if not isinstance(select, Select):
        return Labels()
    found: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in _in_order(select.matchers):
        if matcher.name == METRIC_NAME:
            continue
        if matcher.op is MatchOp.EQUAL and matcher.name not in seen:
            found[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            found.pop(matcher.name, None)
    return Labels.of(found)


def _in_order(matchers: Sequence[Matcher]) -> list[Matcher]:
    """Upstream's store puts those that take series away behind those that find some."""
    required = {matcher.name for matcher in matchers if not matcher.matches_empty()}

    def takes_away(matcher: Matcher) -> bool:
        negative = matcher.op in (MatchOp.NOT_EQUAL, MatchOp.NOT_REGEX)
        return matcher.name not in required or (negative and matcher.matches_empty())

    return sorted(matchers, key=takes_away)
