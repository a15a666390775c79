"""What number, duration and string literals mean."""

from __future__ import annotations

import math
import re
from typing import Final

from termprom.model.durations import parse_duration

_HEX: Final = re.compile(r"0[xX]_?[0-9a-fA-F](?:_?[0-9a-fA-F])*")
_OCTAL: Final = re.compile(r"0(?:_?[0-7])+")
_INT64_MAX: Final = 2**63 - 1
_ESCAPE: Final = re.compile(
    r"\\(?:([abfnrtv\\\"'])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))"
)
_SHORT: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
}


def number_value(text: str) -> float:
    """The value of a number token; `017` is octal. Raises ValueError in upstream's words."""
    low = text.lower()
    if low in ("inf", "nan"):
        return math.inf if low == "inf" else math.nan
    if _HEX.fullmatch(text) is not None:
        value = int(text.replace("_", ""), 16)
        if value > _INT64_MAX:
            raise ValueError(
                f'error parsing number: strconv.ParseFloat: parsing "{text}": invalid syntax'
            )
        return float(value)
    if _OCTAL.fullmatch(text) is not None:
        value = int(text.replace("_", ""), 8)
        if value <= _INT64_MAX:
            return float(value)
    try:
        number = float(text)  # which allows `_` where Go does: between digits
    except ValueError as problem:
        raise ValueError(
            f'error parsing number: strconv.ParseFloat: parsing "{text}": invalid syntax'
        ) from problem
    if math.isinf(number):
        raise ValueError(
            f'error parsing number: strconv.ParseFloat: parsing "{text}": value out of range'
        )
    return number


def duration_seconds(text: str) -> float:
    """The value of a duration token in seconds. Raises ValueError in upstream's words."""
    milliseconds = parse_duration(text)
    return milliseconds / 1000


def string_value(text: str) -> str:
    """The text that a string token stands for; bytes that are no UTF-8 are lone surrogates."""
    body = text[1:-1]
    if text[0] == "`" or "\\" not in body:
        return body
    raw = bytearray()
    at = 0
    for found in _ESCAPE.finditer(body):
        raw += body[at : found.start()].encode()
        at = found.end()
        short, octal, byte, four, eight = found.groups()
        if short is not None:
            raw += _SHORT[short].encode()
        elif octal is not None:
            raw.append(int(octal, 8))
        elif byte is not None:
            raw.append(int(byte, 16))
        else:
            raw += chr(int(four or eight, 16)).encode()
    raw += body[at:].encode()
    return raw.decode(errors="surrogateescape")


def presentable(text: str) -> str:
    """`text` with U+FFFD where bytes are no UTF-8, as JSON shows them."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def is_label_name(text: str) -> bool:
    """Whether a string may name a label: anything but nothing and broken UTF-8."""
    # Lone surrogates are what raw bytes of an escape become.
    return bool(text) and not any("\ud800" <= character <= "\udfff" for character in text)
