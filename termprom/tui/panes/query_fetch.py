"""What a graph asks the backend for: its grid, the comparison below it, the marks along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from termprom.backend.interface import Backend
from termprom.errors import ParseError, TermpromError
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.result import QueryResult
from termprom.promql.syntax.parse import parse
from termprom.tui.glyphs import Glyphs
from termprom.tui.panes.graph_marks import (
    alert_marks,
    alerts_query,
    restart_marks,
    restarts_query,
)
from termprom.tui.panes.query_series import SeriesSet, series_of
from termprom.tui.plot.chart import Mark, Matrix
from termprom.tui.plot.step import live_window, pannable
from termprom.tui.plot.unit_of import unit_of
from termprom.tui.plot.units import PLAIN, Unit
from termprom.tui.session import TimeRange


@dataclass(frozen=True, slots=True, eq=False)
class Fetched:
    """An answer, and the grid and window that it was asked for. `compare` is None without one."""

    result: QueryResult
    series: SeriesSet
    compare: SeriesSet | None
    grid: Grid
    window: tuple[int, int]


async def fetch_graph(
    backend: Backend, expr: str, shown: TimeRange, now_ms: int, step_ms: int, compare_ms: int
) -> Fetched:
    """Raises what `query_range` raises."""
    if shown.live:
        window = live_window(shown.span_ms, now_ms, step_ms)
    else:
        window = pannable(shown.span_ms, shown.bounds(now_ms)[1], step_ms)
    start, end = window
    last = min(end, now_ms) if shown.live else end
    first = -(-start // step_ms) * step_ms
    grid = Grid(first, max(last - last % step_ms, first), step_ms)
    result = await backend.query_range(expr, grid)
    compare = None
    if compare_ms:
        shift = -(-compare_ms // step_ms) * step_ms
        past_end = min(end - end % step_ms, now_ms + compare_ms)
        past = Grid(grid.start_ms - shift, max(past_end, grid.end_ms) - shift, step_ms)
        before = await backend.query_range(expr, past)
        compare = _moved(series_of(before, step_ms), shift)
    return Fetched(result, series_of(result, step_ms), compare, grid, window)


async def fetch_marks(
    backend: Backend, labels: Sequence[Labels], grid: Grid, wanted: str, alert: str, signs: Glyphs
) -> list[Mark]:
    """What happened meanwhile; a graph without an answer to that is still a graph.

    `wanted` is none, own (of these series' processes and of `alert`) or all alerts.
    """
    marks: list[Mark] = []
    if wanted == "none":
        return marks
    restarts = restarts_query(labels)
    if restarts and (result := await _told(backend, restarts, grid)) is not None:
        marks += restart_marks(result, signs)
    named = wanted == "all"
    if named or alert:
        result = await _told(backend, alerts_query("" if named else alert), grid)
        marks += [] if result is None else alert_marks(result, signs, named=named)
    return marks


def guess_unit(expr: str) -> Unit:
    """The unit of an expression; a plain number where it cannot be parsed here."""
    try:
        return unit_of(parse(expr))
    except ParseError:
        return PLAIN


async def _told(backend: Backend, expr: str, grid: Grid) -> QueryResult | None:
    try:
        return await backend.query_range(expr, grid)
    except TermpromError:
        return None


def _moved(series: SeriesSet, shift_ms: int) -> SeriesSet:
    """The same values, `shift_ms` later: a comparison laid under the present."""
    matrix = series.matrix
    later = Matrix(matrix.times_ms + shift_ms, matrix.step_ms, matrix.values, matrix.present)
    return SeriesSet(
        series.labels, later, series.common, series.last, series.low, series.high, series.mean
    )
