"""Durations as Prometheus writes them: `1h30m`, `15s`, `500ms`, `0`."""

from __future__ import annotations

import re
from typing import Final

_UNITS_MS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_SHAPE: Final = re.compile(
    r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII
)
_PART: Final = re.compile(r"(\d*)(\D*)", re.ASCII)
# A Go duration holds int64 nanoseconds; upstream refuses what does not fit.
_MAX_MS: Final = (2**63 - 1) // 1_000_000


def parse_duration(text: str) -> int:
    """Milliseconds of a Prometheus duration. Raises ValueError in upstream's words."""
    if text == "0":
        return 0
    if text == "":
        raise ValueError("empty duration string")
    found = _SHAPE.fullmatch(text)
    if found is None or any(len(number or "") > 19 for number in found.groups()):
        raise ValueError(_mistake(text))
    total = sum(
        int(number) * unit
        for number, unit in zip(found.groups(), _UNITS_MS.values(), strict=True)
        if number
    )
    if total > _MAX_MS:
        raise ValueError("duration out of range")
    return total


def _mistake(text: str) -> str:
    """Why a text is no duration; units are looked at from the left."""
    for found in _PART.finditer(text):
        number, unit = found.groups()
        if not number or not unit:
            break
        if unit not in _UNITS_MS:
            return f'unknown unit "{unit}" in duration "{text}"'
    return f'not a valid duration string: "{text}"'


def format_duration(milliseconds: int) -> str:
    """The canonical text: years and weeks only when they divide evenly, as upstream."""
    if milliseconds == 0:
        return "0s"
    sign, rest = ("-", -milliseconds) if milliseconds < 0 else ("", milliseconds)
    parts = []
    for unit, size in _UNITS_MS.items():
        count = rest // size
        if not count or (unit in ("y", "w") and rest % size):
            continue
        parts.append(f"{count}{unit}")
        rest -= count * size
    return sign + "".join(parts)
