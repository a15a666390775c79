"""A million series in the head: memory and time of filling, querying, cutting and starting again.

    python -m tests.benchmarks.storage_million FOLDER [--series 1000000] [--minutes 200]

Targets of 1,000 series, a sample a minute; 60 % of the values do not change. Peaks are those of the
process, the interpreter and numpy included; the restart is a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from termprom.clock import SystemClock
from termprom.model.labels import Labels
from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.syntax.parse import parse
from termprom.tsdb.db import Database, Options

PER_TARGET = 1000
STEP_MS = 60_000
START_MS = 1_700_006_400_000


def peak() -> int:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def resident() -> int:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in x)
    return int(line.split()[1]) // 1024


def timed(what: str, work: Callable[[], object]) -> None:
    began = time.perf_counter()
    answer = work()
    took = time.perf_counter() - began
    print(f"{what}: {took:.1f} s, {resident()} MB, peak {peak()} MB {answer or ''}", flush=True)


def labels_of(target: int) -> list[Labels]:
    instance = f"host-{target}:9100"
    return [
        Labels.of(
            __name__=f"node_metric_{one // 20}_total",
            device=f"dev-{one % 20}",
            instance=instance,
            job="node",
        )
        for one in range(PER_TARGET)
    ]


def ask(store: Database, at_ms: int) -> str:
    engine = Engine(EngineOptions(samples_max=2**60, timeout_seconds=600))
    answers = []
    for text in ("count({job='node'})", "sum by (device) (rate(node_metric_7_total[5m]))"):
        began = time.perf_counter()
        result = engine.instant(store, parse(text), at_ms)
        answers.append(f"{text}: {time.perf_counter() - began:.2f} s")
        assert result is not None
    return "; ".join(answers)


def fill(folder: Path, series: int, minutes: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    store = Database.open(folder, Options(), clock=SystemClock())
    rng = np.random.default_rng(1)
    targets = []

    def register() -> None:
        for number in range(series // PER_TARGET):
            group = store.group(Labels.of(instance=f"host-{number}:9100", job="node"))
            targets.append((group, group.columns(labels_of(number))))

    timed("registered", register)
    values = np.floor(rng.random(PER_TARGET) * 1e6)

    def rows(first: int, last: int) -> None:
        nonlocal values
        for minute in range(first, last):
            values = values.copy()
            values[600:] += rng.integers(0, 500, 400)
            for group, columns in targets:
                group.append(START_MS + minute * STEP_MS, columns, values)
            if minute % 10 == 0:
                store.head.encode_pages()

    timed("an hour and a half", lambda: rows(0, 90))
    timed("asked", lambda: ask(store, START_MS + 89 * STEP_MS))
    timed(f"{minutes} minutes", lambda: rows(90, minutes))
    timed("maintained", store.maintain)
    print(f"  blocks of {[block.samples for block in store.view().blocks]} samples")
    timed("asked", lambda: ask(store, START_MS + (minutes - 1) * STEP_MS))
    timed("asked of the block", lambda: ask(store, START_MS + 100 * STEP_MS))
    # As if killed: nothing is closed.


def again(folder: Path, minutes: int) -> None:
    store: Database | None = None

    def start() -> None:
        nonlocal store
        store = Database.open(folder, Options(), clock=SystemClock())

    timed("started", start)
    assert store is not None
    print(f"  {store.view().head_series} series in the head")
    timed("asked", lambda: ask(store, START_MS + (minutes - 1) * STEP_MS))
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--series", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=int, default=200)
    parser.add_argument("--part", choices=("fill", "again"))
    chosen = parser.parse_args()
    if chosen.part == "fill":
        fill(chosen.folder, chosen.series, chosen.minutes)
    elif chosen.part == "again":
        again(chosen.folder, chosen.minutes)
    else:
        for part in ("fill", "again"):
            subprocess.run(
                [sys.executable, "-m", __spec__.name, *sys.argv[1:], "--part", part], check=True
            )


if __name__ == "__main__":
    main()
