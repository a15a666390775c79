"""What a query cost, node by node: the accounts are right, and keeping them changes no answer."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.node_cost import Explained, NodeCost
from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.statistics import stats_object
from termprom.promql.syntax.parse import Features
from termprom.promql.watching import EXPLAIN
from termprom.testing.memory_storage import MemoryStorage
from termprom.testing.promqltest.runner import run_script
from tests.promql.differential import campaign
from tests.promql.differential.dataset import dataset
from tests.promql.differential.remote_write import send
from tests.promql.differential.storage import DifferentialStorage
from tests.shared_folder import shared

_GRID = Grid(0, 60_000, 15_000)


@pytest.fixture(autouse=True)
def _explaining() -> Iterator[None]:
    token = EXPLAIN.set(True)
    yield
    EXPLAIN.reset(token)


def _storage(series: int) -> MemoryStorage:
    storage = MemoryStorage()
    for number in range(series):
        labels = Labels.of(__name__="m_total", i=str(number), half=str(number % 2))
        storage.add(labels, range(0, 75_000, 15_000), [1.0, 2.0, 3.0, 4.0, 5.0])
    return storage


def _explained(expr: str, series: int = 50) -> Explained:
    found = Engine(EngineOptions()).range(_storage(series), expr, _GRID).stats.explained
    assert found is not None
    return found


def _flat(node: NodeCost) -> dict[str, NodeCost]:
    found = {f"{node.what}: {node.text}": node}
    for child in node.children:
        found |= _flat(child)
    return found


def test_every_node_has_its_account() -> None:
    found = _flat(
        _explained("sum by (half) (rate(m_total[1m])) + on(half) max by (half) (m_total)").root
    )
    counts = {name: (one.series, one.rows, one.samples) for name, one in found.items()}
    assert counts == {
        "binary +: sum by (half) (rate(m_total[1m])) + on(half) max by (half) (m_total)": (2, 8, 0),
        "aggregate sum: sum by (half) (rate(m_total[1m]))": (2, 8, 0),
        "call rate: rate(m_total[1m])": (50, 200, 0),
        "select range: m_total[1m]": (50, 250, 250),
        "aggregate max: max by (half) (m_total)": (2, 10, 0),
        "select: m_total": (50, 250, 250),
    }
    assert all(one.seconds > 0 and one.bytes > 0 for one in found.values())


@pytest.mark.parametrize(
    ("expr", "samples"),
    [
        ("m_total", [50, 50, 50, 50, 50]),
        ("rate(m_total[30s])", [50, 100, 100, 100, 100]),
        # What is evaluated once counts at every step.
        ("sum(m_total @ 30) + sum(m_total)", [100, 100, 100, 100, 100]),
        # Of a subquery only what comes out of it.
        ("max_over_time(sum(m_total)[30s:15s])", [1, 2, 2, 2, 2]),
        ("1 + 1", [0, 0, 0, 0, 0]),
    ],
)
def test_samples_count_once_for_each_window(expr: str, samples: list[int]) -> None:
    assert _explained(expr).step_samples.tolist() == samples


def test_threads_keep_account_together() -> None:
    found = _flat(_explained("sum(abs(m_total) * 2)", series=20_000).root)
    assert found["select: m_total"].samples == 100_000
    assert found["call abs: abs(m_total)"].rows == 100_000
    assert found["binary *: abs(m_total) * 2"].rows == 100_000


@pytest.mark.parametrize("name", ["subquery", "at_modifier", "operators"])
def test_keeping_account_changes_no_answer(name: str) -> None:
    report = run_script(shared("conformance", "promqltest", f"{name}.test").read_text())
    assert (report.failed, report.passed > 10) == (0, True)


@pytest.mark.parametrize(
    "text", ["-" * 199 + "m", "abs(" * 198 + "m" + ")" * 198, "+".join("m" * 199)]
)
def test_the_deepest_expression_can_be_explained(text: str) -> None:
    result = Engine(EngineOptions()).instant(_storage(2), text.replace("m", "m_total"), 0)
    assert result.stats.explained is not None


def test_only_who_asks_for_the_plan_gets_it() -> None:
    stats = Engine(EngineOptions()).range(_storage(2), "rate(m_total[1m])", _GRID).stats
    assert "plan" not in stats_object(stats)
    shown = stats_object(stats, plan=True)
    assert shown["samples"] == {
        "totalQueryableSamples": 2 * (1 + 2 + 3 + 4 + 4),
        "samplesRead": 10,
        "peakSamples": shown["samples"]["peakSamples"],
    }
    assert shown["plan"]["operation"] == "call rate"
    assert [one["expr"] for one in shown["plan"]["children"]] == ["m_total[1m]"]
    EXPLAIN.set(False)
    plain = Engine(EngineOptions()).range(_storage(2), "rate(m_total[1m])", _GRID).stats
    assert plain.explained is None


@pytest.mark.peer
def test_samples_per_step_are_those_of_the_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "_FEATURES", campaign._FEATURES + ",promql-per-step-stats")
    lines = dataset(1)
    storage = DifferentialStorage(lines)
    engine = Engine(EngineOptions(features=Features(experimental_functions=True)))
    grid = Grid(1_700_000_600_000, 1_700_001_800_000, 60_000)
    wrong = []
    with campaign.prometheus(tmp_path) as url:
        send(url, lines)
        for expr in _QUESTIONS:
            asked = {"query": expr, "start": 1_700_000_600, "end": 1_700_001_800, "step": 60}
            query = urllib.parse.urlencode(asked | {"stats": "all"})
            with urllib.request.urlopen(f"{url}/api/v1/query_range?{query}") as answer:
                samples = json.load(answer)["data"]["stats"]["samples"]
            explained = engine.range(storage, expr, grid).stats.explained
            assert explained is not None
            theirs = [count for _, count in samples["totalQueryableSamplesPerStep"]]
            if explained.step_samples.tolist() != theirs:
                wrong.append((expr, explained.step_samples.tolist(), theirs))
    assert wrong == []


_QUESTIONS = (
    "g",
    "sum by (job) (rate(c_total[5m]))",
    "g + on(instance, mode) group_left g",
    "max_over_time(g[10m:1m])",
    "max_over_time(sum(g)[10m:1m])",
    "sum(g @ 1700001000) + sum(g)",
    "rate(c_total[5m] @ 1700001000)",
    "count_over_time(g[5m] offset 2m)",
    "quantile_over_time(0.5, g[5m])",
    "absent_over_time(g[5m])",
    "timestamp(g)",
    "histogram_quantile(0.9, rate(b_bucket[5m]))",
    "scalar(sum(g)) + vector(1)",
    "sum(hg)",
    "rate(h[5m])",
    "changes(x[5m])",
    "max_over_time(rate(c_total[5m])[10m:1m] @ 1700001500)",
)
