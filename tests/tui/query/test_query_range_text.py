"""What may be typed as a time range."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from termprom.tui.panes.query_range_text import panned, parse_range, zoomed
from termprom.tui.session import TimeRange

NOW = int(datetime(2026, 5, 2, 12, 4, 31, tzinfo=UTC).timestamp() * 1000)
MINUTE, HOUR = 60_000, 3_600_000


def _at(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("90m", TimeRange(90 * MINUTE)),
        ("now", TimeRange(HOUR)),
        ("6h..5h", TimeRange(HOUR, NOW - 5 * HOUR)),
        ("2h..now", TimeRange(2 * HOUR)),
        ("11:30+20m", TimeRange(20 * MINUTE, _at(2026, 5, 2, 11, 50))),
        ("13:00+20m", TimeRange(20 * MINUTE, _at(2026, 5, 1, 13, 20))),
        ("2026-05-02 11:30..12:00", TimeRange(30 * MINUTE, _at(2026, 5, 2, 12, 0))),
        ("2026-05-01 23:30..00:30", TimeRange(HOUR, _at(2026, 5, 2, 0, 30))),
        ("1777720000..1777723600", TimeRange(HOUR, 1_777_723_600_000)),
    ],
)
def test_ranges(text, found):
    assert parse_range(text, NOW, UTC, HOUR) == found


@pytest.mark.parametrize("text", ["", "x", "5h..6h", "25:00+1h", "0s", "11:30+", "2026-13-01..now"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ValueError):
        parse_range(text, NOW, UTC, HOUR)


def test_zoom_keeps_what_is_under_the_crosshair():
    shown = TimeRange(HOUR, NOW)
    closer = zoomed(shown, 0.5, NOW - HOUR // 2, NOW)
    assert closer == TimeRange(HOUR // 2, NOW - HOUR // 4)
    assert zoomed(closer, 2.0, NOW - HOUR // 2, NOW) == shown
    assert zoomed(TimeRange(HOUR), 2.0, None, NOW) == TimeRange(2 * HOUR), "live stays live"


def test_pan_into_now_is_live():
    past = panned(TimeRange(HOUR), -0.5, NOW)
    assert past == TimeRange(HOUR, NOW - HOUR // 2)
    assert panned(past, 0.5, NOW) == TimeRange(HOUR)
