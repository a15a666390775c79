"""`termprom tsdb list|verify|dump|snapshot|delete DIR`: a data folder without its engine.

list, verify and dump only read, also beside an engine that runs; snapshot and delete need the
folder for themselves.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from termprom.cli.query import cli_time
from termprom.clock import SystemClock
from termprom.errors import TermpromError
from termprom.model.floats import format_float
from termprom.model.labels import Labels, quote
from termprom.model.matchers import Matcher
from termprom.model.values import ABSENT_BITS
from termprom.promql.syntax.parse import parse_selector
from termprom.tsdb.db import Database

_FAR_MS = 2**53


def run(arguments: Sequence[str]) -> int:
    chosen = _parser().parse_args(arguments)
    try:
        status: int = chosen.act(chosen)
    except TermpromError as problem:
        print(f"termprom tsdb {chosen.kind}: {problem}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="termprom tsdb", description="Look at a data folder.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind, text, act in (
        ("list", "the blocks and the log", _list),
        ("verify", "read everything and say what is damaged", _verify),
        ("dump", "print samples", _dump),
        ("snapshot", "copy the folder into its own snapshots/", _snapshot),
        ("delete", "delete series, or a time range of them", _delete),
    ):
        one = kinds.add_parser(kind, help=text)
        one.set_defaults(act=act)
        if kind in ("dump", "delete"):
            one.add_argument("--match", action="append", default=[], metavar="SELECTOR")
            one.add_argument("--min-time", type=cli_time, default=-_FAR_MS, metavar="TIME")
            one.add_argument("--max-time", type=cli_time, default=_FAR_MS, metavar="TIME")
        one.add_argument("folder", type=Path, metavar="DIR")
    return parser


def _list(chosen: argparse.Namespace) -> int:
    view = Database.open_read_only(chosen.folder, clock=SystemClock()).view()
    row = "{:26} {:>20} {:>20} {:>6} {:>10} {:>13} {:>13} {:>8}"
    print(row.format("BLOCK", "FROM", "TO", "LEVEL", "SERIES", "SAMPLES", "BYTES", "B/SAMPLE"))
    for block in view.blocks:
        print(
            row.format(
                block.id,
                _clock(block.start_ms),
                _clock(block.end_ms),
                block.level,
                block.series,
                block.samples,
                block.size_bytes,
                f"{block.size_bytes / max(block.samples, 1):.3f}",
            )
        )
    empty = view.head_samples == 0
    print(
        row.format(
            "head and log",
            "-" if empty else _clock(view.head_start_ms),
            "-" if empty else _clock(view.head_end_ms),
            "-",
            view.head_series,
            view.head_samples,
            view.wal_bytes,
            f"{view.wal_bytes / max(view.head_samples, 1):.3f}",
        )
    )
    return 0


def _verify(chosen: argparse.Namespace) -> int:
    store = Database.open_read_only(chosen.folder, clock=SystemClock())
    count = len(store.view().blocks)
    problems = store.verify()
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{count} blocks and the log read, {len(problems)} problems")
    return 1 if problems else 0


def _dump(chosen: argparse.Namespace) -> int:
    store = Database.open_read_only(chosen.folder, clock=SystemClock())
    for matchers in _selectors(chosen) or [()]:
        querier = store.querier(chosen.min_time, chosen.max_time)
        selection = querier.select(matchers)
        for frame in selection.frames():
            cells = np.ascontiguousarray(frame.values).view(np.uint64)
            for number, row in zip(frame.series.tolist(), cells, strict=True):
                used = np.flatnonzero(row != np.uint64(ABSENT_BITS))
                labels = _braced(selection.labels[number])
                values = row[used].view(np.float64).tolist()
                sys.stdout.writelines(
                    f"{labels} {format_float(value)} {time_ms}\n"
                    for time_ms, value in zip(frame.times_ms[used].tolist(), values, strict=True)
                )
        querier.close()
    return 0


def _snapshot(chosen: argparse.Namespace) -> int:
    store = Database.open(chosen.folder, clock=SystemClock())
    try:
        print(chosen.folder / "snapshots" / store.snapshot())
    finally:
        store.close()
    return 0


def _delete(chosen: argparse.Namespace) -> int:
    selectors = _selectors(chosen)
    if not selectors:
        print("termprom tsdb delete: no --match, so nothing is deleted", file=sys.stderr)
        return 2
    store = Database.open(chosen.folder, clock=SystemClock())
    try:
        for matchers in selectors:
            store.delete(matchers, chosen.min_time, chosen.max_time)
        store.clean_tombstones()
    finally:
        store.close()
    return 0


def _selectors(chosen: argparse.Namespace) -> list[Sequence[Matcher]]:
    return [parse_selector(text) for text in chosen.match]


def _braced(labels: Labels) -> str:
    """All labels inside the braces, the metric's name too, as promtool dumps them."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"


def _clock(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
