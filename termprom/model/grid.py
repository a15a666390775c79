"""The evaluation times of a query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from termprom.model.values import TimesMs


@dataclass(frozen=True, slots=True)
class Grid:
    """start, start + step, ... while <= end; Unix milliseconds, both ends included.

    An instant query is a grid of one step.
    """

    start_ms: int
    end_ms: int
    step_ms: int = 1

    def __post_init__(self) -> None:
        if self.step_ms <= 0:
            raise ValueError("step must be positive")
        if self.end_ms < self.start_ms:
            raise ValueError("end timestamp must not be before start time")

    @classmethod
    def instant(cls, at_ms: int) -> Grid:
        return cls(at_ms, at_ms, 1)

    @property
    def count(self) -> int:
        """How many steps there are; at least one."""
        return (self.end_ms - self.start_ms) // self.step_ms + 1

    def steps_ms(self) -> TimesMs:
        """The steps, shape (count,)."""
        return self.start_ms + np.arange(self.count, dtype=np.int64) * self.step_ms
