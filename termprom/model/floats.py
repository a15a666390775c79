"""Floats as text, digit for digit as the original prints and reads them."""

from __future__ import annotations

import math
import re
from typing import Final

_NUMBER: Final = re.compile(
    r"[+-]?(?:inf(?:inity)?|nan|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?\d+)?)", re.I | re.ASCII
)


def format_float(value: float) -> str:
    """Shortest digits that read back to `value`, without an exponent (Go's 'f' with -1)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(float(value))
    if "e" not in text:
        return text[:-2] if text.endswith(".0") else text
    digits, _, exponent_text = text.partition("e")
    sign = "-" if digits.startswith("-") else ""
    whole, _, fraction = digits.lstrip("-").partition(".")
    fraction = "" if fraction == "0" else fraction
    exponent = int(exponent_text)
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{whole}{fraction}"
    return sign + whole + fraction + "0" * (exponent - len(fraction))


def parse_float(text: str) -> float:
    """The float that upstream's parser reads: decimal, Inf and NaN in any case. Raises ValueError.

    Stricter than float(): no surrounding spaces, no underscores, ASCII digits only.
    """
    if "_" in text or _NUMBER.fullmatch(text) is None:
        raise ValueError(f'strconv.ParseFloat: parsing "{text}": invalid syntax')
    return float(text)
