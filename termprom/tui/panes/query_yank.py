"""What the Query pane copies: CSV and pictures as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from termprom.model.floats import format_float
from termprom.model.labels import Labels
from termprom.tui.cells import inert
from termprom.tui.panes.query_series import SeriesSet
from termprom.tui.panes.query_table import ResultRow


def csv_of(shown: SeriesSet | Sequence[ResultRow]) -> str:
    """A line per sample: the labels, the time in Unix seconds (of a graph), the value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if isinstance(shown, SeriesSet):
        names = _names(shown.labels)
        writer.writerow([*names, "time", "value"])
        times = shown.matrix.times_ms.tolist()
        for number, labels in enumerate(shown.labels):
            cells = [inert(labels.get(name)) for name in names]
            for step in np.flatnonzero(shown.matrix.present[number]).tolist():
                value = format_float(float(shown.matrix.values[number, step]))
                writer.writerow([*cells, f"{times[step] / 1000:.3f}", value])
        return out.getvalue()
    names = _names([row.labels for row in shown])
    writer.writerow([*names, "value"])
    for row in shown:
        cells = [inert(row.labels.get(name)) for name in names]
        writer.writerow([*cells, inert(row.text) or format_float(row.value)])
    return out.getvalue()


def _names(labels: Sequence[Labels]) -> list[str]:
    return sorted({name for one in labels for name in one.names()})


def picture_of(expr: str, when: str, picture: str) -> str:
    """A picture for a ticket, in a code fence, with what it shows and when."""
    return f"```text\n{expr}\n{when}\n\n{picture}\n```\n"
