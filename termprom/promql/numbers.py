"""Numbers as messages print them (Go's %g), beside `model.floats` for fixed notation."""

from __future__ import annotations

import math

_EXPONENT_FROM = 6  # Go switches to exponents here when it prints the shortest digits
_EXPONENT_BELOW = -4


def format_general(value: float) -> str:
    """Shortest digits that read back, with an exponent below 1e-4 and from 1e6."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    exponent_text = f"{value:.16e}".partition("e")[2]
    shortest = repr(abs(value)).replace(".", "").partition("e")[0].strip("0")
    exponent = int(exponent_text)
    # Sixteen decimals may round up to the next power of ten where the shortest digits do not.
    if abs(float(f"1e{exponent}")) > abs(value):
        exponent -= 1
    sign = "-" if value < 0 else ""
    if exponent < _EXPONENT_BELOW or exponent >= _EXPONENT_FROM:
        mantissa = shortest[0] + ("." + shortest[1:] if len(shortest) > 1 else "")
        return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text
