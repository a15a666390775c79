"""What queries cost in process: thousands of series at once, and the small one of every day."""

from __future__ import annotations

import time
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


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """6,400 counters in 50 groups, 6 hours at 15 s: 9.2 million samples."""
    folder: Path = tmp_path_factory.mktemp("bench")
    store = Database.open(folder, clock=SystemClock())
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
    return store


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
    grid = Grid(START + 600_000, START + (ROWS - 1) * STEP, 60_000)
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        result = engine.range(database, QUERIES[name], grid)
        spent.append(time.perf_counter() - began)
    print(f"\n{name}: {min(spent) * 1e3:.0f} ms, {result.stats.samples:,} samples")
    assert result.labels


def test_the_window_s_width_does_not_matter_once_samples_are_decoded(database: Database) -> None:
    engine = Engine(EngineOptions())
    grid = Grid(START + 21_600_000 - 3_600_000, START + (ROWS - 1) * STEP, 60_000)
    spent = {}
    for width in ("5m", "1h", "5h"):
        expr = f"max(max_over_time(node_cpu_seconds_total[{width}]))"
        engine.range(database, expr, grid)
        began = time.perf_counter()
        engine.range(database, expr, grid)
        spent[width] = time.perf_counter() - began
    print("\n" + ", ".join(f"{width}: {one * 1e3:.0f} ms" for width, one in spent.items()))
    # The wider query decodes six times the samples; the kernel itself must not multiply that.
    assert spent["5h"] < 30 * spent["5m"]


def test_a_small_instant_query(database: Database) -> None:
    engine = Engine(EngineOptions())
    expr = 'node_cpu_seconds_total{instance="host-7",cpu="0"}'
    at = START + (ROWS - 1) * STEP
    spent = []
    for _ in range(200):
        began = time.perf_counter()
        result = engine.instant(database, expr, at)
        spent.append(time.perf_counter() - began)
    print(f"\nsmall instant query: p50 {np.median(spent) * 1e3:.2f} ms")
    assert len(result.labels) == 8
