"""Where buckets begin and end.

    schema <= 0    bound(i) = 2^(i * 2^-schema)
    schema  > 0    bound(i) = ldexp(table[i mod 2^schema], i // 2^schema + 1)

The table is upstream's own, which is not correctly rounded; answers agree to the bit only with the
very same doubles. All schemas sample the finest one. Source: reference 7.2.
"""

from __future__ import annotations

import functools
import math
import sys
from decimal import Decimal, localcontext
from typing import Final

CUSTOM_SCHEMA: Final = -53
_FINEST: Final = 8
_LARGEST_EXPONENT: Final = 1024
# How many units of 2^-53 each entry lies below its correctly rounded value; `+` is one above.
_DEVIATIONS: Final = (
    "00000010001000000012001111111111001000100111001100110+1100110011"
    "0000001111221021001000100001000000010+00102200110111001010221111"
    "1010112211211011111111212122212200110010112210221122101121221121"
    "1132112122322232222222333344324311211222213311222132112122432233"
)


@functools.cache
def _fractions() -> tuple[float, ...]:
    """The 256 bounds of the finest schema within [0.5, 1)."""
    found = []
    with localcontext() as context:
        context.prec = 50
        for number, deviation in enumerate(_DEVIATIONS):
            exact = float(Decimal(2) ** (Decimal(number) / 256 - 1))
            units = 1 if deviation == "+" else -int(deviation)
            found.append(exact + units * 2.0**-53)
    return tuple(found)


@functools.lru_cache(maxsize=1 << 14)
def exponential_bound(index: int, schema: int) -> float:
    """The upper bound of positive bucket `index`."""
    if schema <= 0:
        fraction, exponent = 0.5, (index << -schema) + 1
    else:
        fraction = _fractions()[(index % (1 << schema)) << (_FINEST - schema)]
        exponent = (index >> schema) + 1
    if fraction == 0.5 and exponent == _LARGEST_EXPONENT + 1:
        return sys.float_info.max
    try:
        return math.ldexp(fraction, exponent)
    except OverflowError:
        return math.inf


def custom_bounds(index: int, custom_values: tuple[float, ...]) -> tuple[float, float]:
    """(lower, upper) of custom bucket `index`; the outermost ones are open towards infinity."""
    lower = custom_values[index - 1] if 0 < index <= len(custom_values) else -math.inf
    if index > len(custom_values):
        lower = math.inf
    return lower, custom_values[index] if index < len(custom_values) else math.inf
