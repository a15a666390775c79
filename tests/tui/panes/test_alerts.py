"""Alerts: the worst first, the whole alert in the detail, its expression one key away."""

from __future__ import annotations

import pytest

from termprom.backend.interface import Feature, Topic
from termprom.model.labels import Labels
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.panes.alerts_rows import rows_of
from termprom.tui.widgets.text_box import TextBox
from termprom.views import AlertState, AlertView, RuleGroupView, RuleView, SilenceView
from tests.tui.panes.screen import NOW_MS, fake, showing

MINUTE = 60_000


def _alert(
    name: str,
    severity: str,
    minutes: int,
    state: AlertState = AlertState.FIRING,
    **more: object,
) -> AlertView:
    labels = Labels.of(alertname=name, severity=severity, job="api")
    notes = Labels.of(summary="5xx ratio over \x1b[31m3%")
    since = NOW_MS - minutes * MINUTE
    return AlertView(name, labels, notes, state, since, 0.049, group="slo", **more)  # type: ignore[arg-type]


def _rule(name: str, query: str, hold: float = 300.0) -> RuleView:
    return RuleView(name, query, is_alert=True, hold_seconds=hold)


def _backend(**more: object) -> FakeBackend:
    alerts = (
        _alert("QueueBacklog", "critical", 3, AlertState.PENDING),
        _alert("DiskFills", "warning", 42),
        _alert("Muted", "critical", 99, silenced_by=("s-1",)),
        _alert("HighErrorRate", "critical", 14),
        _alert("OlderCritical", "critical", 15),
    )
    rules = (
        _rule("HighErrorRate", "errors / requests > 0.03"),
        _rule("QueueBacklog", "queue > 100"),
        _rule("NeverFires", "vector(0) > 1"),
        RuleView("job:x", "sum(x)", is_alert=False),
    )
    options: dict[str, object] = {
        "alert_views": alerts,
        "rule_groups": (RuleGroupView("slo", "rules.yml", 30.0, rules),),
        "silence_views": (
            SilenceView("s-1", ('alertname="Muted"',), NOW_MS, NOW_MS + 1, "ana", "why", "active"),
        ),
    }
    return fake(**(options | more))


def test_loud_before_silenced_then_state_severity_and_age() -> None:
    backend = _backend()
    active, quiet = rows_of(backend.alert_views, backend.rule_groups)
    assert [row.name for row in active] == [
        "OlderCritical", "HighErrorRate", "DiskFills", "QueueBacklog", "Muted",
    ]  # fmt: skip
    assert [row.name for row in quiet] == ["NeverFires"]


async def test_a_row_has_sign_word_severity_value_and_age() -> None:
    async with showing(_backend(), "alerts") as screen:
        line = next(line for line in screen.lines if "HighErrorRate" in line)
        for part in ("● firing", "critical", "job=api", "0.05", "14m"):
            assert part in line
        pending = next(line for line in screen.lines if "QueueBacklog" in line)
        assert "◐ pending" in pending
        assert "3m of 5m" in pending
        assert "⊘ silenced" in screen.text
        assert "NeverFires" not in screen.text


async def test_z_brings_the_inactive_rules() -> None:
    async with showing(_backend(), "alerts") as screen:
        await screen.press("z")
        assert "○ inactive" in screen.text
        assert "NeverFires" in screen.text
        await screen.press("z")
        assert "NeverFires" not in screen.text


async def test_the_detail_has_annotations_and_the_expression() -> None:
    async with showing(_backend(), "alerts") as screen:
        await screen.press("j", "enter")
        text = screen.pane.query_one("#detail", TextBox).text
        assert "errors / requests > 0.03" in text
        assert "for 5m" in text
        assert "5xx ratio over" in text
        assert "\x1b" not in screen.text
        assert 'severity="critical"' in text


async def test_o_draws_the_expression_with_its_threshold() -> None:
    backend = _backend()
    async with showing(backend, "alerts") as screen:
        await screen.press("j", "o")
        assert screen.pane.PANE_ID == "query"
        asked = [one for one in backend.asked if one.startswith("query_range")]
        assert "query_range errors / requests" in asked
        assert asked[-1] == 'query_range ALERTS{alertname="HighErrorRate"}', "its own marks"


async def test_b_groups_and_m_shows_the_silences() -> None:
    async with showing(_backend(), "alerts") as screen:
        await screen.press("b")
        assert "HighErrorRate (1)" in screen.text
        await screen.press("m")
        assert 'alertname="Muted"' in screen.text
        assert "ana" in screen.text


async def test_a_resolved_alert_goes_and_an_empty_list_says_so() -> None:
    backend = _backend()
    async with showing(backend, "alerts") as screen:
        backend.alert_views = ()
        backend.publish(Topic.ALERTS)
        await screen.pilot.pause(0.4)
        assert "no alert is firing or pending" in screen.text


async def test_a_server_without_rules_still_shows_alerts() -> None:
    without = _backend(features=frozenset({Feature.TARGETS}))
    async with showing(without, "alerts") as screen:
        assert "HighErrorRate" in screen.text
        assert "not known to this server" in screen.text
        await screen.press("m")
        assert "keeps no silences" in screen.text


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (80, 24), (200, 60)])
async def test_every_size_is_drawn(size: tuple[int, int]) -> None:
    async with showing(_backend(), "alerts", size) as screen:
        await screen.press("enter", "j", "escape", "m", "enter", "m")
        assert len(screen.lines) == size[1]
