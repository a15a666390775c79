"""Numbers and times in the words of an operator: every number has a unit, every time a zone."""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from typing import Final

_SI: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_IEC: Final = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
_DAY_SECONDS: Final = 86_400


def _short(value: float) -> str:
    """About three digits: 1.21, 12.4, 431."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def number(value: float) -> str:
    """`1.21k`, `0.0042`, `NaN`, `+Inf`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    size = abs(value)
    for unit, name in _SI:
        if size >= unit:
            return _short(value / unit) + name
    if size and size < 0.01:
        return f"{value:.2g}"
    return _short(value)


def count(value: int) -> str:
    """A whole number with thin groups of three: `128 412`."""
    return f"{value:,}".replace(",", " ")


def size(value: float) -> str:
    """Bytes: `3.1 GiB`."""
    if not math.isfinite(value):
        return number(value)
    for unit, name in _IEC:
        if abs(value) >= unit:
            return f"{_short(value / unit)} {name}"
    return f"{value:.0f} B"


def percent(ratio: float) -> str:
    """`4.9%` of 0.049."""
    if not math.isfinite(ratio):
        return number(ratio)
    return f"{ratio * 100:.1f}%"


def took(seconds: float) -> str:
    """How long something ran: `41ms`, `2.9s`, `3m12s`."""
    if seconds < 0.0005:
        return f"{seconds * 1e6:.0f}us" if seconds > 0 else "0ms"
    if seconds < 1:
        return f"{seconds * 1e3:.0f}ms"
    if seconds < 10:
        return f"{seconds:.1f}s"
    return span(seconds)


def span(seconds: float) -> str:
    """A duration with at most two units: `14m`, `3h12m`, `2d4h`; never negative."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 600:
        return f"{whole // 60}m{whole % 60:02}s" if whole % 60 else f"{whole // 60}m"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < _DAY_SECONDS:
        minutes = whole % 3600 // 60
        return f"{whole // 3600}h{minutes:02}m" if minutes else f"{whole // 3600}h"
    hours = whole % _DAY_SECONDS // 3600
    return f"{whole // _DAY_SECONDS}d{hours}h" if hours else f"{whole // _DAY_SECONDS}d"


def age(then_ms: int, now_ms: int) -> str:
    """How long ago, `-` where it never was."""
    return span((now_ms - then_ms) / 1000) if then_ms else "-"


def zone_mark(moment: datetime) -> str:
    """`Z`, or the short name of the zone with a blank before it."""
    if moment.tzinfo is UTC:
        return "Z"
    return f" {moment.tzname() or moment.strftime('%z')}"


def clock(at_ms: int, zone: tzinfo) -> str:
    """`12:04:31Z`; `-` where it never was."""
    if not at_ms:
        return "-"
    moment = datetime.fromtimestamp(at_ms / 1000, zone)
    return moment.strftime("%H:%M:%S") + zone_mark(moment)


def date_and_clock(at_ms: int, zone: tzinfo) -> str:
    """`2026-05-02 12:04:31Z`; `-` where it never was."""
    if not at_ms:
        return "-"
    moment = datetime.fromtimestamp(at_ms / 1000, zone)
    return moment.strftime("%Y-%m-%d %H:%M:%S") + zone_mark(moment)
