"""A small graph of block letters, one or more lines high, as wide as asked."""

from __future__ import annotations

from typing import Final

import numpy as np

from termprom.model.values import Mask, Values
from termprom.tui.plot.sparkline import ASCII_BLOCKS, BLOCKS, sparkline

_ASCII_RAMP: Final = " " + ASCII_BLOCKS
_RAMP: Final = " " + BLOCKS


def spark_rows(
    values: Values,
    present: Mask,
    width: int,
    height: int,
    *,
    low: float | None = None,
    high: float | None = None,
    ascii_only: bool = False,
) -> list[str]:
    """`height` lines of `width` cells, the top one first; what is missing is blank.

    Shapes: values, present (S,). Every cell stands for an equal part of the row; a row with fewer
    samples than cells is stretched. Where `low` or `high` is not given the row's own range is the
    scale; a constant then lies at the bottom. Every sample is seen.
    """
    if width <= 0 or height <= 0 or values.size == 0:
        return [" " * max(width, 0)] * max(height, 0)
    if values.size < width:
        places = np.arange(width) * values.size // width
        values, present = values[places], present[places]
    if height == 1:
        return [sparkline(values, present, width, low=low, high=high, ascii_only=ascii_only)]
    seen: Mask = present & np.isfinite(values)
    edges = np.arange(width) * values.size // width
    counts = np.add.reduceat(seen.astype(np.int64), edges)
    has = counts > 0
    means = np.add.reduceat(np.where(seen, values, 0.0), edges) / np.maximum(counts, 1)
    ramp = _ASCII_RAMP if ascii_only else _RAMP
    levels = len(ramp) - 1
    share = np.zeros(width)
    if has.any():
        bottom = float(means[has].min()) if low is None else low
        top = float(means[has].max()) if high is None else high
        if top > bottom:
            share = (means - bottom) / (top - bottom)
    filled = np.where(has, 1 + np.rint(np.clip(share, 0, 1) * (levels * height - 1)), 0)
    rows = []
    for row in reversed(range(height)):
        cells = np.clip(filled - row * levels, 0, levels).astype(np.int64)
        rows.append("".join(ramp[cell] for cell in cells.tolist()))
    return rows
