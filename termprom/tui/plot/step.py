"""Which step a range query of a graph takes, and how a live window moves.

Steps are "nice" and aligned to the epoch, so that panning and refreshing ask for points that were
already there. A live window does not slide: its right twelfth starts out empty and fills, then the
window steps left by one twelfth. Between steps only new columns change: 282 bytes a tick on the
wire against 5.7 kB for a sliding one. A window of less than three minutes would step more often
than a quarter of a minute; it takes longer steps, at most a quarter of itself.
"""

from __future__ import annotations

from typing import Final

from termprom.limits import QUERY_STEPS_MAX

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
DAY_MS: Final = 24 * _HOUR
NICE_STEPS_MS: Final = (
    *(n * _SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY_MS for n in (1, 2, 7, 14, 28)),
)
LIVE_PARTS: Final = 12
_LIVE_PARTS_MIN: Final = 4
_LIVE_STEP_MS_MIN: Final = 15 * _SECOND


def choose_step(span_ms: int, columns: int, interval_ms: int = 0) -> int:
    """The nice step in milliseconds for `span_ms` on a canvas `columns` cells wide.

    At most two points per cell, never finer than the scrape interval where that is known, and
    never more steps than a server allows.
    """
    dots = max(2 * columns, 1)
    wanted = max(-(-span_ms // dots), interval_ms, -(-span_ms // (QUERY_STEPS_MAX - 1)), 1)
    for step in NICE_STEPS_MS:
        if step >= wanted:
            return step
    return -(-wanted // DAY_MS) * DAY_MS


def live_window(span_ms: int, now_ms: int, step_ms: int) -> tuple[int, int]:
    """The window [start, end] that a live graph shows at `now_ms`; end lies at or after now.

    It ends on a multiple of a twelfth of the span, so it moves only when now passes its end.
    """
    wanted = max(span_ms // LIVE_PARTS, min(_LIVE_STEP_MS_MIN, span_ms // _LIVE_PARTS_MIN))
    part = max(wanted // step_ms, 1) * step_ms
    end = -(-now_ms // part) * part
    if end == now_ms:  # now sits on the right edge: give the next points room
        end += part
    return end - span_ms, end


def pannable(span_ms: int, end_ms: int, step_ms: int) -> tuple[int, int]:
    """The window [start, end] of a fixed range, its end moved up to a multiple of the step."""
    end = -(-end_ms // step_ms) * step_ms
    return end - span_ms, end
