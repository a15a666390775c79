"""What an operator may type as a time range.

90m                       the last 90 minutes, live
6h..5h                    from six to five hours ago
11:30+20m                 twenty minutes from half past eleven, the latest such time that is over
2026-05-02 11:30..12:00   between two moments; a date missing at the end is that of the start
1777723200..1777726800    Unix seconds
now                       live, with the span kept
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final

from termprom.model.durations import parse_duration
from termprom.tui.session import TimeRange

PRESETS: Final = ("5m", "15m", "30m", "1h", "3h", "6h", "12h", "1d", "7d", "30d")
_DATED: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{1,2}:\d{2}(?::\d{2})?))?Z?")
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_UNIX: Final = re.compile(r"\d{9,11}(?:\.\d+)?")


def parse_range(text: str, now_ms: int, zone: tzinfo, span_ms: int) -> TimeRange:
    """The range that `text` describes at `now_ms`. Raises ValueError that says what is wrong."""
    typed = text.strip()
    if typed in ("now", "."):
        return TimeRange(span_ms)
    if ".." in typed:
        first, _, last = (part.strip() for part in typed.partition(".."))
        start = _moment(first, now_ms, zone)
        end = now_ms if last in ("", "now") else _moment(last, now_ms, zone, start)
        return _between(start, end, now_ms)
    if "+" in typed:
        first, _, length = (part.strip() for part in typed.partition("+"))
        start = _moment(first, now_ms, zone)
        return _between(start, start + _duration(length), now_ms)
    return TimeRange(_duration(typed))


def _between(start: int, end: int, now_ms: int) -> TimeRange:
    if end <= start:
        raise ValueError("the start is not before the end")
    return TimeRange(end - start, None if end == now_ms else end)


def _duration(text: str) -> int:
    try:
        length = parse_duration(text)
    except ValueError:
        raise ValueError(f"{text!r} is no duration like 90m, nor a range like 6h..5h") from None
    if length <= 0:
        raise ValueError("a range needs a length")
    return length


def _moment(text: str, now_ms: int, zone: tzinfo, after_ms: int | None = None) -> int:
    """A moment; a bare time of day is the next one after `after_ms`, else the latest past one."""
    if _UNIX.fullmatch(text):
        return round(float(text) * 1000)
    if found := _DATED.fullmatch(text):
        clock = found[2] or "00:00"
        return _unix(datetime.fromisoformat(f"{found[1]} {clock.zfill(5)}"), zone)
    if _CLOCK.fullmatch(text):
        if int(text.partition(":")[0]) > 23 or int(text.split(":")[1]) > 59:
            raise ValueError(f"{text!r} is no time of day")
        anchor = datetime.fromtimestamp((now_ms if after_ms is None else after_ms) / 1000, zone)
        parts = [int(part) for part in text.split(":")]
        second = parts[2] if len(parts) > 2 else 0
        moment = anchor.replace(hour=parts[0], minute=parts[1], second=second, microsecond=0)
        if after_ms is None and moment > anchor:
            moment -= timedelta(days=1)
        elif after_ms is not None and moment <= anchor:
            moment += timedelta(days=1)
        return round(moment.timestamp() * 1000)
    return now_ms - _duration(text)


def moment_after(text: str, now_ms: int, zone: tzinfo) -> int:
    """The next time of day, or the moment, that `text` names. Raises ValueError."""
    at = _moment(text, now_ms, zone, now_ms)
    if at <= now_ms:
        raise ValueError(f"{text!r} is over")
    return at


def _unix(moment: datetime, zone: tzinfo) -> int:
    return round(moment.replace(tzinfo=zone).timestamp() * 1000)


def zoomed(shown: TimeRange, factor: float, centre_ms: int | None, now_ms: int) -> TimeRange:
    """The range `factor` times as long about `centre_ms`; without a centre the end stays."""
    span = max(round(shown.span_ms * factor), 10_000)
    span = min(span, 10 * 365 * 86_400_000)
    if centre_ms is None:
        return TimeRange(span, shown.end_ms)
    start, end = shown.bounds(now_ms)
    share = (end - centre_ms) / max(end - start, 1)
    new_end = round(centre_ms + span * share)
    return TimeRange(span, None if shown.live and new_end >= now_ms else new_end)


def panned(shown: TimeRange, windows: float, now_ms: int) -> TimeRange:
    """The range moved by that many of its lengths; running into now makes it live."""
    _, end = shown.bounds(now_ms)
    moved = end + round(shown.span_ms * windows)
    return TimeRange(shown.span_ms, None if moved >= now_ms else moved)
