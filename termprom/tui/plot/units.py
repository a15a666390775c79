"""Units of values: how a number is written for people, and what an expression's result measures.

The unit comes from the metric name's suffix and from what the expression does to it: `rate` of
bytes is bytes per second, `rate` of seconds is a plain share of time, a quotient of equals is a
ratio. What is not known is a plain number with SI prefixes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """Families of units; each has its own prefixes."""

    NUMBER = "number"  # SI prefixes: 1.2k
    SECONDS = "seconds"  # 1.2 s, 3 ms, 2 h
    BYTES = "bytes"  # IEC prefixes: 1.5 MiB
    RATIO = "ratio"  # 0.05 is 5 %
    PERCENT = "percent"  # 5 is 5 %
    MOMENT = "moment"  # Unix seconds


@dataclass(frozen=True, slots=True)
class Unit:
    """`suffix` follows the prefix: `/s`, `B/s` of a plain number, `°C`."""

    kind: Kind = Kind.NUMBER
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Prefix:
    """One way to write numbers of a unit: value / divisor, then `text`."""

    divisor: float
    text: str


PLAIN: Final = Unit()

_SI: Final = (
    (1e15, "P"),
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
    (1e-9, "n"),
)
_IEC: Final = (
    (2.0**50, "PiB"),
    (2.0**40, "TiB"),
    (2.0**30, "GiB"),
    (2.0**20, "MiB"),
    (2.0**10, "KiB"),
    (1.0, "B"),
)
_TIME: Final = (
    (86_400.0, "d"),
    (3_600.0, "h"),
    (60.0, "min"),
    (1.0, "s"),
    (1e-3, "ms"),
    (1e-6, "µs"),
    (1e-9, "ns"),
)
# A day as "24 h" and an hour as "60 min" read worse than 1 d and 1 h; 90 s reads better than 1.5 m.
_TIME_FROM: Final = {86_400.0: 2 * 86_400.0, 3_600.0: 2 * 3_600.0, 60.0: 120.0}


def prefix_for(unit: Unit, magnitude: float) -> Prefix:
    """The prefix that suits numbers up to `magnitude`, so that they have one to four digits."""
    size = abs(magnitude)
    match unit.kind:
        case Kind.RATIO:
            return Prefix(0.01, " %" + unit.suffix)
        case Kind.PERCENT:
            return Prefix(1.0, " %" + unit.suffix)
        case Kind.BYTES:
            divisor, name = _first(_IEC, size, 1.0)
            return Prefix(divisor, f" {name}{unit.suffix}")
        case Kind.SECONDS:
            divisor, name = _first(_TIME, size, 1.0)
            return Prefix(divisor, f" {name}{unit.suffix}")
        case Kind.MOMENT:
            return Prefix(1.0, "")
        case _:
            # Below one, milli-requests confuse more than 0.004 does; only tiny numbers get them.
            divisor, name = (1.0, "") if 1e-3 <= size < 1e3 else _first(_SI, size, 1.0)
            return Prefix(divisor, name + unit.suffix)


def _first(steps: tuple[tuple[float, str], ...], size: float, unscaled: float) -> tuple[float, str]:
    if size == 0 or not math.isfinite(size):
        return next(step for step in steps if step[0] == unscaled)
    for divisor, name in steps:
        if size >= _TIME_FROM.get(divisor, divisor):
            return divisor, name
    return steps[-1]


def format_value(value: float, unit: Unit = PLAIN) -> str:
    """`value` with three significant digits and its unit: `4.90 %`, `1.21k`, `1.50 GiB/s`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if unit.kind is Kind.MOMENT:
        return format_moment(value)
    prefix = prefix_for(unit, value)
    text = significant(value / prefix.divisor)
    # 999.7 k rounds up to 1000 k: the next prefix then says it shorter.
    if text.lstrip("-") == "1000" and unit.kind in (Kind.NUMBER, Kind.SECONDS):
        prefix = prefix_for(unit, value * 1.001)
        text = significant(value / prefix.divisor)
    return text + prefix.text


def significant(value: float, digits: int = 3) -> str:
    """`value` in fixed notation with about `digits` significant digits; whole numbers stay whole.

    Zero is "0". Numbers too small or too large for that get an exponent.
    """
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e6 or size < 1e-4:
        return f"{value:.{digits - 1}e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    if size < 10**digits and abs(value - round(value)) < 1e-9 * size:
        return str(round(value))
    whole = max(math.floor(math.log10(size)) + 1, 1) if size >= 1 else 1
    places = max(digits - whole, 0)
    if size < 1:  # 0.0123 keeps two significant digits beyond the zeros
        places = min(digits - 1 - math.floor(math.log10(size)) - 1, 6)
    return f"{value:.{max(places, 0)}f}"


def format_moment(seconds: float) -> str:
    """A Unix time as a date, `2026-05-02 12:04:31Z`; other numbers stay numbers."""
    if not 1e8 <= seconds < 1e11:
        return significant(seconds)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
