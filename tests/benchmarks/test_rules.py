"""A thousand rules in fifty groups over ten thousand series, every 15 s, while samples arrive.

Prints the CPU of a round and how late evaluations begin. TERMPROM_RULES_SECONDS says for how long,
60 without it.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from termprom.clock import SystemClock
from termprom.config.schema import RuleConfig, RuleGroupConfig
from termprom.model.labels import EMPTY, Labels
from termprom.model.result import QueryResult
from termprom.promql.engine import Engine, EngineOptions
from termprom.rules.manager import RuleManager
from termprom.storage import Group
from termprom.tsdb.db import Database
from tests.alerting.stage import answering
from tests.daemon.process import Served
from tests.differential.side_by_side import free_port
from tests.peers import running

SECONDS = int(os.environ.get("TERMPROM_RULES_SECONDS", "60"))

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(SECONDS + 120)]

GROUPS, RULES, SERIES, INTERVAL_MS = 50, 20, 200, 15_000
SHAPES = (
    "sum by (job) (rate({m}[5m]))",
    "avg by (instance) ({m})",
    "max_over_time({m}[2m]) - min_over_time({m}[2m])",
    "topk(3, {m})",
    "sum({m}) / count({m})",
)
CONDITIONS = (
    "rate({m}[5m]) > 1e9",
    "{m} > 50 and on (instance) {m} < 0",
    "absent({m})",
    "sum by (instance) ({m}) > 1e12",
    '{m}{{instance="i-1"}} % 100 > 90',
)


def rule(group: int, number: int) -> RuleConfig:
    metric = f"m_{group}"
    if number < RULES // 2:
        expr = SHAPES[number % len(SHAPES)].format(m=metric)
        return RuleConfig(expr=expr, record=f"job:{metric}:r{number}")
    expr = CONDITIONS[number % len(CONDITIONS)].format(m=metric)
    return RuleConfig(
        expr=expr,
        alert=f"A{group}_{number}",
        hold=30_000,
        annotations=Labels.of(summary="{{ $labels.instance }} is at {{ $value | humanize }}"),
    )


class Load:
    """The series, one scraped target of SERIES per group, and their next row."""

    def __init__(self, store: Database) -> None:
        self._targets: list[tuple[Group, np.ndarray]] = []
        for group in range(GROUPS):
            target = store.group(Labels.of(job="app", instance=f"t-{group}"))
            labels = [
                Labels.of(__name__=f"m_{group}", job="app", instance=f"i-{n % 10}", part=str(n))
                for n in range(SERIES)
            ]
            self._targets.append((target, target.columns(labels)))
        self._values = np.zeros((GROUPS, SERIES))
        self._chance = np.random.default_rng(1)

    def row(self, at_ms: int) -> None:
        self._values += np.round(self._chance.random((GROUPS, SERIES)) * 15, 2)
        for (target, columns), values in zip(self._targets, self._values, strict=True):
            target.append(at_ms, columns, values)


async def test_a_thousand_rules(tmp_path: Path) -> None:
    clock = SystemClock()
    store = Database.open(tmp_path, clock=clock)
    load = Load(store)
    began_ms = clock.now_ms()
    for back in range(40, 0, -1):
        load.row(began_ms - back * INTERVAL_MS)
    engine = Engine(EngineOptions())
    pool = ThreadPoolExecutor(max_workers=2)
    waits: list[float] = []

    async def query(expr: str, at_ms: int) -> QueryResult:
        waits.append(time.time() - at_ms / 1000)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, engine.instant, store, expr, at_ms)

    manager = RuleManager(
        store,
        query,
        clock=clock,
        registry=CollectorRegistry(),
        notify=lambda alerts: None,
        on_change=lambda text: None,
        executor=pool,
    )
    groups = [
        RuleGroupConfig(
            name=f"g{number}",
            file="rules.yml",
            rules=tuple(rule(number, one) for one in range(RULES)),
        )
        for number in range(GROUPS)
    ]
    applying = time.process_time()
    await manager.apply(groups, interval_ms=INTERVAL_MS, external_labels=EMPTY)
    applying = time.process_time() - applying
    # The first round warms up: groups start, expressions are parsed, series are new.
    await asyncio.sleep(2 * INTERVAL_MS / 1000)
    waits.clear()
    cpu, wall = time.process_time(), time.monotonic()
    for _ in range(SECONDS * 1000 // INTERVAL_MS):
        load.row(clock.now_ms())
        await asyncio.sleep(INTERVAL_MS / 1000)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    views = manager.view()
    await manager.stop()
    store.close()
    pool.shutdown()

    rounds = wall * 1000 / INTERVAL_MS
    lag = np.array(waits) * 1000
    ok = sum(one.health == "ok" for view in views for one in view.rules)
    durations = np.array([view.evaluation_seconds for view in views]) * 1000
    print(
        f"\n{GROUPS * RULES} rules over {GROUPS * SERIES} series, {rounds:.1f} rounds, "
        f"{len(waits)} evaluations: {cpu / rounds:.3f} CPU-s a round "
        f"({cpu / len(waits) * 1000:.2f} ms a rule, {100 * cpu / wall:.1f} % of a core); "
        f"lag of a rule behind its slot p50 {np.percentile(lag, 50):.0f} ms, "
        f"p99 {np.percentile(lag, 99):.0f} ms, max {lag.max():.0f} ms; "
        f"a group takes p50 {np.percentile(durations, 50):.0f} ms, max {durations.max():.0f} ms; "
        f"applying the configuration {applying:.2f} CPU-s"
    )
    assert ok == GROUPS * RULES
    assert sum(view.missed_iterations for view in views) == 0


PAGE_SERIES = "".join(
    f'm_{group}{{part="{part}",replica="i-{part % 10}"}} %d\n'
    for group in range(GROUPS)
    for part in range(SERIES)
)
CONFIG = """global: {{scrape_interval: 15s, evaluation_interval: 15s}}
rule_files: [{rules}]
scrape_configs:
- job_name: app
  static_configs: [{{targets: ['{page}']}}]
