"""Range functions of counters whose samples tell since when they count. Source: reference 6.12."""

from __future__ import annotations

from typing import Final

import numpy as np

from termprom.model.values import Ints, Mask, Values
from termprom.promql import notices
from termprom.promql.kernels import start_times
from termprom.promql.kernels.windows import Windows
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span

STARTED: Final = frozenset({"rate", "increase", "irate", "resets"})


def with_starts(
    run: Run,
    func: str,
    windows: Windows,
    since_ms: Ints,
    seconds: float,
    metrics: list[str],
    span: Span,
) -> tuple[Values, Mask]:
    """`func` over windows of ragged samples; metrics: the name of each of the K series."""
    match func:
        case "irate":
            return start_times.instantaneous(windows, since_ms)
        case "resets":
            return start_times.resets(windows, since_ms)
        case _:
            counts = start_times.overlapping(windows, since_ms)
            for row, step in np.argwhere(counts).tolist():
                text = notices.overlapping_start(metrics[row], int(counts[row, step]))
                run.notices.warn(text, span)
            per_second = seconds if func == "rate" else None
            return start_times.increase(windows, since_ms, per_second=per_second)
