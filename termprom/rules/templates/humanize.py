"""Numbers for people: the humanize family, and times and durations out of numbers."""

from __future__ import annotations

import math
from typing import Final

from termprom.rules.templates.failure import FunctionFailure
from termprom.rules.templates.numbers import general, parse_float, shortest
from termprom.rules.templates.times import NS_PER_SECOND, GoDuration, GoTime
from termprom.rules.templates.values import Value, is_absent, type_name

_LARGE: Final = "kMGTPEZY"
_SMALL: Final = "munpfazy"
_BINARY: Final = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_INT64_MIN: Final = -(2**63)
_NS_PER_MS: Final = 1_000_000


def to_float(value: Value) -> float:
    """The number that an argument stands for. Raises FunctionFailure for what is none."""
    if type(value) is str:
        return parse_float(value)
    if isinstance(value, GoDuration) and not value.pointer:
        return value.ns / NS_PER_SECOND
    # Only these: a Month or a byte is an integer and yet refused, as in the original.
    if type(value) in (int, float):
        return float(value)
    name = "<nil>" if is_absent(value) else type_name(value)
    raise FunctionFailure(f"can't convert {name} to float")


def humanize(value: Value) -> str:
    """A metric prefix for every thousand."""
    number = to_float(value)
    if number == 0 or not math.isfinite(number):
        return general(number)
    if abs(number) < 1:
        return _scaled_up(number)
    prefix = ""
    for one in _LARGE:
        if abs(number) < 1000:
            break
        prefix = one
        number /= 1000
    return general(number) + prefix


def _scaled_up(number: float) -> str:
    prefix = ""
    for one in _SMALL:
        if abs(number) >= 1:
            break
        prefix = one
        number *= 1000
    return general(number) + prefix


def humanize_1024(value: Value) -> str:
    """A binary prefix for every 1024."""
    number = to_float(value)
    if abs(number) <= 1 or not math.isfinite(number):
        return general(number)
    prefix = ""
    for one in _BINARY:
        if abs(number) < 1024:
            break
        prefix = one
        number /= 1024
    return general(number) + prefix


def humanize_duration(value: Value) -> str:
    """Seconds as days, hours, minutes and seconds, or with a prefix below one."""
    number = to_float(value)
    if not math.isfinite(number):
        return general(number)
    if number == 0:
        return "0s"
    if abs(number) < 1:
        return _scaled_up(number) + "s"
    sign, number = ("-", -number) if number < 0 else ("", number)
    # What does not fit int64 becomes its minimum, and so do all the parts of it.
    whole, part_sign = (int(number), 1) if number < -_INT64_MIN else (-_INT64_MIN, -1)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    days, hours, minutes, seconds = (part_sign * n for n in (days, hours, minutes, seconds))
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    if minutes:
        return f"{sign}{minutes}m {seconds}s"
    return f"{sign}{general(number)}s"


def humanize_percentage(value: Value) -> str:
    return general(to_float(value) * 100) + "%"


def humanize_timestamp(value: Value) -> str:
    number = to_float(value)
    return str(_moment(number)) if math.isfinite(number) else general(number)


def to_time(value: Value) -> GoTime:
    """The moment so many seconds after 1970, cut to milliseconds."""
    number = to_float(value)
    if not math.isfinite(number):
        raise FunctionFailure("value is NaN or Inf")
    return _moment(number)


def _moment(seconds: float) -> GoTime:
    ns = seconds * 1e9
    if not _INT64_MIN <= ns < -_INT64_MIN:
        raise FunctionFailure(
            f"{shortest(seconds)} cannot be represented as a nanoseconds timestamp "
            "since it overflows int64"
        )
    cut_ms = abs(int(ns)) // _NS_PER_MS
    return GoTime((-cut_ms if ns < 0 else cut_ms) * _NS_PER_MS, pointer=True)


def to_duration(value: Value) -> GoDuration:
    ns = to_float(value) * 1e9
    # What the conversion of the original gives on amd64 for all that does not fit.
    fits = math.isfinite(ns) and _INT64_MIN <= ns < -_INT64_MIN
    return GoDuration(int(ns) if fits else _INT64_MIN, pointer=True)
