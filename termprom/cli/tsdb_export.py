"""`termprom tsdb export openmetrics DIR`: samples as text that any system can read.

Series by series; floats only, as promtool's `tsdb dump-openmetrics`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from termprom.clock import SystemClock
from termprom.model.floats import format_float
from termprom.model.labels import METRIC_NAME, Labels, is_legacy_label_name, quote
from termprom.model.matchers import Matcher
from termprom.model.values import ABSENT_BITS
from termprom.tsdb.db import Database


def export(folder: Path, selectors: Iterable[Sequence[Matcher]], start_ms: int, end_ms: int) -> int:
    """Raises StorageError. The number of series left out for they are native histograms."""
    store = Database.open_read_only(folder, clock=SystemClock())
    write = sys.stdout.writelines
    left_out = 0
    for matchers in selectors:
        querier = store.querier(start_ms, end_ms)
        selection = querier.select(matchers)
        seen = np.zeros(len(selection.labels), dtype=np.bool_)
        for frame in selection.frames():
            cells = np.ascontiguousarray(frame.values).view(np.uint64)
            seen[frame.series] = True
            stamps = [f" {time_ms // 1000}.{time_ms % 1000:03}\n" for time_ms in frame.times_ms]
            for number, row in zip(frame.series.tolist(), cells, strict=True):
                name = series_text(selection.labels[number]) + " "
                used = np.flatnonzero(row != np.uint64(ABSENT_BITS))
                values = row[used].view(np.float64).tolist()
                write(
                    name + format_float(value) + stamps[place]
                    for place, value in zip(used.tolist(), values, strict=True)
                )
        left_out += int(np.count_nonzero(~seen))
        querier.close()
    print("# EOF")
    return left_out


def series_text(labels: Labels) -> str:
    """The series as OpenMetrics writes it: no blanks behind commas."""
    metric = labels.metric
    bare = is_legacy_label_name(metric.replace(":", "_"))
    parts = [] if bare or not metric else [quote(metric)]
    parts += [
        f"{name if is_legacy_label_name(name) else quote(name)}={quote(value)}"
        for name, value in labels
        if name != METRIC_NAME
    ]
    return (metric if bare else "") + ("{" + ",".join(parts) + "}" if parts else "")
