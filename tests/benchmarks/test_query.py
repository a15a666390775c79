"""What queries cost in process: thousands of series at once, a million, and the small one.

    pytest tests/benchmarks/test_query.py -m benchmark -s

Against the original and others, API to API, on one dataset: start the servers on it and run
`compare_query.py` of the shared folder. TERMPROM_BENCH_SERIES makes the million smaller.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from termprom.clock import SystemClock
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.promql.engine import Engine, EngineOptions
from termprom.tsdb.db import Database

pytestmark = pytest.mark.benchmark

START = 1_700_000_000_000
HOSTS, SERIES, ROWS, STEP = 50, 128, 1440, 15_000
END = START + (ROWS - 1) * STEP


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """6,400 counters in 50 groups, 6 hours at 15 s: 9.2 million samples, in blocks and head."""
    store = Database.open(tmp_path_factory.mktemp("bench"), clock=SystemClock())
    chance = np.random.default_rng(1)
    groups = []
    for host in range(HOSTS):
        group = store.group(Labels.of(job="node", instance=f"host-{host}"))
        labels = [
            Labels.of(
                __name__="node_cpu_seconds_total",
                instance=f"host-{host}",
                cpu=str(number // 8),
                mode=f"mode-{number % 8}",
            )
            for number in range(SERIES)
        ]
        groups.append((group, group.columns(labels)))
    values = np.zeros((HOSTS, SERIES))
    # Row by row: what is an hour behind the newest sample is refused, as upstream.
    for number in range(ROWS):
        values += np.round(chance.random((HOSTS, SERIES)) * 15, 2)
        for (group, columns), row in zip(groups, values, strict=True):
            group.append(START + number * STEP, columns, row)
    store.maintain()
    yield store
    store.close()


def _best(work: Callable[[], object], rounds: int = 4) -> tuple[float, float]:
    """The least wall and CPU time of `work` in milliseconds; the first round warms up."""
    walls, cpus = [], []
    work()
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls) * 1e3, min(cpus) * 1e3


QUERIES = {
    "sum by rate": "sum by (mode) (rate(node_cpu_seconds_total[5m]))",
    "max over 1h": "max by (instance) (max_over_time(node_cpu_seconds_total[1h]))",
    "quantile 10m": "avg by (mode) (quantile_over_time(0.9, node_cpu_seconds_total[10m]))",
    "topk": "topk(5, rate(node_cpu_seconds_total[5m]))",
    "raw sum": "sum(node_cpu_seconds_total)",
}


@pytest.mark.parametrize("name", QUERIES)
def test_heavy_range_queries(name: str, database: Database) -> None:
    engine = Engine(EngineOptions())
    grid = Grid(START + 600_000, END, 60_000)
    wall, cpu = _best(lambda: engine.range(database, QUERIES[name], grid))
    stats = engine.range(database, QUERIES[name], grid).stats
    print(f"\n{name}: {wall:.0f} ms, {cpu:.0f} ms of CPU, {stats.samples:,} samples")


@pytest.mark.parametrize(
    "function",
    [
        *("rate", "max_over_time", "sum_over_time", "avg_over_time", "count_over_time", "changes"),
        *("resets", "stddev_over_time", "deriv", "last_over_time"),
    ],
)
def test_the_window_s_width_does_not_matter_once_samples_are_decoded(
    function: str, database: Database
) -> None:
    engine = Engine(EngineOptions())
    grid = Grid(END - 3_600_000, END, 60_000)
    spent = []
    for width in ("5m", "1h", "4h50m"):
        expr = f"sum({function}(node_cpu_seconds_total[{width}]))"
        spent.append(_best(partial(engine.range, database, expr, grid))[1])
    print(
        f"\n{function}: 5m, 1h, 4h50m: " + ", ".join(f"{one:.0f}" for one in spent) + " ms of CPU"
    )


def test_a_small_instant_query(database: Database) -> None:
    engine = Engine(EngineOptions())
    expr = 'node_cpu_seconds_total{instance="host-7",cpu="0"}'
    spent = []
    for number in range(300):
        began = time.perf_counter()
        result = engine.instant(database, expr, END - number)
        spent.append(time.perf_counter() - began)
    print(f"\nsmall instant query: p50 {np.median(spent) * 1e3:.2f} ms")
    assert len(result.labels) == 8


def _store(folder: Path, groups: int, metrics: int, series: int, rows: int) -> Database:
    """`groups` x `metrics` x `series` counters."""
    store = Database.open(folder, clock=SystemClock())
    chance = np.random.default_rng(1)
    held = []
    for host in range(groups):
        group = store.group(Labels.of(job="j", instance=f"h{host}"))
        labels = [
            Labels.of(
                __name__=f"m{metric}_total",
                job="j",
                instance=f"h{host}",
                x=str(number % 10),
                i=str(number),
            )
            for metric in range(metrics)
            for number in range(series)
        ]
        held.append((group, group.columns(labels)))
    values = chance.random((groups, metrics * series)) * 1000
    for row in range(rows):
        values += chance.random(values.shape)
        for host, (group, columns) in enumerate(held):
            group.append(START + row * STEP + host * 7, columns, values[host])
    return store


def test_a_thousand_rules_over_ten_thousand_series(tmp_path: Path) -> None:
    store = _store(tmp_path, groups=100, metrics=10, series=10, rows=240)
    engine = Engine(EngineOptions())
    rules = [
        f'sum by (instance) (rate(m{number % 10}_total{{instance="h{number // 10}"}}[5m]))'
        for number in range(1000)
    ]
    at = START + 239 * STEP + 10_000
    _, cpu = _best(lambda: [engine.instant(store, one, at) for one in rules], rounds=3)
    print(f"\n1,000 rules over 10,000 series: {cpu / 1e3:.2f} s of CPU a round")
    store.close()


def test_a_million_series_at_one_instant(tmp_path: Path) -> None:
    count = int(os.environ.get("TERMPROM_BENCH_SERIES", 1_000_000))
    store = _store(tmp_path, groups=count // 1000, metrics=1, series=1000, rows=24)
    engine = Engine(EngineOptions())
    at = START + 23 * STEP + 10_000
    rest, first = _resident_mb("VmRSS"), time.perf_counter()
    engine.instant(store, "sum by (x) (rate(m0_total[5m]))", at)
    cold = time.perf_counter() - first
    wall, cpu = _best(lambda: engine.instant(store, "sum by (x) (rate(m0_total[5m]))", at))
    peak = _resident_mb("VmHWM") - rest
    print(
        f"\n{count:,} series: {wall / 1e3:.2f} s, {cpu / 1e3:.2f} s of CPU (the first time "
        f"{cold:.2f} s), at most {peak:.0f} MB above {rest:.0f} MB"
    )
    store.close()


def _resident_mb(name: str) -> float:
    """Of this process: VmRSS is what it has, VmHWM the most it ever had."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0
