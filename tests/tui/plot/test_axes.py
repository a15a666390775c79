"""Value axis, time axis, steps and the live window."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.limits import QUERY_STEPS_MAX
from termprom.tui.plot.step import LIVE_PARTS, choose_step, live_window, pannable
from termprom.tui.plot.time_axis import ago_text, time_ticks
from termprom.tui.plot.units import PLAIN
from termprom.tui.plot.yaxis import SHRINK_AFTER, ScaleKind, SteadyAxis, YAxis, fit_axis

HOUR = 3_600_000


def _at(text: str, zone=UTC) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


@pytest.mark.parametrize(
    ("span_ms", "columns", "interval_ms", "step_ms"),
    [
        (HOUR, 120, 0, 15_000),
        (HOUR, 60, 0, 30_000),
        (HOUR, 120, 60_000, 60_000),
        (60_000, 200, 0, 1_000),
        (24 * HOUR, 120, 15_000, 10 * 60_000),
        (365 * 24 * HOUR, 50, 0, 7 * 24 * HOUR),
    ],
)
def test_steps_are_nice_and_fit_two_to_a_cell(span_ms, columns, interval_ms, step_ms):
    assert choose_step(span_ms, columns, interval_ms) == step_ms


@given(st.integers(1, 20 * 365 * 24 * HOUR), st.integers(1, 20_000), st.integers(0, HOUR))
def test_no_step_asks_for_more_than_a_server_allows(span_ms, columns, interval_ms):
    step = choose_step(span_ms, columns, interval_ms)
    assert step >= interval_ms
    assert span_ms // step + 1 <= QUERY_STEPS_MAX


@given(st.integers(60_000, 48 * HOUR), st.integers(1_600_000_000_000, 1_900_000_000_000))
def test_a_live_window_holds_now_and_moves_by_a_twelfth(span_ms, now_ms):
    step = choose_step(span_ms, 100)
    start, end = live_window(span_ms, now_ms, step)
    assert end - start == span_ms
    assert start < now_ms < end
    wanted = max(span_ms // LIVE_PARTS, min(15_000, span_ms // 4))
    part = max(wanted // step, 1) * step
    assert end - now_ms <= part
    _, later = live_window(span_ms, now_ms + 1, step)
    assert later - end in (0, part)


def test_a_panned_window_ends_on_a_step():
    assert pannable(HOUR, 1_000_001, 1_000) == (1_001_000 - HOUR, 1_001_000)


def test_the_axis_shows_zero_when_zero_is_near():
    assert fit_axis(0.5, 10, PLAIN).low == 0.0
    far = fit_axis(95, 100, PLAIN)
    assert far.low > 90
    assert far.broken
    assert fit_axis(95, 100, PLAIN, zero_based=True).low == 0.0
    assert fit_axis(3, 3, PLAIN).low == 0.0
    assert fit_axis(1, -1, PLAIN) == YAxis(0.0, 1.0, ScaleKind.LINEAR, PLAIN), "no data"


def test_a_logarithmic_axis_leaves_out_what_it_cannot_show():
    axis = fit_axis(0, 900, PLAIN, kind=ScaleKind.LOG, smallest_positive=2)
    assert (axis.low, axis.high) == (1.0, 1000.0)
    placed = axis.place(np.array([0.0, -1.0, 1.0, 10.0, 1000.0]))
    assert np.isnan(placed[:2]).all()
    np.testing.assert_allclose(placed[2:], [0, 1 / 3, 1])
    assert fit_axis(-5, 0, PLAIN, kind=ScaleKind.LOG).kind is ScaleKind.LINEAR


def test_symlog_keeps_the_sign():
    axis = fit_axis(-100, 1000, PLAIN, kind=ScaleKind.SYMLOG)
    placed = axis.place(np.array([-100.0, 0.0, 1000.0]))
    assert placed[0] == 0 < placed[1] < placed[2] == 1
    assert 0.0 in axis.ticks(8)[0]


def test_a_live_axis_grows_at_once_and_shrinks_late():
    steady = SteadyAxis()
    wide = YAxis(0, 100)
    assert steady.follow(wide) == wide
    assert steady.follow(YAxis(0, 120)).high == 120
    assert steady.follow(YAxis(0, 100)).high == 120, "still most of it in use"
    for _ in range(SHRINK_AFTER - 1):
        assert steady.follow(YAxis(0, 10)).high == 120
    assert steady.follow(YAxis(0, 10)).high == 10


def test_ticks_are_round_on_the_clock_of_the_zone():
    start, end = _at("2026-05-02 11:05"), _at("2026-05-02 12:05")
    assert [t.label for t in time_ticks(start, end, 72, UTC)] == [
        f"{h}:{m:02}" for h, m in ((11, 10), (11, 20), (11, 30), (11, 40), (11, 50), (12, 0))
    ]
    nepal = ZoneInfo("Asia/Kathmandu")  # 5 h 45 min ahead
    labels = [t.label for t in time_ticks(start, start + 6 * HOUR, 72, nepal)]
    assert all(label.endswith(":00") for label in labels)


def test_midnight_is_marked_with_the_date():
    ticks = time_ticks(_at("2026-05-02 20:00"), _at("2026-05-03 04:00"), 90, UTC)
    assert [tick.date for tick in ticks if tick.date] == ["05-03"]


def test_ticks_stay_round_when_the_clocks_change():
    berlin = ZoneInfo("Europe/Berlin")
    start = _at("2026-03-28 12:00", berlin)
    ticks = time_ticks(start, start + 48 * HOUR, 60, berlin)
    assert {tick.label for tick in ticks} <= {"00:00", "06:00", "12:00", "18:00"}


@pytest.mark.parametrize(
    ("delta_ms", "text"),
    [
        (-13 * 60_000, "-13m"),
        (5_000, "+5s"),
        (-2 * HOUR - 5 * 60_000, "-2h05m"),
        (-90_000, "-1m30s"),
    ],
)
def test_how_long_ago(delta_ms, text):
    assert ago_text(delta_ms) == text
