"""What the Query pane gives away: query, link, command line, values, picture; also as files."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import numpy as np

from termprom.model.floats import format_float
from termprom.model.labels import Labels
from termprom.tui.cells import inert
from termprom.tui.panes.query_series import SeriesSet
from termprom.tui.panes.query_table import ResultRow

# What there is, and the letter that takes it.
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "query": ("q", "query"),
    "link": ("u", "link to this query in a browser"),
    "shell": ("s", "termprom command line"),
    "csv": ("c", "values as CSV"),
    "json": ("j", "values as JSON"),
    "picture": ("t", "picture as text"),
    "files": ("w", "write picture and values to files"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What the pane shows when something of it is taken."""

    expr: str
    graph: bool
    window: tuple[int, int]
    when: str  # the window in words, with its zone
    values: SeriesSet | Sequence[ResultRow] = ()
    picture: str = ""
    base_url: str = ""


def kinds_of(shown: Shown) -> dict[str, str]:
    """What can be taken of this, by name; in words."""
    left_out = set() if shown.graph else {"picture"}
    if not shown.base_url:
        left_out.add("link")
    return {name: words for name, (_, words) in KINDS.items() if name not in left_out}


def text_of(shown: Shown, kind: str) -> str:
    """The text that copying gives."""
    match kind:
        case "shell":
            return shell_line(shown)
        case "link":
            return link_to(shown)
        case "csv":
            return csv_of(shown.values)
        case "json":
            return json_of(shown.values)
        case "picture":
            return picture_of(shown.expr, shown.when, shown.picture)
        case _:
            return shown.expr


def shell_line(shown: Shown) -> str:
    start, end = (at // 1000 for at in shown.window)
    server = f" --server={shlex.quote(shown.base_url)}" if shown.base_url else ""
    if not shown.graph:
        return f"termprom query instant {shlex.quote(shown.expr)} --time={end}{server}"
    times = f"--start={start} --end={end}"
    return f"termprom query range {shlex.quote(shown.expr)} {times}{server}"


def link_to(shown: Shown) -> str:
    """The query page of Prometheus's own web interface, which Grafana and others know too."""
    start, end = shown.window
    moment = datetime.fromtimestamp(end / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    fields = {
        "g0.expr": shown.expr,
        "g0.tab": "graph" if shown.graph else "table",
        "g0.range_input": f"{max((end - start) // 1000, 1)}s",
        "g0.end_input": moment,
        "g0.moment_input": moment,
    }
    return f"{shown.base_url.rstrip('/')}/query?{urlencode(fields)}"


def write_files(shown: Shown, folder: Path, now_ms: int) -> list[Path]:
    """Blocking: the picture (of a graph) and the values, in new files. Raises OSError."""
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    written = []
    for suffix, text in (
        ("txt", text_of(shown, "picture") if shown.graph else ""),
        ("csv", text_of(shown, "csv")),
    ):
        if text:
            path = folder / f"termprom-{stamp}.{suffix}"
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def json_of(values: SeriesSet | Sequence[ResultRow]) -> str:
    """As the HTTP API would have answered."""
    if isinstance(values, SeriesSet):
        times = values.matrix.times_ms.tolist()
        result: list[object] = [
            {
                "metric": labels.as_dict(),
                "values": [
                    [times[step] / 1000, format_float(float(values.matrix.values[number, step]))]
                    for step in np.flatnonzero(values.matrix.present[number]).tolist()
                ],
            }
            for number, labels in enumerate(values.labels)
        ]
        kind = "matrix"
    else:
        result = [
            {"metric": one.labels.as_dict(), "value": one.text or format_float(one.value)}
            for one in values
        ]
        kind = "vector"
    tree = {"status": "success", "data": {"resultType": kind, "result": result}}
    return json.dumps(tree, indent=1)


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
