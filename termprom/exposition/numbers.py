"""Numbers as the exposition formats write them: read exactly, in bulk, and written back.

The grammar is decimal only, with Inf, Infinity and an unsigned NaN in any case; no hexadecimal, no
underscores, no surrounding blanks. A number too large for a float64 is an error; one too small
reads as 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import numpy as np
import orjson

from termprom.model.values import NAN_BITS, Values, float_from_bits

NAN: Final = float_from_bits(NAN_BITS)

_NUMBER: Final = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INFINITY: Final = re.compile(rb"[+-]?inf(?:inity)?", re.IGNORECASE)
_LONE_UNDERSCORES: Final = re.compile(r"(?<=[0-9])_(?=[0-9])")
_SPECIAL: Final = {b"NaN": NAN, b"+Inf": math.inf, b"-Inf": -math.inf, b"Inf": math.inf}
_DECIMAL_BYTES: Final = b"0123456789+-.eE,"


def parse_number(token: bytes) -> float:
    """The float64 nearest to `token`. Raises ValueError in upstream's words."""
    if _NUMBER.fullmatch(token):
        value = float(token)
        if math.isinf(value):
            raise ValueError(f'strconv.ParseFloat: parsing "{shown(token)}": value out of range')
        return value
    if token.lower() == b"nan":
        return NAN
    if _INFINITY.fullmatch(token):
        return float(token)
    if any(byte in token for byte in (b"p", b"P", b"_")):
        raise ValueError("unsupported character in float")
    raise ValueError(f'strconv.ParseFloat: parsing "{shown(token)}": invalid syntax')


def shown(text: bytes) -> str:
    """Bytes of a body as they stand between the quotes of a message: no control character."""
    plain = text.decode("utf-8", "backslashreplace")
    if plain.isprintable() and '"' not in plain and "\\" not in plain:
        return plain
    return "".join(
        "\\" + c if c in '"\\' else c if c.isprintable() else repr(c)[1:-1] for c in plain
    )


def parse_numbers(tokens: Sequence[bytes]) -> Values:
    """Every token as a float64, shape (K,). Raises ValueError for the first that is none."""
    return np.array([parse_number(token) for token in tokens], dtype=np.float64)


def parse_joined_numbers(joined: bytes, count: int) -> Values | None:
    """The `count` numbers of a comma-separated text, or None where only the exact way will do.

    Shapes: -> (count,). A JSON reader does the work, ten times faster than one number at a time.
    NaN and the infinities, which JSON does not know, are put in afterwards; what else it writes
    differently (`1.`, `+1`, leading zeros) goes to `parse_number`.
    """
    special: list[tuple[int, float]] = []
    plain = joined
    if joined.translate(None, _DECIMAL_BYTES):
        tokens = joined.split(b",")
        special = [(place, _SPECIAL[t]) for place, t in enumerate(tokens) if t in _SPECIAL]
        for place, _ in special:
            tokens[place] = b"0"
        plain = b",".join(tokens)
        if plain.translate(None, _DECIMAL_BYTES):
            return _joined_exactly(joined, count)
    if b"-0," in plain or plain.endswith(b"-0"):
        # JSON reads -0 as an integer, which has no sign. (This finds 1e-0 too.)
        return _joined_exactly(joined, count)
    try:
        numbers = orjson.loads(b"[%b]" % plain)
    except orjson.JSONDecodeError:
        return _joined_exactly(joined, count)
    if len(numbers) != count:
        return None
    # A finite text that overflows is an error to the JSON reader too: all of these are finite.
    # (`fromiter` takes two thirds of the time of `array`.)
    values = np.fromiter(numbers, dtype=np.float64, count=count)
    for place, value in special:
        values[place] = value
    return values


def _joined_exactly(joined: bytes, count: int) -> Values | None:
    tokens = joined.split(b",")
    if len(tokens) != count:
        return None
    try:
        return parse_numbers(tokens)
    except ValueError:
        return None


def format_number(value: float) -> str:
    """Shortest digits that read back, scientific below 1e-4 and from 1e6: text format 0.0.4."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    assert isinstance(exponent, int), "finite decimals have an integer exponent"
    text = "".join(map(str, digits))
    power = exponent + len(text) - 1
    minus = "-" if sign else ""
    if power < -4 or power >= 6:
        mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
        return f"{minus}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if power < 0:
        return f"{minus}0.{'0' * (-power - 1)}{text}"
    whole = text[: power + 1].ljust(power + 1, "0")
    fraction = text[power + 1 :]
    return f"{minus}{whole}.{fraction}" if fraction else minus + whole


def format_openmetrics_number(value: float) -> str:
    """As `format_number`, with `.0` where neither point nor exponent would say "float"."""
    text = format_number(value)
    if math.isnan(value) or math.isinf(value) or "." in text or "e" in text:
        return text
    return text + ".0"


def normalize_bound(text: str) -> str:
    """A `le` or `quantile` value in its one spelling; what is no number stays as it is.

    `1` and `1.0` then name the same series, whichever format a target speaks.
    """
    plain = _LONE_UNDERSCORES.sub("", text).encode()
    try:
        return format_openmetrics_number(parse_number(plain))
    except ValueError:
        return text
