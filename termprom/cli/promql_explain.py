"""`termprom promql explain`: the plan of a query, and what it costs on a store or a server."""

from __future__ import annotations

import argparse
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from termprom.cli.query import cli_time, step_of
from termprom.errors import BackendUnavailable, QueryError
from termprom.model.grid import Grid
from termprom.model.node_cost import NodeCost
from termprom.promql.statistics import plan_from
from termprom.promql.syntax.parse import Features

_HEADER: Final = f"{'SERIES':>9} {'ROWS':>10} {'SAMPLES':>10} {'TIME':>9} {'BYTES':>9}  NODE"
_WIDTH: Final = 100  # characters of a node's text
_PATIENCE_SECONDS: Final = 150.0  # longer than a server lets a query run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--server", metavar="URL", help="ask a running termprom")
    where.add_argument(
        "--storage.tsdb.path", dest="folder", type=Path, metavar="DIR", help="ask a data folder"
    )
    parser.add_argument("--time", type=cli_time, metavar="TIME", help="default: now")
    parser.add_argument("--start", type=cli_time, metavar="TIME", help="explain a range query")
    parser.add_argument("--end", type=cli_time, metavar="TIME", help="default: now")
    parser.add_argument("--step", type=step_of, metavar="TIME", help="default: fits the range")


def run(chosen: argparse.Namespace, features: Features) -> int:
    """Raises TermpromError."""
    now_ms = time.time_ns() // 1_000_000
    over_time = chosen.start is not None
    if over_time:
        end = now_ms if chosen.end is None else chosen.end
        step = chosen.step or max((end - chosen.start) // 250 // 1000 * 1000, 1000)
        grid = Grid(chosen.start, max(end, chosen.start), step)
    else:
        grid = Grid.instant(now_ms if chosen.time is None else chosen.time)
    if chosen.server is not None:
        root, seconds = _asked(chosen.server, chosen.expr, grid, over_time=over_time)
    else:
        root, seconds = _evaluated(chosen.folder, chosen.expr, features, grid, over_time=over_time)
    measured = chosen.server is not None or chosen.folder is not None
    if measured:
        print(_HEADER)
    for line in _lines(root, measured=measured):
        print(line)
    if measured:
        print(f"{grid.count} steps in {_seconds(seconds)}; times of several threads add up")
    return 0


def _evaluated(
    folder: Path | None, expr: str, features: Features, grid: Grid, *, over_time: bool
) -> tuple[NodeCost, float]:
    """The plan on a data folder, which is only read, or on nothing."""
    from termprom.clock import SystemClock
    from termprom.promql.engine import Engine, EngineOptions
    from termprom.promql.watching import EXPLAIN
    from termprom.storage import Queryable
    from termprom.testing.memory_storage import MemoryStorage
    from termprom.tsdb.db import Database

    store: Queryable = MemoryStorage()
    if folder is not None:
        store = Database.open_read_only(folder, clock=SystemClock())
    engine = Engine(EngineOptions(features=features))
    EXPLAIN.set(True)
    result = (
        engine.range(store, expr, grid) if over_time else engine.instant(store, expr, grid.start_ms)
    )
    assert result.stats.explained is not None
    return result.stats.explained.root, result.stats.duration_seconds


def _asked(server: str, expr: str, grid: Grid, *, over_time: bool) -> tuple[NodeCost, float]:
    """What a server says with `stats=all`. Raises BackendUnavailable, QueryError."""
    url = (server if "://" in server else f"http://{server}").rstrip("/")
    wanted: dict[str, str] = {"query": expr, "stats": "all"}
    if over_time:
        wanted |= {
            "start": f"{grid.start_ms / 1000:.3f}",
            "end": f"{grid.end_ms / 1000:.3f}",
            "step": f"{grid.step_ms / 1000:.3f}",
        }
    else:
        wanted["time"] = f"{grid.start_ms / 1000:.3f}"
    path = "query_range" if over_time else "query"
    body = urllib.parse.urlencode(wanted).encode()
    answer: dict[str, Any]
    try:
        request = f"{url}/api/v1/{path}"
        with urllib.request.urlopen(request, body, timeout=_PATIENCE_SECONDS) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as refusal:
        try:
            answer = json.load(refusal)
        except ValueError:
            raise BackendUnavailable(f"{url}: {refusal}") from refusal
    except (OSError, ValueError) as problem:
        raise BackendUnavailable(f"{url}: {problem}") from problem
    if answer.get("status") != "success":
        raise QueryError(str(answer.get("error", "no answer")))
    stats = answer["data"].get("stats", {})
    if "plan" not in stats:
        raise BackendUnavailable(f"{url}: this server does not explain queries")
    return plan_from(stats["plan"]), float(stats["timings"]["execTotalTime"])


def _lines(node: NodeCost, *, measured: bool, lead: str = "", below: str = "") -> Iterator[str]:
    text = " ".join(node.text.split())
    text = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
    figures = (
        f"{node.series:>9} {node.rows:>10} {node.samples:>10} {_seconds(node.seconds):>9} "
        f"{_bytes(node.bytes):>9}  "
    )
    yield f"{figures if measured else ''}{lead}{node.what}: {text}"
    for number, child in enumerate(node.children, start=1):
        last = number == len(node.children)
        yield from _lines(
            child,
            measured=measured,
            lead=below + ("└─ " if last else "├─ "),
            below=below + ("   " if last else "│  "),
        )


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.2f} ms"


def _bytes(value: int) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000  # type: ignore[assignment] # shown with one decimal from here on
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
