"""The vertical axis: which values it spans and where each of them lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from termprom.model.values import Values
from termprom.tui.plot.ticks import free_labels, linear_ticks, log_ticks, tick_labels
from termprom.tui.plot.units import PLAIN, Kind, Unit

_HEADROOM: Final = 0.05  # of the data range, so that lines do not lie on the frame
_ZERO_NEAR: Final = 0.35  # low / high below which zero is close enough to be shown
_SHRINK_BELOW: Final = 0.6  # of the axis in use, for SHRINK_AFTER updates, before it shrinks
SHRINK_AFTER: Final = 10


class ScaleKind(StrEnum):
    LINEAR = "linear"
    LOG = "log"
    SYMLOG = "symlog"


@dataclass(frozen=True, slots=True)
class YAxis:
    """Values in [low, high] on `kind`. For LOG low > 0; `knee` is where SYMLOG turns linear."""

    low: float = 0.0
    high: float = 1.0
    kind: ScaleKind = ScaleKind.LINEAR
    unit: Unit = PLAIN
    knee: float = 1.0

    def place(self, values: Values) -> Values:
        """Where values lie between the ends, 0 at low and 1 at high; any shape.

        What the axis cannot show (zero on a logarithmic one) is NaN.
        """
        low, high = self._bend(np.array([self.low, self.high]))
        with np.errstate(all="ignore"):
            placed: Values = (self._bend(values) - low) / (high - low)
        return placed

    def _bend(self, values: Values) -> Values:
        match self.kind:
            case ScaleKind.LINEAR:
                return values
            case ScaleKind.LOG:
                with np.errstate(all="ignore"):
                    bent: Values = np.where(values > 0, np.log10(values), np.nan)
                return bent
            case ScaleKind.SYMLOG:
                return np.asarray(
                    np.sign(values) * np.log10(1 + np.abs(values) / self.knee), dtype=np.float64
                )

    def ticks(self, count: int) -> tuple[list[float], list[str]]:
        """At most about `count` round values with their labels, ascending."""
        match self.kind:
            case ScaleKind.LINEAR:
                values = linear_ticks(self.low, self.high, count, self.unit)
                return values, tick_labels(values, self.unit)
            case ScaleKind.LOG:
                values = log_ticks(self.low, self.high, count)
                return values, free_labels(values, self.unit)
            case ScaleKind.SYMLOG:
                values = _symlog_ticks(self.low, self.high, self.knee, count)
                return values, free_labels(values, self.unit)

    @property
    def broken(self) -> bool:
        """Whether zero is not on the axis although its numbers start at zero by nature."""
        return self.kind is ScaleKind.LINEAR and self.low > 0 and self.unit.kind is not Kind.MOMENT


def _symlog_ticks(low: float, high: float, knee: float, count: int) -> list[float]:
    ticks = {0.0} if low <= 0 <= high else set()
    half = max(count // 2, 1)
    if high > knee:
        ticks.update(log_ticks(max(low, knee), high, half))
    if low < -knee:
        ticks.update(-tick for tick in log_ticks(max(-high, knee), -low, half))
    return sorted(ticks) or [low]


def fit_axis(
    low: float,
    high: float,
    unit: Unit,
    *,
    kind: ScaleKind = ScaleKind.LINEAR,
    zero_based: bool = False,
    smallest_positive: float = 0.0,
) -> YAxis:
    """An axis for finite values in [low, high] (low > high: there are none).

    `smallest_positive` bounds a logarithmic axis from below, 0 where there is no positive value;
    then the axis falls back to linear.
    """
    if low > high:
        return YAxis(0.0, 1.0, ScaleKind.LINEAR, unit)
    if kind is ScaleKind.LOG and smallest_positive > 0:
        top = max(high, smallest_positive)
        return YAxis(
            10.0 ** math.floor(math.log10(smallest_positive)),
            _round_up_log(top * 1.0001),
            ScaleKind.LOG,
            unit,
        )
    if kind is ScaleKind.SYMLOG:
        size = max(abs(low), abs(high)) or 1.0
        knee = 10.0 ** (math.floor(math.log10(size)) - 3)
        return YAxis(min(low, 0.0), max(high, 0.0) or knee, ScaleKind.SYMLOG, unit, knee)
    if low == high:
        low, high = _around(low)
    if zero_based or (low > 0 and low / high < _ZERO_NEAR):
        low = min(low, 0.0)
    if zero_based or (high < 0 and high / low < _ZERO_NEAR):
        high = max(high, 0.0)
    span = high - low
    return YAxis(
        low if low == 0 else low - span * _HEADROOM,
        high if high == 0 else high + span * _HEADROOM,
        ScaleKind.LINEAR,
        unit,
    )


def _around(value: float) -> tuple[float, float]:
    """A range for a constant: from zero where it is positive, around it otherwise."""
    if value == 0:
        return 0.0, 1.0
    return (0.0, value) if value > 0 else (value, 0.0)


def _round_up_log(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(digit * power for digit in (1.0, 2.0, 5.0, 10.0) if digit * power >= value)


class SteadyAxis:
    """An axis that does not jump while data is live: it grows at once and shrinks late."""

    def __init__(self) -> None:
        self._axis: YAxis | None = None
        self._small_count = 0

    def forget(self) -> None:
        """Take the next axis as it comes: the query, the range or the scale changed."""
        self._axis = None
        self._small_count = 0

    def follow(self, wanted: YAxis) -> YAxis:
        """The axis to draw with, given the one that would fit the data of now."""
        kept = self._axis
        if kept is None or (kept.kind, kept.unit, kept.knee) != (
            wanted.kind,
            wanted.unit,
            wanted.knee,
        ):
            return self._take(wanted)
        if wanted.low < kept.low or wanted.high > kept.high:
            return self._take(
                YAxis(
                    min(kept.low, wanted.low),
                    max(kept.high, wanted.high),
                    kept.kind,
                    kept.unit,
                    kept.knee,
                )
            )
        ends = kept.place(np.array([wanted.low, wanted.high]))
        if float(ends[1] - ends[0]) >= _SHRINK_BELOW:
            self._small_count = 0
            return kept
        self._small_count += 1
        return self._take(wanted) if self._small_count >= SHRINK_AFTER else kept

    def _take(self, axis: YAxis) -> YAxis:
        self._axis = axis
        self._small_count = 0
        return axis
