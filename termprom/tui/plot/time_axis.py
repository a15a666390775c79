"""Round times under a graph, in the operator's zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from termprom.tui.plot.step import DAY_MS

_HOUR: Final = 3_600_000
_MINUTE: Final = 60_000
_SPACINGS_MS: Final = (
    *(n * 1_000 for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY_MS for n in (1, 2, 7, 14, 28, 91, 182, 364)),
)


@dataclass(frozen=True, slots=True)
class TimeTick:
    """A labelled moment; `new_day` where the date differs from the tick before it."""

    at_ms: int
    label: str
    date: str = ""


def time_ticks(start_ms: int, end_ms: int, columns: int, zone: tzinfo) -> list[TimeTick]:
    """Round times in [start, end] with room for their labels on `columns` cells, ascending.

    Round means round on the zone's clock: with half an hour of offset, full hours stay full hours.
    """
    span = end_ms - start_ms
    if span <= 0 or columns <= 0:
        return []
    spacing = _spacing(span, columns)
    ticks: list[TimeTick] = []
    day = ""
    at = _first(start_ms, spacing, zone)
    while at <= end_ms:
        moment = datetime.fromtimestamp(at / 1000, zone)
        date = moment.strftime("%m-%d")
        # A window that crosses midnight says so at the first tick of each day after the first.
        ticks.append(TimeTick(at, _label(moment, spacing), date if day and date != day else ""))
        day = date
        at = _next(at, spacing, zone)
    return ticks


def _spacing(span_ms: int, columns: int) -> int:
    for spacing in _SPACINGS_MS:
        width = 8 if spacing < _MINUTE else 5
        if span_ms / spacing * (width + 4) <= columns:
            return spacing
    return _SPACINGS_MS[-1]


def _offset_ms(at_ms: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(at_ms / 1000, zone).utcoffset()
    return round(offset.total_seconds() * 1000) if offset is not None else 0


def _first(start_ms: int, spacing: int, zone: tzinfo) -> int:
    offset = _offset_ms(start_ms, zone)
    return -(-(start_ms + offset) // spacing) * spacing - offset


def _next(at_ms: int, spacing: int, zone: tzinfo) -> int:
    """The tick after `at_ms`, still round where the zone's offset changes in between."""
    after = at_ms + spacing
    shift = _offset_ms(at_ms, zone) - _offset_ms(after, zone)
    return after + shift if shift and spacing > abs(shift) else after


def _label(moment: datetime, spacing: int) -> str:
    if spacing >= DAY_MS:
        return moment.strftime("%m-%d")
    return moment.strftime("%H:%M" if spacing >= _MINUTE else "%H:%M:%S")


def clock_text(at_ms: int, zone: tzinfo = UTC) -> str:
    """`12:04:31`, the time of day in the zone."""
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%H:%M:%S")


def moment_text(at_ms: int, zone: tzinfo = UTC) -> str:
    """`2026-05-02 12:04:31`, in the zone."""
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")


def ago_text(delta_ms: int) -> str:
    """`-13m`, `+2h05m`: how far a moment lies from now, in two units at most."""
    sign, rest = ("-", -delta_ms) if delta_ms < 0 else ("+", delta_ms)
    seconds = rest // 1000
    if seconds < 60:
        return f"{sign}{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{sign}{minutes}m" + (f"{seconds:02d}s" if seconds and minutes < 10 else "")
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{sign}{hours}h" + (f"{minutes:02d}m" if minutes else "")
    days, hours = divmod(hours, 24)
    return f"{sign}{days}d" + (f"{hours}h" if hours else "")
