"""Home: what is broken, summaries, live graphs of the machine, and where everything is."""

from __future__ import annotations

import numpy as np
import pytest

from termprom.backend.interface import Feature, Topic
from termprom.model.labels import Labels
from termprom.testing.fake_backend import FakeBackend, wave
from termprom.tui.panes.home_signals import grid_for, span_seconds, window_seconds
from termprom.tui.widgets.spark_rows import spark_rows
from termprom.views import (
    AlertState,
    AlertView,
    BuildView,
    Health,
    ListenerView,
    RuleGroupView,
    RuleHealth,
    RuleView,
    StatusView,
    StorageView,
    TargetsView,
    TargetView,
)
from tests.tui.panes.screen import NOW_MS, fake, showing

MINUTE = 60_000


def _status(**more: object) -> StatusView:
    options: dict[str, object] = {
        "data_folder": "/home/ana/.local/state/termprom/data",
        "log_path": "/home/ana/.local/state/termprom/termprom.log",
        "listeners": (ListenerView("api", "127.0.0.1:9091", "", moved_from="127.0.0.1:9090"),),
        "storage": StorageView(head_start_ms=NOW_MS - 40_000),
        "config_loaded_ms": NOW_MS - 10 * MINUTE,
    }
    return StatusView(BuildView("1"), **(options | more))  # type: ignore[arg-type]


def _backend(**more: object) -> FakeBackend:
    alert = AlertView(
        "HighErrorRate",
        Labels.of(alertname="HighErrorRate", severity="critical", job="api"),
        Labels.of(),
        AlertState.FIRING,
        NOW_MS - 14 * MINUTE,
        0.049,
        group="slo",
    )
    rules = (
        RuleView("HighErrorRate", "errors > 0.03", True),
        RuleView("job:bad", "x", False, health=RuleHealth.ERROR, last_error="many-to-many"),
    )
    up = TargetView("node", "http://a/metrics", Labels.of(instance="a"), Labels.of(), Health.UP)
    down = TargetView(
        "pg", "http://b/metrics", Labels.of(instance="b"), Labels.of(), Health.DOWN, "refused"
    )
    options: dict[str, object] = {
        "alert_views": (alert,),
        "target_views": TargetsView(active=(up, down)),
        "rule_groups": (RuleGroupView("slo", "r.yml", 30.0, rules, evaluation_seconds=0.2),),
        "status_view": _status(),
    }
    return fake(**(options | more))


def test_the_span_follows_from_the_age_of_the_data() -> None:
    assert span_seconds(NOW_MS - 3_000, NOW_MS) == 15
    assert span_seconds(NOW_MS - 31_000, NOW_MS) == 60
    assert span_seconds(NOW_MS - 61_000, NOW_MS) == 300
    assert span_seconds(NOW_MS - 10**9, NOW_MS) == 3600
    assert span_seconds(0, NOW_MS) == 3600


def test_steps_are_aligned_and_a_rate_sees_some_scrapes() -> None:
    grid = grid_for(3600, 60, NOW_MS)
    assert grid.step_ms == 60_000
    assert grid.end_ms % grid.step_ms == 0
    assert window_seconds([2.0, 15.0], grid) == 60
    assert window_seconds([2.0], grid_for(60, 60, NOW_MS)) == 8


def test_a_tall_graph_shows_every_sample_and_blanks_for_gaps() -> None:
    values = np.array([0.0, 1.0, 2.0, np.nan, 4.0])
    rows = spark_rows(values, ~np.isnan(values), 10, 2)
    assert [len(row) for row in rows] == [10, 10]
    assert rows[0] == "    ▁▁  ██"
    assert rows[1][:2] == "▁▁"
    assert rows[1][6:8] == "  "
    ascii_rows = spark_rows(values, ~np.isnan(values), 10, 3, ascii_only=True)
    assert "".join(ascii_rows).isascii()


@pytest.mark.parametrize("height", [1, 2, 4])
def test_a_constant_lies_at_the_bottom(height: int) -> None:
    rows = spark_rows(np.full(7, 3.0), np.ones(7, bool), 7, height)
    assert rows[-1] == "▁" * 7
    assert not "".join(rows[:-1]).strip()