"""


def _rule_file(folder: Path, name: str, groups: int) -> Path:
    """The rules as a file; JSON is YAML."""
    path = folder / name
    found = []
    for group in range(groups):
        rules: list[dict[str, object]] = []
        for number in range(RULES):
            one = rule(group, number)
            expr = one.expr.replace("instance", "replica")
            if one.record:
                rules.append({"record": one.record, "expr": expr})
            else:
                rules.append(
                    {"alert": one.alert, "expr": expr, "annotations": dict(one.annotations)}
                )
        found.append({"name": f"g{group}", "rules": rules})
    path.write_text(json.dumps({"groups": found}))
    return path


@pytest.mark.peer
@pytest.mark.timeout(4 * SECONDS + 300)
def test_beside_a_real_prometheus(tmp_path: Path) -> None:
    """CPU of both with these rules and without, scraping the same page; printed."""
    began = time.time()

    def page(path: str, body: bytes) -> str:
        now = int((time.time() - began) * 10)
        return PAGE_SERIES % tuple(range(now, now + GROUPS * SERIES))

    spent: dict[str, list[float]] = {"prometheus": [], "termprom": []}
    with answering(page) as address:
        for groups in (GROUPS, 0):
            folder = tmp_path / str(groups)
            folder.mkdir()
            rules = _rule_file(folder, "rules.yml", groups)
            config = CONFIG.format(rules=rules, page=address)
            (folder / "prometheus.yml").write_text(config)
            port = free_port()
            flags = (
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{port}",
            )
            with (
                running(
                    f"http://127.0.0.1:{port}",
                    "/-/ready",
                    folder / "prometheus.log",
                    "prometheus",
                    *flags,
                ),
                Served(folder, config=config) as served,
            ):
                ours = served.ready().url
                ends = {"prometheus": f"http://127.0.0.1:{port}", "termprom": ours}
                # Two rounds to warm up; then what the processes say of themselves.
                time.sleep(35)
                first = {name: _cpu(url) for name, url in ends.items()}
                time.sleep(SECONDS)
                for name, url in ends.items():
                    spent[name].append((_cpu(url) - first[name]) * 15 / SECONDS)
                if groups:
                    failed = served.value("sum(prometheus_rule_evaluation_failures_total)")
                    missed = served.value("sum(prometheus_rule_group_iterations_missed_total)")
                    assert (failed or 0, missed or 0) == (0, 0)
    for name, (with_rules, without) in spent.items():
        print(
            f"\n{name}: {with_rules:.2f} CPU-s in 15 s with {GROUPS * RULES} rules, "
            f"{without:.2f} without: {with_rules - without:.2f} for the rules"
        )


def _cpu(url: str) -> float:
    with urllib.request.urlopen(url + "/metrics", timeout=60) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("process_cpu_seconds_total "):
                return float(line.split()[1])
    raise AssertionError("it does not say")
