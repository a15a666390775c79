"""The methods of times and durations that templates may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from termprom.rules.templates.failure import FunctionFailure
from termprom.rules.templates.function import Function, Type
from termprom.rules.templates.time_layout import format_time
from termprom.rules.templates.times import (
    NS_PER_SECOND,
    GoDuration,
    GoTime,
    NamedInt,
    add_date,
    round_to,
)
from termprom.rules.templates.values import Value

_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
_YEAR_ONE_NS: Final = -62_135_596_800 * NS_PER_SECOND  # where Go's time begins


def _clamped(ns: int) -> int:
    return max(_INT64_MIN, min(ns, _INT64_MAX))


def _moved(time: GoTime, ns: int) -> GoTime:
    moment = GoTime(time.ns + ns)
    _check(moment)
    return moment


def _check(time: GoTime) -> None:
    """Years 1 to 9999 can be printed; the original goes further, alerts do not."""
    try:
        time.civil()
    except OverflowError as problem:
        raise FunctionFailure("time out of range") from problem


def _dated(time: GoTime, years: int, months: int, days: int) -> GoTime:
    try:
        moved = add_date(time, years, months, days)
    except OverflowError as problem:
        raise FunctionFailure(str(problem)) from problem
    _check(moved)
    return GoTime(moved.ns)


def _truncated(time: GoTime, step: int, *, nearest: bool) -> GoTime:
    """Down to a multiple of `step` since the year 1, or to the nearest one, halves up."""
    if step <= 0:
        return GoTime(time.ns)
    rest = (time.ns - _YEAR_ONE_NS) % step
    up = nearest and rest * 2 >= step
    return _moved(time, step - rest if up else -rest)


def _plain(call: Callable[[GoTime], Value]) -> Callable[[GoTime], Function]:
    return lambda time: Function(lambda: call(time))


def _with(call: Callable[..., Value], *parameters: Type) -> Callable[[GoTime], Function]:
    return lambda time: Function(lambda *values: call(time, *values), parameters)


_TIME: Final[Mapping[str, Callable[[GoTime], Function]]] = {
    "String": _plain(str),
    "Unix": _plain(lambda time: time.ns // NS_PER_SECOND),
    "UnixMilli": _plain(lambda time: time.ns // 1_000_000),
    "UnixMicro": _plain(lambda time: time.ns // 1_000),
    "UnixNano": _plain(lambda time: time.ns),
    "Year": _plain(lambda time: time.civil().year),
    "Month": _plain(lambda time: NamedInt.month(time.civil().month)),
    "Day": _plain(lambda time: time.civil().day),
    "Hour": _plain(lambda time: time.civil().hour),
    "Minute": _plain(lambda time: time.civil().minute),
    "Second": _plain(lambda time: time.civil().second),
    "Nanosecond": _plain(lambda time: time.fraction_ns),
    "Weekday": _plain(lambda time: NamedInt.weekday(time.civil().isoweekday() % 7)),
    "YearDay": _plain(lambda time: time.civil().timetuple().tm_yday),
    "UTC": _plain(lambda time: GoTime(time.ns)),
    "IsZero": _plain(lambda time: time.ns == _YEAR_ONE_NS),
    "Format": _with(format_time, Type.STRING),
    "Add": _with(lambda time, duration: _moved(time, duration.ns), Type.DURATION),
    "AddDate": _with(_dated, Type.INT, Type.INT, Type.INT),
    "Sub": _with(lambda time, other: GoDuration(_clamped(time.ns - other.ns)), Type.TIME),
    "Before": _with(lambda time, other: time.ns < other.ns, Type.TIME),
    "After": _with(lambda time, other: time.ns > other.ns, Type.TIME),
    "Equal": _with(lambda time, other: time.ns == other.ns, Type.TIME),
    "Truncate": _with(lambda time, by: _truncated(time, by.ns, nearest=False), Type.DURATION),
    "Round": _with(lambda time, by: _truncated(time, by.ns, nearest=True), Type.DURATION),
}

# Methods that exist but that a template may not call, with what it is told then.
_UNCALLABLE: Final = {
    "Date": "function Date has 3 return values; should be 1 or 2",
    "Clock": "function Clock has 3 return values; should be 1 or 2",
    "ISOWeek": (
        "invalid function signature for ISOWeek: second return value should be error; is int"
    ),
}


def _quotient(ns: int, size: int) -> int:
    """Towards zero, as integers divide in Go."""
    return ns // size if ns >= 0 else -(-ns // size)


def _in_units(ns: int, size: int) -> float:
    whole = _quotient(ns, size)
    return whole + (ns - whole * size) / size


def method_of(value: Value, name: str) -> Function | str | None:
    """The method of a value; a text says why it cannot be called, None that there is none."""
    if isinstance(value, GoTime):
        return _TIME[name](value) if name in _TIME else _UNCALLABLE.get(name)
    if isinstance(value, GoDuration):
        return _duration_method(value.ns, name)
    if isinstance(value, NamedInt) and name == "String":
        return Function(lambda: value.text)
    return None


def _duration_method(ns: int, name: str) -> Function | None:
    match name:
        case "String":
            return Function(lambda: str(GoDuration(ns)))
        case "Seconds":
            return Function(lambda: _in_units(ns, NS_PER_SECOND))
        case "Minutes":
            return Function(lambda: _in_units(ns, 60 * NS_PER_SECOND))
        case "Hours":
            return Function(lambda: _in_units(ns, 3600 * NS_PER_SECOND))
        case "Milliseconds":
            return Function(lambda: _quotient(ns, 1_000_000))
        case "Microseconds":
            return Function(lambda: _quotient(ns, 1_000))
        case "Nanoseconds":
            return Function(lambda: ns)
        case "Abs":
            return Function(lambda: GoDuration(_clamped(abs(ns))))
        case "Round" | "Truncate":

            def rounded(by: GoDuration) -> GoDuration:
                return GoDuration(_clamped(round_to(ns, by.ns, up=name == "Round")))

            return Function(rounded, (Type.DURATION,))
        case _:
            return None
