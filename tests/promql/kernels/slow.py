"""Obvious twins of the kernels: one window, plain lists, the text of the reference line by line."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

Window = Sequence[tuple[int, float]]  # (time in ms, value)


def kahan(addend: float, total: float, rest: float) -> tuple[float, float]:
    new = total + addend
    if math.isinf(new):
        return new, 0.0
    if abs(total) >= abs(addend):
        return new, rest + ((total - new) + addend)
    return new, rest + ((addend - new) + total)


def rate(window: Window, left: int, right: int, *, counter: bool, seconds: float | None) -> float:
    values = [value for _, value in window]
    result = values[-1] - values[0]
    if counter:
        for before, after in itertools.pairwise(values):
            if after < before:
                result += before
    to_start = (window[0][0] - left) / 1000
    to_end = (right - window[-1][0]) / 1000
    sampled = (window[-1][0] - window[0][0]) / 1000
    average = sampled / (len(window) - 1)
    threshold = average * 1.1
    if to_start >= threshold:
        to_start = average / 2
    if counter and result > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (values[0] / result))
    if to_end >= threshold:
        to_end = average / 2
    factor = (sampled + to_start + to_end) / sampled
    if seconds is not None:
        factor /= seconds
    return result * factor


def sum_over_time(window: Window) -> float:
    total = rest = 0.0
    for _, value in window:
        total, rest = kahan(value, total, rest)
    return total if math.isinf(total) else total + rest


def avg_over_time(window: Window) -> float:
    total, rest, mean = window[0][1], 0.0, False
    for number, (_, value) in enumerate(window[1:], start=2):
        if not mean:
            new, new_rest = kahan(value, total, rest)
            if not math.isinf(new):
                total, rest = new, new_rest
                continue
            mean = True
            total, rest = total / (number - 1), rest / (number - 1)
        share = (number - 1) / number
        total, rest = kahan(value / number, share * total, share * rest)
    return total + rest if mean else total / len(window) + rest / len(window)


def extreme(better: Callable[[float, float], bool]) -> Callable[[Window], float]:
    def of(window: Window) -> float:
        best = window[0][1]
        for _, value in window[1:]:
            if math.isnan(best) or better(value, best):
                best = value
        return best

    return of


def stdvar_over_time(window: Window) -> float:
    mean = mean_rest = squares = squares_rest = 0.0
    for number, (_, value) in enumerate(window, start=1):
        off = value - (mean + mean_rest)
        mean, mean_rest = kahan(off / number, mean, mean_rest)
        squares, squares_rest = kahan(off * (value - (mean + mean_rest)), squares, squares_rest)
    return (squares + squares_rest) / len(window)


def quantile(values: Sequence[float], q: float) -> float:
    if not values or math.isnan(q):
        return math.nan
    if q < 0:
        return -math.inf
    if q > 1:
        return math.inf
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = q * (len(ordered) - 1)
    lower = max(0, math.floor(rank))
    upper = min(len(ordered) - 1, lower + 1)
    weight = rank - math.floor(rank)
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def changes(window: Window) -> float:
    values = [value for _, value in window]
    return float(
        sum(
            before != after and not (math.isnan(before) and math.isnan(after))
            for before, after in itertools.pairwise(values)
        )
    )


def resets(window: Window) -> float:
    values = [value for _, value in window]
    return float(sum(after < before for before, after in itertools.pairwise(values)))


def line(window: Window, origin: int) -> tuple[float, float]:
    values = [value for _, value in window]
    if all(value == values[0] for value in values):
        return (math.nan, math.nan) if math.isinf(values[0]) else (0.0, values[0])
    sums = [(0.0, 0.0)] * 4
    for time, y in window:
        x = (time - origin) / 1000
        sums = [
            kahan(addend, *pair) for addend, pair in zip((x, y, x * y, x * x), sums, strict=True)
        ]
    x, y, xy, xx = (total + rest for total, rest in sums)
    n = float(len(window))
    slope = (xy - x * y / n) / (xx - x * x / n)
    return slope, y / n - slope * x / n


def smooth(window: Window, smoothing: float, trend: float) -> float:
    values = [value for _, value in window]
    before, level, slope = 0.0, values[0], values[1] - values[0]
    for number, value in enumerate(values[1:], start=1):
        if number > 1:
            slope = trend * (level - before) + (1 - trend) * slope
        before, level = level, smoothing * value + (1 - smoothing) * (level + slope)
    return level
