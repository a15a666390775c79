"""The grammar of request parameters: text to times, durations, limits, switches.

Every function raises ValueError in upstream's words; the handler adds the parameter's name.
Source: Prometheus documentation, "HTTP API", and the answers of its server.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from termprom.model.durations import parse_duration
from termprom.model.floats import parse_float

# What stands for "from the beginning" and "to the end" where a range is left open.
MIN_TIME_MS: Final = -9_223_309_901_257_974_000
MAX_TIME_MS: Final = 9_223_309_901_257_974_999

_MIN_TEXT: Final = "-292273086-05-16T16:47:06Z"
_MAX_TEXT: Final = "292277025-08-18T07:12:54.999999999Z"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_HEX_FLOAT: Final = re.compile(
    r"[+-]?0x_?(?:[0-9a-f](?:_?[0-9a-f])*\.?(?:[0-9a-f](?:_?[0-9a-f])*)?|\.[0-9a-f](?:_?[0-9a-f])*)"
    r"p[+-]?\d+",
    re.I | re.ASCII,
)
_INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)
_INT64_MAX: Final = 2**63 - 1
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def parse_number(text: str) -> float:
    """A float in Go's syntax: decimal, exponent, hexadecimal, NaN, Inf."""
    if _HEX_FLOAT.fullmatch(text):
        return float.fromhex(text.replace("_", ""))
    return parse_float(text)


def parse_time(text: str) -> int:
    """Unix milliseconds, at the server's limits where the text is beyond them."""
    try:
        seconds = parse_number(text)
    except ValueError:
        return _parse_moment(text)
    except OverflowError:
        seconds = math.inf
    if math.isnan(seconds):
        raise ValueError(f"cannot parse {_quoted(text)} to a valid timestamp")
    if abs(seconds) * 1000 >= MAX_TIME_MS:
        return MAX_TIME_MS if seconds > 0 else MIN_TIME_MS
    fraction, whole = math.modf(seconds)
    # Half away from zero, as upstream rounds; Python's round() goes to the even neighbour.
    return int(whole) * 1000 + int(math.copysign(math.floor(abs(fraction) * 1000 + 0.5), fraction))


def _parse_moment(text: str) -> int:
    if text == _MIN_TEXT:
        return MIN_TIME_MS
    if text == _MAX_TEXT:
        return MAX_TIME_MS
    found = _RFC3339.fullmatch(text)
    try:
        if found is None:
            raise ValueError("not RFC 3339")
        zone = "+00:00" if found[3] == "Z" else found[3]
        moment = datetime.fromisoformat(found[1] + zone)
    except ValueError:
        raise ValueError(f"cannot parse {_quoted(text)} to a valid timestamp") from None
    whole = (moment - _EPOCH) // timedelta(milliseconds=1)
    return whole + int(f"{found[2] or '0':0<3}"[:3])


def parse_step(text: str) -> int:
    """Nanoseconds of a duration: a number of seconds, or Prometheus's own `1h30m`."""
    try:
        seconds = parse_number(text)
    except OverflowError:
        seconds = math.inf
    except ValueError:
        try:
            return parse_duration(text) * 1_000_000
        except ValueError:
            raise ValueError(f"cannot parse {_quoted(text)} to a valid duration") from None
    nanoseconds = seconds * 1e9
    if not abs(nanoseconds) <= _INT64_MAX:
        raise ValueError(f"cannot parse {_quoted(text)} to a valid duration. It overflows int64")
    return int(nanoseconds)


def parse_limit(text: str) -> int:
    """0 means no limit."""
    if text == "":
        return 0
    number = parse_integer(text)
    if number < 0:
        raise ValueError("limit must be non-negative")
    return number


def parse_integer(text: str) -> int:
    """A decimal int64 as Go's Atoi reads it."""
    # Twenty digits are beyond int64 anyhow; Python refuses to convert thousands of them.
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(f"strconv.Atoi: parsing {_quoted(text)}: invalid syntax")
    digits = text.lstrip("+-0") or "0"
    if len(digits) > 19 or int(digits) > _INT64_MAX:
        raise ValueError(f"strconv.Atoi: parsing {_quoted(text)}: value out of range")
    return -int(digits) if text.startswith("-") else int(digits)


def parse_bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {_quoted(text)}: invalid syntax")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
