"""Functions of one float."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from termprom.model.values import Values


def _sign(values: Values) -> Values:
    # Zeroes keep their sign and NaN stays.
    return np.where(values > 0, 1.0, np.where(values < 0, -1.0, values))


def _degrees(values: Values) -> Values:
    result: Values = values * 180 / np.pi
    return result


def _radians(values: Values) -> Values:
    result: Values = values * np.pi / 180
    return result


FUNCTIONS: Final[dict[str, Callable[[Values], Values]]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "deg": _degrees,
    "rad": _radians,
    "sgn": _sign,
}


def round_to(values: Values, nearest: Values) -> Values:
    """The nearest multiple, halves upwards; values (K, S), nearest (S,)."""
    inverse = 1.0 / nearest
    result: Values = np.floor(values * inverse + 0.5) / inverse
    return result


def smaller(left: Values, right: Values) -> Values:
    """NaN if either is, unless one is -Inf; -0 over +0."""
    infinite = np.isneginf(left) | np.isneginf(right)
    zeroes = (left == 0) & (right == 0)
    # Of the two zeroes that with the sign, which its bits alone tell.
    signed = np.copysign(0.0, np.where(np.signbit(left), left, right))
    best = np.where(zeroes, signed, np.minimum(left, right))
    return np.where(infinite, -np.inf, best)


def larger(left: Values, right: Values) -> Values:
    """NaN if either is, unless one is +Inf; +0 over -0."""
    infinite = np.isposinf(left) | np.isposinf(right)
    # Adding the two zeroes gives +0 unless both are negative.
    zeroes = (left == 0) & (right == 0)
    best = np.where(zeroes, np.add(left, right), np.maximum(left, right))
    return np.where(infinite, np.inf, best)


def clamp(values: Values, low: Values, high: Values) -> Values:
    """max(low, min(high, value))."""
    return larger(low, smaller(high, values))
