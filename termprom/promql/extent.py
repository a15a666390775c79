"""Which stretch of time a plan reads."""

from __future__ import annotations

from termprom.model.grid import Grid
from termprom.promql.operators.select import references_of
from termprom.promql.operators.subquery import inner_grid
from termprom.promql.plan import (
    Call,
    Once,
    Plan,
    RangeSelect,
    Select,
    Subquery,
    children,
    timing_of,
)


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
        case Call("info", args):
            # The info series are read as the first selector's samples are, whatever is around it.
            at_ms, offset_ms = timing_of(args[0]) or (None, 0)
            references = references_of(grid, at_ms, offset_ms)
            looked_up = references.start_ms - lookback_ms + 1, references.last_ms
            base = extent_ms(args[0], grid, lookback_ms) or looked_up
            return min(base[0], looked_up[0]), max(base[1], looked_up[1])
    found = [extent_ms(child, grid, lookback_ms) for child in children(node)]
    held = [extent for extent in found if extent is not None]
    if not held:
        return None
    return min(start for start, _ in held), max(end for _, end in held)
