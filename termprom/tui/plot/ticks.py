"""Round numbers on the y axis."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

from termprom.tui.plot.units import Kind, Prefix, Unit, prefix_for, significant

_DECADE: Final = (1.0, 2.0, 5.0, 10.0)
_CLOCK: Final = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0)
_BINARY: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)


def nice_step(span: float, count: int) -> float:
    """The smallest of 1, 2, 5 x 10^n that divides `span` into at most `count` parts."""
    assert span > 0
    rough = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(digit * power for digit in _DECADE if digit * power >= rough * (1 - 1e-9))


def linear_ticks(low: float, high: float, count: int, unit: Unit) -> list[float]:
    """Round values in [low, high], ascending; at most about `count` of them, at least one."""
    if not high > low:
        return [low]
    step = _step_in_unit(high - low, max(abs(low), abs(high)), count, unit)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)] or [low]


def _step_in_unit(span: float, magnitude: float, count: int, unit: Unit) -> float:
    divisor = prefix_for(unit, magnitude).divisor
    scaled = span / divisor
    rough = scaled / max(count, 1)
    if unit.kind is Kind.BYTES and 1 <= rough <= 512:
        return divisor * next(size for size in _BINARY if size >= rough)
    if unit.kind is Kind.SECONDS and divisor in (60.0,) and 1 <= rough <= 30:
        return divisor * next(size for size in _CLOCK if size >= rough)
    return divisor * nice_step(scaled, count)


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Powers of ten in [low, high], with their 2 and 5 fold where there is room; low > 0."""
    assert 0 < low <= high
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = last - first
    digits = (1.0, 2.0, 5.0) if decades * 3 <= count else (1.0,)
    every = max(1, math.ceil(decades / max(count, 1)))
    found = [
        digit * 10.0**power
        for power in range(first, last + 1)
        if (power - first) % every == 0
        for digit in digits
        if low * (1 - 1e-9) <= digit * 10.0**power <= high * (1 + 1e-9)
    ]
    return found or [low]


def tick_labels(ticks: list[float], unit: Unit) -> list[str]:
    """The ticks as text, all with the same prefix and the same number of places."""
    if not ticks:
        return []
    if unit.kind is Kind.MOMENT:
        return [significant(tick, 6) for tick in ticks]
    prefix = prefix_for(unit, max(abs(tick) for tick in ticks))
    return _aligned([tick / prefix.divisor for tick in ticks], prefix)


def _aligned(numbers: list[float], prefix: Prefix) -> list[str]:
    # The fewest places at which no tick is shown as another number than it is.
    for places in range(7):
        texts = [f"{number:.{places}f}" for number in numbers]
        step = min((abs(b - a) for a, b in pairwise(numbers)), default=1.0)
        if all(
            abs(float(text) - number) <= max(step, 1e-12) * 0.01
            for text, number in zip(texts, numbers, strict=True)
        ):
            break
    return [("0" if float(text) == 0 else text) + prefix.text for text in texts]


def free_labels(ticks: list[float], unit: Unit) -> list[str]:
    """Ticks of a logarithmic axis: each with the prefix of its own size."""
    labels = []
    for tick in ticks:
        prefix = prefix_for(unit, tick)
        labels.append(significant(tick / prefix.divisor) + prefix.text)
    return labels
