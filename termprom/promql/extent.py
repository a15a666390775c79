"""Which stretch of time a plan reads."""

from __future__ import annotations

from termprom.model.grid import Grid
from termprom.promql.operators.select import references_of
from termprom.promql.operators.subquery import inner_grid
from termprom.promql.plan import Once, Plan, RangeSelect, Select, Subquery, children


def extent_ms(node: Plan, grid: Grid, lookback_ms: int) -> tuple[int, int] | None:
    """The smallest [start, end] that holds every sample `node` looks at; None for none at all."""
    match node:
        case Select():
            references = references_of(grid, node.at_ms, node.offset_ms)
            ahead = lookback_ms if node.smoothed else 0
            return references.start_ms - lookback_ms + 1, references.last_ms + ahead
        case RangeSelect(select):
            references = references_of(grid, select.at_ms, select.offset_ms)
            reach = node.range_ms + (lookback_ms if node.anchored or node.smoothed else 0)
            end = references.last_ms + (lookback_ms if node.smoothed else 0)
            return references.start_ms - reach + 1, end
        case Subquery(expr):
            inner = inner_grid(node, grid)
            return None if inner is None else extent_ms(expr, inner, lookback_ms)
        case Once(expr):
            return extent_ms(expr, Grid.instant(grid.start_ms), lookback_ms)
    found = [extent_ms(child, grid, lookback_ms) for child in children(node)]
    held = [extent for extent in found if extent is not None]
    if not held:
        return None
    return min(start for start, _ in held), max(end for _, end in held)
