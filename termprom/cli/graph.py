"""A range query's answer as a picture in text, for pipes and tickets.

Drawn by the screen's own canvas: it has gaps, units and dash patterns, and knows no terminal.
"""

from __future__ import annotations

import numpy as np

from termprom.cli.output import GRAPH_SERIES_MAX, inert
from termprom.model.labels import Labels
from termprom.model.result import QueryResult
from termprom.tui.plot.chart import Chart, Matrix, fit
from termprom.tui.plot.identity import Pens, common_labels
from termprom.tui.plot.picture import draw
from termprom.tui.plot.symbols import ASCII, BRAILLE
from termprom.tui.plot.units import format_value
from termprom.tui.plot.yaxis import YAxis


def graph_text(result: QueryResult, width: int, height: int, *, ascii_only: bool) -> str:
    """The graph with its legend, at most `width` x `height` cells; times are UTC.

    Of many series it draws the GRAPH_SERIES_MAX with the largest last values.
    """
    last = _last_values(result)
    order = np.argsort(np.where(np.isnan(last), np.inf, -last), kind="stable")
    picked = order[:GRAPH_SERIES_MAX].tolist()
    times = result.times_ms
    step_ms = int(times[1] - times[0]) if times.size > 1 else 1
    lines = Matrix(times, step_ms, result.values[picked], result.present[picked])
    labels = [result.labels[number] for number in picked]
    window = (int(times[0]), max(int(times[-1]), int(times[0]) + 1))
    pens = tuple(Pens().assign(labels))
    chart = Chart(lines, pens, window=window, axis=fit([lines], window, YAxis()))
    rows = max(height - len(labels) - 1, 8)
    picture = draw(chart, max(width, 20), rows, ASCII if ascii_only else BRAILLE).text()
    shared = set(common_labels(labels)) if len(labels) > 1 else set()
    legend = []
    for number, one, pen in zip(picked, labels, pens, strict=True):
        name = inert(str(Labels(pair for pair in one if pair not in shared)))
        value = "-" if np.isnan(last[number]) else format_value(float(last[number]))
        legend.append(f" {pen.letter}  {name}  last {value}"[:width])
    return "\n".join([picture.rstrip(), *legend])


def _last_values(result: QueryResult) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The newest value of each series, NaN where there is none; (K,)."""
    newest = result.times_ms.size - 1 - np.argmax(result.present[:, ::-1], axis=1)
    values = result.values[np.arange(len(result.labels)), newest]
    return np.where(result.present.any(axis=1), values, np.nan)
