"""Parts of a date, UTC, proleptic Gregorian, for any int64 second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from termprom.model.values import Ints, Values

_DAY = 86_400
_INT64_MIN = -(2**63)
# The original counts seconds from a year far before Christ, unsigned; what lies before it wraps.
_ABSOLUTE = 9_223_372_028_715_321_600
_DAYS_BEFORE_MONTH = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
_DAYS_IN_MONTH = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def whole_seconds(values: Values) -> Ints:
    """Truncated towards zero; what does not fit becomes the smallest int64, as on amd64."""
    fits = np.abs(values) < 2.0**63
    seconds = np.where(fits, values, 0.0).astype(np.int64)
    return np.where(fits, seconds, _INT64_MIN)


def _absolute(seconds: Ints) -> NDArray[np.uint64]:
    return seconds.astype(np.int64).view(np.uint64) + np.uint64(_ABSOLUTE)


def _days(seconds: Ints) -> Ints:
    """Whole days since the epoch."""
    return (_absolute(seconds) // np.uint64(_DAY)).astype(np.int64) - _ABSOLUTE // _DAY


def _second_of_day(seconds: Ints) -> Ints:
    return (_absolute(seconds) % np.uint64(_DAY)).astype(np.int64)


def _civil(seconds: Ints) -> tuple[Ints, Ints, Ints]:
    """(year, month 1..12, day 1..31). Howard Hinnant's days-to-civil algorithm."""
    days = _days(seconds) + 719_468
    era = days // 146_097
    day_of_era = days - era * 146_097
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = np.where(shifted_month < 10, shifted_month + 3, shifted_month - 9)
    year = year_of_era + era * 400 + (month <= 2)
    return year, month, day


def _is_leap(year: Ints) -> Ints:
    leap: Ints = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return leap


def _year(seconds: Ints) -> Ints:
    return _civil(seconds)[0]


def _month(seconds: Ints) -> Ints:
    return _civil(seconds)[1]


def _day_of_month(seconds: Ints) -> Ints:
    return _civil(seconds)[2]


def _day_of_year(seconds: Ints) -> Ints:
    year, month, day = _civil(seconds)
    return _DAYS_BEFORE_MONTH[month - 1] + day + (_is_leap(year) & (month > 2))


def _days_in_month(seconds: Ints) -> Ints:
    year, month, _ = _civil(seconds)
    days: Ints = _DAYS_IN_MONTH[month - 1] + (_is_leap(year) & (month == 2))
    return days


def _day_of_week(seconds: Ints) -> Ints:
    # The epoch was a Thursday.
    day: Ints = (_days(seconds) + 4) % 7
    return day


def _hour(seconds: Ints) -> Ints:
    return _second_of_day(seconds) // 3600


def _minute(seconds: Ints) -> Ints:
    return _second_of_day(seconds) % 3600 // 60


PARTS: Final[dict[str, Callable[[Ints], Ints]]] = {
    "year": _year,
    "month": _month,
    "day_of_month": _day_of_month,
    "day_of_year": _day_of_year,
    "days_in_month": _days_in_month,
    "day_of_week": _day_of_week,
    "hour": _hour,
    "minute": _minute,
}
