"""Where numbers, durations and strings end, and what is wrong with those that do not.

Source: reference 1.2 to 1.4.
"""

from __future__ import annotations

import re
from typing import Final

_DECIMAL: Final = "0123456789"
_HEXADECIMAL: Final = "0123456789abcdefABCDEF"
_DIGITS: Final = re.compile(r"[0-9]+")
_ALPHANUMERIC: Final = re.compile(r"[A-Za-z0-9_]")
# The original takes its own sign for bytes that are no UTF-8 for such bytes.
BROKEN: Final = re.compile(r"[\ufffd\ud800-\udfff]")


def scan_number(source: str, at: int) -> tuple[int, bool]:
    """Where the number at `at` ends, and whether it is one: nothing alphanumeric may follow.

    Takes in more than is a number, as the original does, and leaves it to the reading of its value
    to say so: `.5.5`, `1_` and `0x1e+5` are numbers here. Source: reference 1.2.
    """
    digits = _DECIMAL
    if source.startswith(("0x", "0X"), at):
        at += 3 if source.startswith("_", at + 2) else 2
        digits = _HEXADECIMAL
    at += source.startswith(".", at)
    at += source[at : at + 1] in tuple(digits)
    seen = ""
    while at < len(source):
        char, after = source[at], source[at + 1 : at + 2]
        match char:
            case "." | "e" | "E":
                kind = char.lower()
                at += 1
                if kind in seen:
                    return at, False
                seen += kind
                if kind == "e" and after in ("+", "-"):
                    at += 1
                    after = source[at : at + 1]
                if after and after in ("_." if kind == "." else "._eE"):
                    return at + 1, False
                if (kind == "." and digits is _HEXADECIMAL) or (kind == "e" and not after):
                    return at, False
            case "_":
                at += 1
                if not after or after in "._eE":
                    return at + len(after), False
            case _ if char in digits:
                while source[at : at + 1] in tuple(digits):
                    at += 1
            case _:
                break
    return at, _ALPHANUMERIC.match(source, at) is None


def scan_duration(source: str, at: int) -> tuple[int, bool]:
    """What follows the first digits of a duration: `m30s` of `5m30s`."""
    units = "smhdwy"
    while True:
        if source[at : at + 1] not in tuple(units):
            return at, False
        at += 1
        if source.startswith("s", at):
            at += 1
        more = _DIGITS.match(source, at)
        if more is None:
            break
        at = more.end()
        units = "smhdw"
    if _ALPHANUMERIC.match(source, at) is not None:
        return at + 1, False
    return at, True


_ESCAPE_DIGITS: Final = {"x": (2, 16, 255), "u": (4, 16, 0x10FFFF), "U": (8, 16, 0x10FFFF)}


def mistake_in_string(source: str, at: int) -> str | None:
    """Why the quoted string at `at` is no string; None where it is one."""
    quote = source[at]
    at += 1
    while True:
        char = source[at : at + 1]
        if char in ("", "\n"):
            return "unterminated quoted string"
        if BROKEN.match(char):
            return "invalid UTF-8 rune"
        at += 1
        if char == quote:
            return None
        if char == "\\":
            at, mistake = _escape(source, at, quote)
            if mistake is not None:
                return mistake


def _escape(source: str, at: int, quote: str) -> tuple[int, str | None]:
    """The end of the escape sequence whose backslash is before `at`, or what is wrong with it."""
    char = source[at : at + 1]
    if char == "":
        return at, "escape sequence not terminated"
    if char in "abfnrtv\\" or char == quote:
        return at + 1, None
    if char in "01234567":
        count, base, largest = 3, 8, 255
    elif char in _ESCAPE_DIGITS:
        count, base, largest = _ESCAPE_DIGITS[char]
        at += 1
    else:
        return at, f"unknown escape sequence {_code_point(char)}"
    value = 0
    for _ in range(count):
        digit = source[at : at + 1]
        if digit == "":
            return at, "escape sequence not terminated"
        if digit not in "0123456789abcdefABCDEF" or int(digit, 16) >= base:
            return at, f"illegal character {_code_point(digit)} in escape sequence"
        value = value * base + int(digit, 16)
        at += 1
    if value > largest or (0xD800 <= value < 0xE000 and largest > 255):
        return at, "escape sequence is an invalid Unicode code point"
    return at, None


def _code_point(char: str) -> str:
    """A character as Go's %#U writes it."""
    return f"U+{ord(char):04X}" + (f" '{char}'" if char.isprintable() else "")
