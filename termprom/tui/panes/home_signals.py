"""The golden signals of Home: which expressions, over which span, and how they are drawn. Pure.

The embedded default and every node_exporter give the host's signals; a server without them shows
how its own scraping goes. What has no data is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.model.grid import Grid
from termprom.model.result import QueryResult
from termprom.tui.cells import cut, pad, width_of
from termprom.tui.plot.units import PLAIN, Kind, Unit, format_value
from termprom.tui.widgets.spark_rows import spark_rows
from termprom.tui.widgets.text_box import Ink, Row
from termprom.views import StorageView

_SPANS_SECONDS: Final = (15, 30, 60, 300, 900, 3600)
_RATIO: Final = Unit(Kind.RATIO)
_BYTES_PER_SECOND: Final = Unit(Kind.BYTES, "/s")
_SECONDS: Final = Unit(Kind.SECONDS)
_SCRAPES_PER_WINDOW: Final = 4  # a rate needs two samples; a scrape or two may fail
_NAME_CELLS: Final = 12
_FIGURES_CELLS: Final = 13  # of the newest value; then least and most, where there is room
_RANGE_CELLS: Final = 42
_HEIGHT_MAX: Final = 6
_ROOMY: Final = 12  # lines from which on a graph has two lines and a blank one above


@dataclass(frozen=True, slots=True)
class Signal:
    """`expr` has `$window` where the window of a rate belongs, and gives at most one series."""

    name: str
    expr: str
    unit: Unit = PLAIN
    top: float | None = None  # of the scale, which begins at 0; None: the largest value shown

    def query(self, window_seconds: int) -> str:
        return self.expr.replace("$window", f"{window_seconds}s")


SIGNALS: Final = (
    Signal(
        "cpu busy",
        '1 - avg(rate(node_cpu_seconds_total{mode="idle"}[$window]))',
        _RATIO,
    ),
    Signal(
        "memory used",
        "1 - sum(node_memory_MemAvailable_bytes) / sum(node_memory_MemTotal_bytes)",
        _RATIO,
        top=1.0,
    ),
    Signal("load 1m", "avg(node_load1)"),
    Signal(
        "network in",
        'sum(rate(node_network_receive_bytes_total{device!="lo"}[$window]))',
        _BYTES_PER_SECOND,
    ),
    Signal("disk read", "sum(rate(node_disk_read_bytes_total[$window]))", _BYTES_PER_SECOND),
    Signal("disk write", "sum(rate(node_disk_written_bytes_total[$window]))", _BYTES_PER_SECOND),
    Signal("samples/s", "sum(rate(prometheus_tsdb_head_samples_appended_total[$window]))"),
    Signal("per scrape", "sum(scrape_samples_scraped)"),
    Signal("targets up", "sum(up)"),
    Signal("slowest", "max(scrape_duration_seconds)", _SECONDS),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A signal and its last answer."""

    signal: Signal
    result: QueryResult

    @property
    def any(self) -> bool:
        """Whether there is a finite value to draw."""
        if not self.result.labels:
            return False
        return bool((self.result.present[0] & np.isfinite(self.result.values[0])).any())


def oldest_ms(storage: StorageView) -> int:
    """The time of the oldest sample, 0 where it is not known."""
    starts = [storage.head_start_ms, *(block.start_ms for block in storage.blocks)]
    return min((start for start in starts if start), default=0)


def span_seconds(oldest_ms: int, now_ms: int) -> int:
    """The shortest window that holds all data, at most an hour. `oldest_ms` is 0 where unknown."""
    if not oldest_ms:
        return _SPANS_SECONDS[-1]
    age = (now_ms - oldest_ms) / 1000
    return next((span for span in _SPANS_SECONDS if span >= age), _SPANS_SECONDS[-1])


def grid_for(span: int, cells: int, now_ms: int) -> Grid:
    """One step a cell, in whole seconds, aligned so that a live graph keeps its points."""
    step_ms = max(-(-span // max(cells, 1)), 1) * 1000
    end_ms = now_ms - now_ms % step_ms
    return Grid(end_ms - span * 1000 // step_ms * step_ms, end_ms, step_ms)


def window_seconds(intervals: Sequence[float], grid: Grid) -> int:
    """The window of a rate: some scrapes of the slowest target, and never less than a step."""
    slowest = max(intervals, default=0.0) or 15.0
    return max(int(slowest * _SCRAPES_PER_WINDOW), grid.step_ms // 1000, 4)


def spark_cells(width: int) -> int:
    """How many cells a graph has in a box of `width`."""
    figures = _RANGE_CELLS if width >= 70 else _FIGURES_CELLS
    return max(width - _NAME_CELLS - 2 - figures, 4)


def signal_rows(
    drawn: Sequence[Drawn], width: int, height: int, *, ascii_only: bool
) -> Sequence[Row]:
    """As many signals as fit, each as high as there is room for."""
    most = height // 3 if height >= _ROOMY else max(height, 1)
    shown = [one for one in drawn if one.any][:most]
    if not shown:
        return [(Ink(" waiting for the first samples", "muted"),)]
    tall = max(min(height // len(shown), _HEIGHT_MAX), 1)
    return [row for one in shown for row in _rows_of(one, width, tall, ascii_only)]


def _rows_of(one: Drawn, width: int, tall: int, ascii_only: bool) -> list[Row]:
    values, present = one.result.values[0], one.result.present[0]
    seen = values[present & np.isfinite(values)]
    unit = one.signal.unit

    def figure(value: float) -> str:
        return format_value(value, unit)

    newest = figure(float(seen[-1]))
    extent = ""
    if width >= 70:
        extent = f"  min {figure(float(seen.min()))}  max {figure(float(seen.max()))}"
    name = pad(cut(f" {one.signal.name}", _NAME_CELLS + 1), _NAME_CELLS + 1)
    graph = spark_rows(
        values, present, spark_cells(width), tall - (tall > 2),
        low=min(float(seen.min()), 0.0), high=one.signal.top, ascii_only=ascii_only,
    )  # fmt: skip
    rows: list[Row] = [()] if tall > 2 else []
    rows += [(Ink(" " * width_of(name)), Ink(line, "graph")) for line in graph[:-1]]
    value = f" {newest:>10}"
    rows.append((Ink(name), Ink(graph[-1], "graph"), Ink(value, "strong"), Ink(extent, "muted")))
    return rows
