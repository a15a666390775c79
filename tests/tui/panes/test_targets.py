"""Targets: health in a word and a sign, the whole error, what was dropped, what is absent."""

from __future__ import annotations

import pytest

from termprom.backend.interface import Feature, Topic
from termprom.model.labels import Labels
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.panes.targets import TargetsPane
from termprom.tui.widgets.text_box import TextBox
from termprom.views import DroppedTargetView, Health, TargetsView, TargetView
from tests.tui.panes.screen import NOW_MS, fake, showing

REFUSED = "connect to db-1:9100: connection refused, and \x1b[2J[bold] this goes on " + "on " * 60


def _target(pool: str, instance: str, health: Health = Health.UP, **more: object) -> TargetView:
    options: dict[str, object] = {
        "last_scrape_ms": NOW_MS - 4_000,
        "last_duration_seconds": 0.041,
        "interval_seconds": 15.0,
        "timeout_seconds": 10.0,
        "samples": 1_234,
        "recent": (True,) * 20,
    }
    labels = Labels.of(job=pool, instance=instance)
    discovered = Labels.of(__address__=instance, __scheme__="http")
    url = f"http://{instance}/metrics"
    return TargetView(pool, url, labels, discovered, health, **(options | more))  # type: ignore[arg-type]


def _backend(**more: object) -> FakeBackend:
    down = _target(
        "node", "db-1:9100", Health.DOWN, last_error=REFUSED, recent=(True,) * 17 + (False,) * 3
    )
    view = TargetsView(
        active=(
            _target("api", "api-1:80"),
            down,
            _target("pg", "pg-4:9187", last_duration_seconds=9.1),
        ),
        dropped=(DroppedTargetView("api", Labels.of(__address__="old:80", env="dev"), 2),),
        dropped_counts={"api": 7},
    )
    return fake(target_views=view, **more)


async def test_the_worst_is_first_with_word_sign_and_error() -> None:
    async with showing(_backend(), "targets", (160, 40)) as screen:
        rows = [line for line in screen.lines if "9100" in line or ":80" in line or "9187" in line]
        assert "▼ down" in rows[0]
        assert "connection refused" in rows[0]
        assert "░░░" in rows[0]
        assert "! slow" in rows[1]
        assert "9.1s" in rows[1]
        assert "▲ up" in rows[2]
        assert "41ms" in rows[2]
        assert "1 234" in rows[2]
        assert "4s" in rows[2]


async def test_the_detail_has_the_whole_error_and_the_discovered_labels() -> None:
    async with showing(_backend(), "targets") as screen:
        text = screen.pane.query_one("#detail", TextBox).text
        assert "17 of 20 went well" in text
        assert text.count("on on") > 10
        assert '__address__="db-1:9100"' in text
        assert "\x1b" not in screen.text
        assert "[bold]" in screen.text


async def test_dropped_targets_say_which_rule_and_how_many_more() -> None:
    async with showing(_backend(), "targets") as screen:
        await screen.press("m")
        assert "relabel rule 3" in screen.text
        assert 'env="dev"' in screen.text
        assert "6 more are not listed" in screen.text


async def test_z_leaves_the_problems_and_b_groups_by_pool() -> None:
    async with showing(_backend(), "targets") as screen:
        await screen.press("z")
        assert "api-1:80" not in screen.text
        await screen.press("z", "b")
        assert "node (1)" in screen.text


async def test_o_opens_the_up_of_the_target() -> None:
    backend = _backend()
    async with showing(backend, "targets") as screen:
        await screen.press("o")
        assert screen.pane.PANE_ID == "query"
        asked = [one for one in backend.asked if one.startswith("query_range")]
        assert 'query_range up{job="node", instance="db-1:9100"}' in asked


async def test_an_event_brings_the_new_health() -> None:
    backend = _backend()
    async with showing(backend, "targets") as screen:
        backend.target_views = TargetsView(active=(_target("node", "db-1:9100"),))
        backend.publish(Topic.TARGETS)
        for _ in range(500):
            await screen.pilot.pause(0.01)
            if "▼ down" not in screen.text:
                break
        assert "▼ down" not in screen.text
        assert "▲ up" in screen.text


async def test_nothing_there_and_not_offered_are_said_in_words() -> None:
    async with showing(fake(), "targets") as screen:
        assert "no targets" in screen.text
    without = fake(features=frozenset(Feature) - {Feature.TARGETS})
    async with showing(without, "targets") as screen:
        assert "unavailable: fake has no targets" in screen.text


async def test_a_server_that_is_gone_leaves_the_rows_and_says_so() -> None:
    backend = _backend()
    async with showing(backend, "targets") as screen:
        backend.failing = "connection refused"
        await screen.press("r")
        assert "api-1:80" in screen.text
        assert "connection refused" in screen.text


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (80, 24), (200, 60)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_size_is_drawn(size: tuple[int, int], ascii_only: bool) -> None:
    async with showing(_backend(), "targets", size, ascii=ascii_only) as screen:
        await screen.press("enter", "j", "escape", "m", "d", "m")
        assert isinstance(screen.pane, TargetsPane)
        assert {len(screen.lines)} == {size[1]}
        if ascii_only and size[0] >= 60:
            assert screen.text.isascii() or "XX down" in screen.text
