"""Go's time.Time and time.Duration as far as templates reach them. All times are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

NS_PER_SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS: Final = (
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
)


class NamedInt(int):
    """An integer that prints as a word: time.Month, time.Weekday."""

    type_name: str
    text: str

    @classmethod
    def month(cls, number: int) -> NamedInt:
        return cls._named(number, "time.Month", MONTHS[number - 1])

    @classmethod
    def weekday(cls, number: int) -> NamedInt:
        return cls._named(number, "time.Weekday", WEEKDAYS[number])

    @classmethod
    def _named(cls, number: int, type_name: str, text: str) -> NamedInt:
        made = cls(number)
        made.type_name, made.text = type_name, text
        return made


@dataclass(frozen=True, slots=True)
class GoDuration:
    """Nanoseconds; `pointer` tells *time.Duration from time.Duration."""

    ns: int
    pointer: bool = False

    @property
    def type_name(self) -> str:
        return "*time.Duration" if self.pointer else "time.Duration"

    def __str__(self) -> str:
        return format_duration(self.ns)


@dataclass(frozen=True, slots=True)
class GoTime:
    """Nanoseconds since 1970; `pointer` tells *time.Time from time.Time."""

    ns: int
    pointer: bool = False

    @property
    def type_name(self) -> str:
        return "*time.Time" if self.pointer else "time.Time"

    @property
    def fraction_ns(self) -> int:
        return self.ns % NS_PER_SECOND

    def civil(self) -> datetime:
        """The moment in UTC, whole seconds.

        int64 nanoseconds reach from 1677 to 2262, well inside of what datetime can hold.
        """
        return _EPOCH + timedelta(seconds=self.ns // NS_PER_SECOND)

    def __str__(self) -> str:
        moment = self.civil()
        fraction = f"{self.fraction_ns:09d}".rstrip("0")
        dot = f".{fraction}" if fraction else ""
        return f"{moment:%Y-%m-%d %H:%M:%S}{dot} +0000 UTC"


def format_duration(ns: int) -> str:
    """`1m30s`, `1.5s`, `1.5µs`, `0s`: Go's Duration.String."""
    if ns == 0:
        return "0s"
    sign, rest = ("-", -ns) if ns < 0 else ("", ns)
    for limit, unit in ((1_000, "ns"), (1_000_000, "µs"), (NS_PER_SECOND, "ms")):
        if rest < limit:
            size = limit // 1000
            return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, rest = divmod(rest, 60 * NS_PER_SECOND)
    text = f"{_decimal(rest, NS_PER_SECOND)}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{minutes}m{text}"
        if hours:
            text = f"{hours}h{text}"
    return sign + text


def _decimal(value: int, size: int) -> str:
    """`value` / `size` without trailing zeros; `size` is a power of ten."""
    whole, fraction = divmod(value, size)
    digits = f"{fraction:0{len(str(size)) - 1}d}".rstrip("0") if size > 1 else ""
    return f"{whole}.{digits}" if digits else str(whole)


def add_date(time: GoTime, years: int, months: int, days: int) -> GoTime:
    """Calendar arithmetic that carries over, as Go's AddDate: 31 October + 1 month is 1 December.

    Raises OverflowError where the result cannot be held.
    """
    moment = time.civil()
    month = moment.year * 12 + moment.month - 1 + years * 12 + months
    try:
        first = date(month // 12, month % 12 + 1, 1).toordinal()
    except ValueError as problem:
        raise OverflowError("time out of range") from problem
    day = first + moment.day - 1 + days - _EPOCH.toordinal()
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return GoTime((day * 86_400 + seconds) * NS_PER_SECOND + time.fraction_ns, time.pointer)


def round_to(ns: int, step: int, *, up: bool) -> int:
    """`ns` towards zero to a multiple of `step`; to the nearest one, halves away, when `up`."""
    if step <= 0:
        return ns
    sign = -1 if ns < 0 else 1
    size = abs(ns)
    rest = size % step
    size -= rest
    if up and rest * 2 >= step:
        size += step
    return sign * size
