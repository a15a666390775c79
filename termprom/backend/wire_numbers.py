"""Numbers and times as the HTTP API writes them.

    sample value   "0.1" "1e-07" "1e+21" "NaN" "+Inf" "-0"    shortest digits that read back; an
                   exponent only below 1e-6 and from 1e21 on
    timestamp      1435781451.781   milliseconds as seconds: three digits or none
    moment         "2015-07-01T20:10:51.781Z"   RFC 3339; "0001-01-01T00:00:00Z" for never

Source: Prometheus documentation, "HTTP API", and the answers of its server.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
import orjson

from termprom.model.floats import format_float
from termprom.model.values import Mask, Values

NEVER: Final = "0001-01-01T00:00:00Z"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII
)


# --- Values -----------------------------------------------------------------------------------


def format_exponent(value: float) -> str:
    """Shortest digits in exponent form: `1e+00`, `2.5e-01`; `NaN`, `+Inf`, `-Inf`."""
    if not math.isfinite(value):
        return format_float(value)
    # Taken from the shortest digits themselves: rounding to as many digits anew goes to the even
    # neighbour where the exact value lies half way (2**-24), and that one reads back to another.
    sign, digits, place = Decimal(repr(float(value))).normalize().as_tuple()
    assert isinstance(place, int)
    exponent = place + len(digits) - 1 if any(digits) else 0
    fraction = "".join(map(str, digits[1:]))
    point = "." if fraction else ""
    return f"{'-' if sign else ''}{digits[0]}{point}{fraction}e{exponent:+03d}"


def format_value(value: float) -> str:
    """A sample value as text; the slow path, one by one."""
    size = abs(value)
    if size == 0 or not math.isfinite(size) or 1e-6 <= size < 1e21:
        return format_float(value)
    return format_exponent(value)


def value_texts(values: Values) -> list[str]:
    """`format_value` of every cell, in C order, at the speed of one serialiser call."""
    flat = np.ascontiguousarray(values).reshape(-1)
    if not flat.size:
        return []
    # The serialiser writes the shortest digits too, and null for what is not finite. In
    # [1e-5, 1e16) it differs from the API only in the ".0" of whole numbers.
    text = orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1] + b","
    texts = text.replace(b".0,", b",").replace(b"null", b"NaN").decode()[:-1].split(",")
    size = np.abs(flat)
    plain: Mask = ((size >= 1e-5) & (size < 1e16)) | (flat == 0) | np.isnan(flat)
    for number in np.flatnonzero(~plain).tolist():
        texts[number] = format_value(float(flat[number]))
    return texts


def format_seconds(seconds: float) -> float | int:
    """A duration for a JSON number; whole seconds without a fraction."""
    return int(seconds) if seconds == int(seconds) else seconds


# --- Times ------------------------------------------------------------------------------------


def format_timestamp(time_ms: int) -> str:
    """Milliseconds as seconds, exactly: no fraction, or one of three digits."""
    seconds, rest = divmod(abs(time_ms), 1000)
    sign = "-" if time_ms < 0 else ""
    return f"{sign}{seconds}.{rest:03d}" if rest else f"{sign}{seconds}"


def timestamp_texts(times_ms: Iterable[int]) -> list[str]:
    return [format_timestamp(time_ms) for time_ms in times_ms]


def format_moment(time_ms: int) -> str:
    """RFC 3339 in UTC, without trailing zeros; 0 means never."""
    if not time_ms:
        return NEVER
    try:
        moment = _EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:
        return NEVER
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    rest = time_ms % 1000
    return text + (f".{rest:03d}".rstrip("0") if rest else "") + "Z"


def parse_moment(text: str) -> int:
    """Unix milliseconds of RFC 3339 text with any number of digits; 0 for never.

    Raises ValueError.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(f'not an RFC 3339 time: "{text}"')
    day, clock, fraction, zone = found.groups()
    if text == NEVER:
        return 0
    moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone == 'Z' else zone}")
    whole_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    return whole_ms + int(f"{fraction or '0':0<3}"[:3])
