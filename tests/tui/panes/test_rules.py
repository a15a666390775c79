"""Rules: failing and slow first, duration against interval, the error in full."""

from __future__ import annotations

import pytest

from termprom.backend.interface import Feature
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.widgets.text_box import TextBox
from termprom.views import AlertState, RuleGroupView, RuleHealth, RuleView
from tests.tui.panes.screen import NOW_MS, fake, showing


def _rule(name: str, *, alert: bool = False, **more: object) -> RuleView:
    options: dict[str, object] = {
        "health": RuleHealth.OK,
        "last_evaluation_ms": NOW_MS - 5_000,
        "evaluation_seconds": 0.012,
    }
    return RuleView(name, f"sum({name}) > 1", alert, **(options | more))  # type: ignore[arg-type]


def _backend(**more: object) -> FakeBackend:
    quick = (
        _rule("job:ok:rate5m", last_samples=7),
        _rule("job:bad:rate5m", health=RuleHealth.ERROR, last_error="many-to-many matching"),
        _rule("Fires", alert=True, state=AlertState.FIRING),
    )
    groups = (
        RuleGroupView("quick", "a.yml", 30.0, quick, evaluation_seconds=0.04),
        RuleGroupView("heavy", "b.yml", 30.0, (_rule("slow"),), evaluation_seconds=29.0),
    )
    return fake(rule_groups=groups, **more)


async def test_what_fails_is_first_and_what_is_slow_second() -> None:
    async with showing(_backend(), "rules", (160, 40)) as screen:
        rows = [line for line in screen.lines if "of 30s" in line and "every" not in line]
        assert "✗ failing" in rows[0]
        assert "many-to-many matching" in rows[0]
        assert "! slow" in rows[1]
        assert "7 samples" in rows[2]
        assert "12ms of 30s" in rows[2]
        assert "● firing" in rows[3]


async def test_the_detail_sets_the_group_against_its_interval() -> None:
    async with showing(_backend(), "rules") as screen:
        text = screen.pane.query_one("#detail", TextBox).text
        assert "sum(job:bad:rate5m) > 1" in text
        assert "many-to-many matching" in text
        assert "0 missed" in text


async def test_keys_leave_problems_group_and_open_the_query() -> None:
    backend = _backend()
    async with showing(backend, "rules") as screen:
        await screen.press("z")
        assert "Fires" not in screen.text
        await screen.press("z", "b")
        assert "heavy (1)" in screen.text
        await screen.press("b", "o")
        assert screen.pane.PANE_ID == "query"
        assert "query_range sum(job:bad:rate5m) > 1" in backend.asked


async def test_no_rules_and_not_offered() -> None:
    async with showing(fake(), "rules") as screen:
        assert "no rules" in screen.text
    without = fake(features=frozenset(Feature) - {Feature.RULES})
    async with showing(without, "rules") as screen:
        assert "unavailable: fake has no rules" in screen.text


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (80, 24), (200, 60)])
async def test_every_size_is_drawn(size: tuple[int, int]) -> None:
    async with showing(_backend(), "rules", size) as screen:
        await screen.press("enter", "j", "escape", "d")
        assert len(screen.lines) == size[1]
