"""`termprom tsdb list|analyze|verify|dump|snapshot|delete|import|export`: a data folder by itself.

list, analyze, verify, dump and export only read, also beside an engine that runs; snapshot, delete
and import need the folder for themselves.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from termprom.cli import tsdb_analyze, tsdb_export, tsdb_import
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
            _add_selection(one)
        one.add_argument("folder", type=Path, metavar="DIR")
    analyze = kinds.add_parser("analyze", help="cardinality, churn, bytes per sample by metric")
    analyze.add_argument("--limit", type=int, default=20, metavar="N", help="lines per list")
    analyze.add_argument("folder", type=Path, metavar="DIR")
    analyze.add_argument("block", nargs="?", default="", metavar="BLOCK", help="default: newest")
    analyze.set_defaults(act=_analyze)
    imports = kinds.add_parser("import", help="blocks out of another system's data")
    forms = imports.add_subparsers(dest="form", required=True, metavar="FORM")
    source = forms.add_parser("openmetrics", help="a text file of samples with timestamps")
    tsdb_import.add_arguments(source)
    source.set_defaults(act=tsdb_import.run)
    exports = kinds.add_parser("export", help="samples in another system's form, to the output")
    forms = exports.add_subparsers(dest="form", required=True, metavar="FORM")
    target = forms.add_parser("openmetrics", help="text with timestamps")
    _add_selection(target)
    target.add_argument("folder", type=Path, metavar="DIR")
    target.set_defaults(act=_export)
    return parser


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--match", action="append", default=[], metavar="SELECTOR")
    parser.add_argument("--min-time", type=cli_time, default=-_FAR_MS, metavar="TIME")
    parser.add_argument("--max-time", type=cli_time, default=_FAR_MS, metavar="TIME")


def _analyze(chosen: argparse.Namespace) -> int:
    tsdb_analyze.analyze(chosen.folder, chosen.block, chosen.limit)
    return 0


def _export(chosen: argparse.Namespace) -> int:
    selectors = _selectors(chosen) or [()]
    left_out = tsdb_export.export(chosen.folder, selectors, chosen.min_time, chosen.max_time)
    if left_out:
        text = f"{left_out} series of native histograms have no text form and were left out"
        print(f"termprom tsdb export: {text}", file=sys.stderr)
    return 0


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
