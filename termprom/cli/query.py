"""`termprom query`: ask a server, print a table, a graph, JSON or CSV. For pipes and tickets.

Answers go to stdout, everything else to stderr. Exit status: 0 answered, 1 no answer, 2 usage.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import datetime

from termprom.cli.output import print_names, print_result, print_series
from termprom.errors import ParseError, TermpromError
from termprom.model.durations import parse_duration
from termprom.model.grid import Grid

_HOUR_SECONDS = 3600


def cli_time(text: str) -> int:
    """Milliseconds of a Unix time in seconds or of an RFC 3339 time."""
    try:
        return round(float(text) * 1000)
    except ValueError:
        pass
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither Unix nor RFC 3339 time") from None


def step_of(text: str) -> int:
    """Milliseconds of a duration such as `15s`."""
    try:
        return parse_duration(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="termprom query", description="Ask a Prometheus-compatible server."
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind, text in (
        ("instant", "the value of an expression at one time"),
        ("range", "the values of an expression over a range"),
        ("series", "the label sets that match a selector"),
        ("labels", "the values of a label"),
    ):
        one = kinds.add_parser(kind, help=text, description=text, allow_abbrev=False)
        one.add_argument("--server", default="http://127.0.0.1:9090", metavar="URL")
        if kind in ("instant", "range"):
            one.add_argument("expr", metavar="EXPR")
            form = one.add_mutually_exclusive_group()
            form.add_argument("--json", action="store_true", help="print the API's JSON")
            form.add_argument("--csv", action="store_true", help="print comma-separated values")
        if kind == "instant":
            one.add_argument("--time", type=cli_time, metavar="TIME", help="default: now")
        elif kind == "range":
            form.add_argument("--graph", action="store_true", help="draw it")
            one.add_argument("--start", type=cli_time, metavar="TIME", help="default: an hour ago")
            one.add_argument("--end", type=cli_time, metavar="TIME", help="default: now")
            one.add_argument("--step", type=step_of, metavar="TIME", help="default: fits the range")
        elif kind == "series":
            one.add_argument("--match", action="append", required=True, metavar="SELECTOR")
        else:
            one.add_argument("label", metavar="LABEL")
            one.add_argument("--match", action="append", default=[], metavar="SELECTOR")
        if kind in ("series", "labels"):
            one.add_argument("--start", type=cli_time, metavar="TIME")
            one.add_argument("--end", type=cli_time, metavar="TIME")
    return parser


def run(arguments: Sequence[str]) -> int:
    chosen = _parser().parse_args(arguments)
    try:
        return asyncio.run(_ask(chosen))
    except ParseError as problem:
        print(f"termprom query: {problem}", file=sys.stderr)
        if problem.start >= 0 and "\n" not in getattr(chosen, "expr", "\n"):
            before = chosen.expr.encode()[: problem.start].decode(errors="replace")
            print(f"  {chosen.expr}\n  {' ' * len(before)}^", file=sys.stderr)
        return 1
    except TermpromError as problem:
        print(f"termprom query: {problem}", file=sys.stderr)
        return 1


async def _ask(chosen: argparse.Namespace) -> int:
    from termprom.backend.remote import RemoteBackend

    url = chosen.server if "://" in chosen.server else f"http://{chosen.server}"
    backend = await RemoteBackend.connect(url)
    try:
        now_ms = time.time_ns() // 1_000_000
        if chosen.kind == "instant":
            result = await backend.query(chosen.expr, chosen.time)
            print_result(result, form="json" if chosen.json else "csv" if chosen.csv else "table")
        elif chosen.kind == "range":
            end = now_ms if chosen.end is None else chosen.end
            start = end - _HOUR_SECONDS * 1000 if chosen.start is None else chosen.start
            if start >= end:
                print("termprom query: start time is not before end time", file=sys.stderr)
                return 2
            step = chosen.step or max((end - start) // 250 // 1000 * 1000, 1000)
            result = await backend.query_range(chosen.expr, Grid(start, end, step))
            form = "json" if chosen.json else "csv" if chosen.csv else "table"
            print_result(result, form="graph" if chosen.graph else form)
        else:
            end = now_ms if chosen.end is None else chosen.end
            start = end - _HOUR_SECONDS * 1000 if chosen.start is None else chosen.start
            if chosen.kind == "series":
                print_series(await backend.series(chosen.match, start, end))
            else:
                print_names(await backend.label_values(chosen.label, chosen.match, start, end))
    finally:
        await backend.close()
    return 0
