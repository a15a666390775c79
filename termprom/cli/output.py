"""Query results on stdout: tables, CSV, JSON, and one-shot graphs."""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import numpy as np

from termprom.backend.interface import NamesResult, SeriesResult
from termprom.model.floats import format_float
from termprom.model.labels import Labels
from termprom.model.notices import Notice
from termprom.model.result import QueryResult, ResultType

GRAPH_SERIES_MAX: Final = 12


def inert(text: str) -> str:
    """`text` with control characters made visible: no label may speak to the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def print_result(result: QueryResult, *, form: str) -> None:
    """`form` is table, json, csv or graph."""
    if form == "json":
        _print_json(result)
    elif form == "csv":
        _print_csv(result)
    elif form == "graph":
        _print_graph(result)
    else:
        _print_table(result)
    print_notices(result.notices)


def print_series(result: SeriesResult) -> None:
    for labels in result.labels:
        print(inert(str(labels)))
    print_notices(result.notices)


def print_names(result: NamesResult) -> None:
    for name in result.names:
        print(inert(name))
    print_notices(result.notices)


def print_notices(notices: Iterable[Notice]) -> None:
    for notice in notices:
        print(f"{notice.level}: {inert(notice.text)}", file=sys.stderr)


def _samples(result: QueryResult) -> Iterable[tuple[Labels, int, float]]:
    """Every sample, series by series, at Unix milliseconds."""
    if result.raw is not None:
        for series in result.raw:
            for time_ms, value in zip(
                series.times_ms.tolist(), series.values.tolist(), strict=True
            ):
                yield series.labels, time_ms, value
        return
    times = result.times_ms.tolist()
    for number, labels in enumerate(result.labels):
        for step in np.flatnonzero(result.present[number]).tolist():
            yield labels, times[step], float(result.values[number, step])


def _clock(time_ms: int) -> str:
    stamp = datetime.fromtimestamp(time_ms / 1000, UTC)
    return stamp.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00") + "Z"


def _print_table(result: QueryResult) -> None:
    if result.type is ResultType.STRING:
        print(inert(result.text))
        return
    rows = [(inert(str(labels)), t, v) for labels, t, v in _samples(result)]
    if not rows:
        print("no data", file=sys.stderr)
        return
    if result.type is not ResultType.MATRIX:
        width = max(len(name) for name, _, _ in rows)
        for name, _, value in rows:
            print(f"{name:{width}}  {format_float(value)}")
        return
    last = ""
    for name, time_ms, value in rows:
        if name != last:
            print(name)
            last = name
        print(f"  {_clock(time_ms)}  {format_float(value)}")


def _print_csv(result: QueryResult) -> None:
    rows = list(_samples(result))
    names = sorted({name for labels, _, _ in rows for name in labels.names()})
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*names, "time", "value"])
    for labels, time_ms, value in rows:
        cells = [inert(labels.get(name)) for name in names]
        writer.writerow([*cells, f"{time_ms / 1000:.3f}", format_float(value)])


def _print_json(result: QueryResult) -> None:
    from termprom.backend.wire import encode_result

    sys.stdout.write(encode_result(result).decode() + "\n")


def _print_graph(result: QueryResult) -> None:
    """The picture of the screen's graph, with a legend; ASCII where stdout cannot say more."""
    from termprom.cli.graph import graph_text

    if not result.labels:
        print("no data", file=sys.stderr)
        return
    width, height = shutil.get_terminal_size((100, 30))
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    print(graph_text(result, width, min(height - 1, 40), ascii_only=encoding != "utf8"))
    if len(result.labels) > GRAPH_SERIES_MAX:
        drawn = f"{GRAPH_SERIES_MAX} of {len(result.labels)} series drawn"
        print(f"{drawn}, those with the largest last value", file=sys.stderr)
