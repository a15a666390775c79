"""Sparklines: one cell per bucket of time, missing is a space."""

from __future__ import annotations

from typing import Final

import numpy as np

from termprom.model.values import Mask, Values

BLOCKS: Final = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS: Final = "_.-=+*#"


def sparkline(
    values: Values,
    present: Mask,
    width: int,
    *,
    low: float | None = None,
    high: float | None = None,
    ascii_only: bool = False,
) -> str:
    """The mean of each of `width` equal parts of the row, as blocks between `low` and `high`.

    Shapes: values, present (S,). Without `low` and `high` the row's own range is the scale;
    a constant row is drawn at the bottom.
    """
    glyphs = ASCII_BLOCKS if ascii_only else BLOCKS
    if width <= 0 or values.size == 0:
        return " " * max(width, 0)
    seen: Mask = present & np.isfinite(values)
    count = min(width, values.size)
    # Equal parts to within one sample; each part has at least one because count <= size.
    edges = np.arange(count) * values.size // count
    sums = np.add.reduceat(np.where(seen, values, 0.0), edges)
    counts = np.add.reduceat(seen.astype(np.int64), edges)
    has = counts > 0
    if not has.any():
        return " " * width
    means = np.where(has, sums / np.maximum(counts, 1), np.nan)
    bottom = float(np.nanmin(means)) if low is None else low
    top = float(np.nanmax(means)) if high is None else high
    if top > bottom:
        share = np.clip((means - bottom) / (top - bottom), 0.0, 1.0)
        level = np.minimum(np.nan_to_num(share) * len(glyphs), len(glyphs) - 1).astype(np.int64)
    else:
        level = np.zeros(count, dtype=np.int64)
    text = "".join(glyphs[n] if here else " " for n, here in zip(level, has, strict=True))
    return text.rjust(width)