async def test_everything_that_is_broken_is_told_with_its_words() -> None:
    async with showing(_backend(), "home", (120, 40)) as screen:
        text = screen.text
        for part in ("● firing", "HighErrorRate", "14m", "▼ down", "pg b", "refused", "✗ fail"):
            assert part in text
        assert "1 up / 1 down" in text
        assert "1 ok / 1 failing" in text
        assert "many-to-many" in text


async def test_live_graphs_of_the_machine_over_the_age_of_its_data() -> None:
    backend = _backend()
    async with showing(backend, "home", (120, 40)) as screen:
        assert "last 1m" in screen.text
        for name in ("cpu busy", "memory used", "load 1m", "network in", "disk read"):
            line = next(line for line in screen.lines if name in line)
            assert set(line) & set("▁▂▃▄▅▆▇█")
            assert "min" in line

        async def heard(word: str) -> bool:
            for _ in range(500):
                if any(word in one for one in backend.asked[asked:]):
                    return True
                await screen.pilot.pause(0.01)
            return False

        await screen.pilot.pause(0.1)  # a late layout asks once more
        await screen.settle()
        asked = len(backend.asked)
        backend.publish(Topic.STATS)
        assert await heard("alerts")
        assert not any("query_range" in one for one in backend.asked[asked:])
        await backend.clock.advance(2.0)  # type: ignore[attr-defined]
        backend.publish(Topic.STATS)
        assert await heard("node_load1")


async def test_a_server_without_a_node_shows_its_scraping() -> None:
    def only_up(expr: str, steps: np.ndarray) -> tuple[list[Labels], np.ndarray]:
        if "node_" in expr or "prometheus_" in expr:
            return [], np.empty((0, steps.size))
        labels, values = wave(expr, steps)
        return list(labels), values

    async with showing(_backend(answer=only_up), "home") as screen:
        assert "cpu busy" not in screen.text
        assert "targets up" in screen.text
        assert "per scrape" in screen.text


async def test_before_the_first_sample_it_says_that_it_waits() -> None:
    def nothing(expr: str, steps: np.ndarray) -> tuple[list[Labels], np.ndarray]:
        return [], np.empty((0, steps.size))

    async with showing(fake(answer=nothing, status_view=_status()), "home") as screen:
        assert "waiting for the first samples" in screen.text
        assert "nothing is broken" in screen.text


async def test_the_engine_says_config_data_moved_port_and_log() -> None:
    async with showing(_backend(), "home", (160, 45)) as screen:
        for part in ("embedded default", "/termprom/data", "127.0.0.1:9091", "termprom.log"):
            assert part in screen.text
        assert "127.0.0.1:9090 was taken" in screen.text


async def test_enter_opens_the_alert_and_o_its_expression() -> None:
    backend = _backend()
    async with showing(backend, "home") as screen:
        await screen.press("enter")
        assert screen.pane.PANE_ID == "alerts"
        await screen.show("home")
        await screen.press("o")
        assert screen.pane.PANE_ID == "query"
        assert "query_range errors" in backend.asked


async def test_a_failed_reload_and_a_dead_server_are_problems() -> None:
    broken = _status(config_ok=False, config_error="a.yml:3:1: unknown key\nmore")
    backend = _backend(status_view=broken)
    async with showing(backend, "home") as screen:
        assert "a.yml:3:1: unknown key" in screen.text
        backend.failing = "connection refused"
        await screen.press("r")
        assert "HighErrorRate" in screen.text
        assert "no answer for" in screen.text


async def test_a_server_with_neither_targets_nor_rules_says_so() -> None:
    without = _backend(features=frozenset({Feature.RELOAD}))
    async with showing(without, "home") as screen:
        assert "shows no targets: unavailable" in screen.text
        assert "shows no rules: unavailable" in screen.text


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (80, 24), (200, 60)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_size_is_drawn(size: tuple[int, int], ascii_only: bool) -> None:
    async with showing(_backend(), "home", size, ascii=ascii_only) as screen:
        assert len(screen.lines) == size[1]
        if size[0] >= 60:
            assert "cpu busy" in screen.text
            assert "HighErrorRate" in screen.text
