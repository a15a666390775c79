"""Binary operators on floats: IEEE doubles, in C's and not in Python's sense where they differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

# fmod has the sign of the dividend. power takes a square root for 0.5, which is NaN of -Inf and
# where C's pow, which float_power is, has infinity.
ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.float_power,
    "atan2": np.arctan2,
}
COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
