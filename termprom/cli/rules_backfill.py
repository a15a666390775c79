"""`termprom rules backfill --start TIME FILE...`: what recording rules would have recorded.

Reads a data folder of termprom, or with --url any server that speaks the Prometheus API, and writes
blocks into a data folder. A rule that reads what another one records comes after it, where both
are in one folder; of a server only what it has already can be read.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from termprom.cli.features import named_features
from termprom.cli.query import cli_time
from termprom.clock import SystemClock
from termprom.config.load import load_rule_file
from termprom.config.schema import RuleGroupConfig
from termprom.daemon.settings import Settings
from termprom.errors import ConfigError, TermpromError
from termprom.model.durations import parse_duration
from termprom.model.grid import Grid
from termprom.model.result import QueryResult
from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.syntax.parse import Features, parse
from termprom.rules.backfill import PastRecording, PastRule, Recorded, past_rules, rounds
from termprom.rules.backfill_store import BackfillStore, whole_ranges
from termprom.rules.templates.expand import check_template
from termprom.tsdb.db import Database

_END_AGO_MS: Final = 3 * 3_600_000  # until then an engine that runs records itself

Ask = Callable[[str, Grid], Awaitable[QueryResult]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    folder = Settings().data_folder
    parser.add_argument("--start", type=cli_time, required=True, metavar="TIME")
    parser.add_argument("--end", type=cli_time, metavar="TIME", help="default: 3 hours ago")
    parser.add_argument(
        "--storage.tsdb.path",
        dest="source",
        type=Path,
        metavar="DIR",
        help=f"data folder to read, default {folder}",
    )
    parser.add_argument("--url", metavar="URL", help="read from this server instead")
    parser.add_argument(
        "--output-dir",
        type=Path,
        metavar="DIR",
        help="data folder to write blocks into, default the one that is read, or data/ with --url",
    )
    parser.add_argument(
        "--eval-interval",
        type=_duration,
        default=60_000,
        metavar="TIME",
        help="for groups that name no interval, default 60s",
    )
    parser.add_argument("--enable-feature", action="append", default=[], metavar="NAMES")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not print what was written")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(chosen: argparse.Namespace) -> int:
    clock = SystemClock()
    end_ms = clock.now_ms() - _END_AGO_MS if chosen.end is None else chosen.end
    if end_ms < chosen.start:
        print("termprom rules backfill: the start is after the end", file=sys.stderr)
        return 1
    features = named_features(chosen.enable_feature)
    rules = _load(chosen.files, chosen.eval_interval, features)
    if rules is None:
        return 1
    try:
        return asyncio.run(_Backfill(chosen, features, end_ms).run(rules))
    except TermpromError as problem:
        print(f"termprom rules backfill: {problem}", file=sys.stderr)
        return 1


def _load(files: Sequence[Path], interval_ms: int, features: Features) -> list[PastRule] | None:
    """The recording rules of all files, or None with everything that is wrong printed."""

    def check_expr(text: str) -> None:
        parse(text, features)

    groups: list[RuleGroupConfig] = []
    sound = True
    for file in files:
        try:
            groups += load_rule_file(file, check_expr=check_expr, check_template=check_template)
        except ConfigError as problem:
            print(problem, file=sys.stderr)
            sound = False
    return past_rules(groups, interval_ms) if sound else None


def _duration(text: str) -> int:
    try:
        found = parse_duration(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem
    if not found:
        raise argparse.ArgumentTypeError("an interval must be positive")
    return found


class _Backfill:
    """One run: where it reads, where it writes, what it has to say."""

    def __init__(self, chosen: argparse.Namespace, features: Features, end_ms: int) -> None:
        self._source: Path = chosen.source or Settings().data_folder
        self._url: str | None = chosen.url
        read = Path("data") if chosen.url else self._source
        self._output: Path = chosen.output_dir or read
        self._ranges = whole_ranges(chosen.start, end_ms)
        self._features = features
        self._quiet: bool = chosen.quiet
        self._failed = False

    async def run(self, rules: Sequence[PastRule]) -> int:
        for number, together in enumerate(rounds(rules, lambda text: parse(text, self._features))):
            if number and (self._url or self._output.resolve() != self._source.resolve()):
                names = ", ".join(one.config.record for one in together)
                print(
                    f"WARNING: {names} may read what was just written and cannot be seen yet; "
                    "once it can, backfill again",
                    file=sys.stderr,
                )
            await self._round(together)
        return 1 if self._failed else 0

    async def _round(self, rules: Sequence[PastRule]) -> None:
        async with AsyncExitStack() as stack:
            ask = await self._open(stack)
            store = stack.enter_context(BackfillStore(self._output, clock=SystemClock()))
            running = {number: PastRecording(rule) for number, rule in enumerate(rules)}
            count = 0
            for start_ms, end_ms in self._ranges:
                found: list[tuple[PastRule, Recorded]] = []
                for number, recording in list(running.items()):
                    rule = rules[number]
                    grid = rule.grid(start_ms, end_ms)
                    if grid is None:
                        continue
                    try:
                        found.append((rule, recording.record(await ask(rule.config.expr, grid))))
                    except TermpromError as problem:
                        # The others go on; what this one has recorded so far stays.
                        self._failed = True
                        del running[number]
                        print(_failure(rule, grid, problem), file=sys.stderr)
                count += store.add(found)
            if not count:
                return
            names = store.publish()
        if not self._quiet:
            records = sorted({rule.config.record for rule in rules})
            print(f"{count} samples of {', '.join(records)}")
            for name in names:
                print(f"  {self._output / 'blocks' / name}")

    async def _open(self, stack: AsyncExitStack) -> Ask:
        """What answers range queries: a server, or an engine on what is in the folder now."""
        if self._url is not None:
            from termprom.backend.remote import RemoteBackend

            url = self._url if "://" in self._url else f"http://{self._url}"
            backend = await RemoteBackend.connect(url)
            stack.push_async_callback(backend.close)
            return backend.query_range
        store = Database.open_read_only(self._source, clock=SystemClock())
        engine = Engine(EngineOptions(features=self._features))

        async def ask(expr: str, grid: Grid) -> QueryResult:
            return engine.range(store, expr, grid)

        return ask


def _failure(rule: PastRule, grid: Grid, problem: TermpromError) -> str:
    at = datetime.fromtimestamp(grid.start_ms / 1000, UTC)
    return (
        f'{rule.group.file}: group "{rule.group.name}", rule "{rule.config.record}", '
        f"from {at:%Y-%m-%dT%H:%M:%SZ}: {problem}"
    )
