"""Go's numbers as text: reading literals and the arguments of number functions, printing floats."""

from __future__ import annotations

import math
import re
from typing import Final

from termprom.rules.templates.failure import FunctionFailure
from termprom.rules.templates.quoting import go_quote

_INT64: Final = range(-(2**63), 2**63)
_UINT64_MAX: Final = 2**64 - 1

_INTEGER: Final = re.compile(
    r"([+-]?)(?:0[xX](_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)|0[bB](_?[01]+(?:_[01]+)*)"
    r"|0[oO]?(_?[0-7]+(?:_[0-7]+)*)|([1-9][0-9]*(?:_[0-9]+)*|0))"
)
_BASES: Final = (16, 2, 8, 10)
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_HEX: Final = re.compile(
    r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?\d+", re.ASCII
)
_SPECIAL: Final = re.compile(r"[+-]?(?:inf(?:inity)?|nan)", re.IGNORECASE | re.ASCII)
_STRAY: Final = re.compile(r"^_|__|_$|_[^0-9a-fA-F]|[^0-9a-fA-FxX]_")


def parse_int(text: str) -> int | None:
    """The integer of a Go literal with any base prefix, of any size; None when it is none."""
    found = _INTEGER.fullmatch(text)
    if found is None:
        return None
    sign, *digits = found.groups()
    value = next(
        int(one.replace("_", ""), base)
        for one, base in zip(digits, _BASES, strict=True)
        if one is not None
    )
    return -value if sign == "-" else value


def as_int64(value: int | None) -> int | None:
    return value if value is not None and value in _INT64 else None


def as_uint64(text: str, value: int | None) -> int | None:
    """Unsigned literals carry no sign, except for zero."""
    if value is None or not 0 <= value <= _UINT64_MAX:
        return None
    return value if value == 0 or text[0] not in "+-" else None


def parse_float_literal(text: str) -> float | None:
    """A Go float literal, underscores between digits included; None when it is none.

    Infinite when it is too large: the caller says whether that is an error.
    """
    if "_" in text:
        if _STRAY.search(text):
            return None
        text = text.replace("_", "")
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _HEX.fullmatch(text):
        try:
            return float.fromhex(text)
        except OverflowError:
            return math.inf
    return None


def parse_float(text: str) -> float:
    """What strconv.ParseFloat reads. Raises FunctionFailure in its words."""
    if _SPECIAL.fullmatch(text):
        return float(text)
    value = parse_float_literal(text)
    if value is None:
        raise FunctionFailure(f"strconv.ParseFloat: parsing {go_quote(text)}: invalid syntax")
    if math.isinf(value):
        raise FunctionFailure(f"strconv.ParseFloat: parsing {go_quote(text)}: value out of range")
    return value


# --- Printing ---------------------------------------------------------------------------------


def special(value: float) -> str:
    """NaN and the infinities; empty for other values."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return ""


def shortest(value: float) -> str:
    """%v of a float64: shortest digits that read back, an exponent below 1e-4 and from 1e6 on."""
    if special(value):
        return special(value)
    sign, digits, point = _decimal(value)
    if not -4 <= point - 1 < 6:
        return sign + _scientific(digits, point - 1)
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if len(digits) <= point:
        return sign + digits + "0" * (point - len(digits))
    return f"{sign}{digits[:point]}.{digits[point:]}"


def shortest_scientific(value: float) -> str:
    """%e with as many digits as needed."""
    if special(value):
        return special(value)
    sign, digits, point = _decimal(value)
    return sign + _scientific(digits, point - 1)


def _scientific(digits: str, exponent: int) -> str:
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _decimal(value: float) -> tuple[str, str, int]:
    """(sign, shortest digits d1d2..., where the point stands): value = 0.d1d2... x 10^point."""
    text = repr(abs(value))
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + ("" if fraction == "0" else fraction)
    point = len(whole) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    stripped = stripped.rstrip("0")
    return (sign, stripped, point) if stripped else (sign, "0", 1)


def general(value: float, precision: int = 4) -> str:
    """%.4g, with Go's names for what is not a number."""
    return special(value) or f"{value:.{precision}g}"
