"""Time.Format: a layout shows the reference moment, Mon Jan 2 15:04:05 MST 2006, as wanted."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from termprom.rules.templates.times import MONTHS, WEEKDAYS, GoTime

# In the order in which the original tries them at one place; the longest form comes first.
_ELEMENT: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|01|02|03|04|05|06|2006|__2|_2(?!006)"
    r"|15|1|2|3|4|5|PM|pm|-070000|-07:00:00|-0700|-07:00|-07|Z070000|Z07:00:00|Z0700|Z07:00|Z07"
    r"|[.,]0+(?!\d)|[.,]9+(?!\d)"
)


def format_time(time: GoTime, layout: str) -> str:
    """The moment in UTC, elements replaced, everything else as it stands."""
    moment = time.civil()
    seconds_seen = False

    def element(found: re.Match[str]) -> str:
        nonlocal seconds_seen
        text = found.group()
        if text[0] in ".,":
            return _fraction(time, text) if seconds_seen else text
        seconds_seen = text in ("05", "5") or seconds_seen
        return _element(moment, text)

    return _ELEMENT.sub(element, layout)


def _fraction(time: GoTime, text: str) -> str:
    """`.000` keeps its digits, `.999` loses trailing zeros."""
    digits = f"{time.fraction_ns:09d}"[: len(text) - 1]
    if text[1] == "0":
        return text[0] + digits
    digits = digits.rstrip("0")
    return text[0] + digits if digits else ""


def _element(moment: datetime, text: str) -> str:
    hour = moment.hour % 12 or 12
    year_day = moment.timetuple().tm_yday
    weekday = WEEKDAYS[moment.isoweekday() % 7]
    month = MONTHS[moment.month - 1]
    half = "PM" if moment.hour >= 12 else "AM"
    if text[0] == "Z":
        return "Z"
    if text[0] == "-":
        return "+" + text[1:].replace("7", "0")
    return {
        "2006": f"{moment.year:04d}",
        "06": f"{moment.year % 100:02d}",
        "January": month,
        "Jan": month[:3],
        "01": f"{moment.month:02d}",
        "1": f"{moment.month}",
        "Monday": weekday,
        "Mon": weekday[:3],
        "02": f"{moment.day:02d}",
        "_2": f"{moment.day:2d}",
        "2": f"{moment.day}",
        "002": f"{year_day:03d}",
        "__2": f"{year_day:3d}",
        "15": f"{moment.hour:02d}",
        "03": f"{hour:02d}",
        "3": f"{hour}",
        "04": f"{moment.minute:02d}",
        "4": f"{moment.minute}",
        "05": f"{moment.second:02d}",
        "5": f"{moment.second}",
        "PM": half,
        "pm": half.lower(),
        "MST": "UTC",
    }[text]
