"""Start timestamps, read beside the samples that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from termprom.model.values import ABSENT_BITS, Ints, TimesMs, Values
from termprom.storage import Frame


@dataclass(slots=True)
class Starts:
    """Of each series the times at which its start is known, and the starts.

    A matrix of several series keeps its shape, so that a frame of the same times takes it whole.
    """

    frames: list[tuple[Ints, TimesMs, Ints]] = field(default_factory=list)  # series, times, starts
    rows: dict[int, tuple[int, int]] = field(default_factory=dict)  # of a series: frame and row

    @classmethod
    def of(cls, frames: Iterable[Frame], owner: Mapping[int, int]) -> Starts:
        """`owner` names the series that each component belongs to."""
        starts = cls()
        for frame in frames:
            series = np.array([owner[one] for one in frame.series.tolist()], dtype=np.int64)
            for row, one in enumerate(series.tolist()):
                starts.rows[one] = len(starts.frames), row
            starts.frames.append((series, frame.times_ms, _integers(frame.values)))
        return starts

    def at(self, series: int, times_ms: TimesMs) -> Ints | None:
        """The starts (T,) of one series at these times, 0 where not known; None: none at all."""
        place = self.rows.get(series)
        if place is None:
            return None
        _, known_ms, starts = self.frames[place[0]]
        row: Ints = starts[place[1]]
        if np.array_equal(known_ms, times_ms):
            return row
        found = np.minimum(np.searchsorted(known_ms, times_ms), known_ms.size - 1)
        aligned: Ints = np.where(known_ms[found] == times_ms, row[found], 0)
        return aligned


def aligned_starts(series: Ints, times_ms: TimesMs, starts: Starts) -> Ints | None:
    """The starts of a frame, (K, T); None where it has none."""
    for known, known_ms, found in starts.frames:
        if np.array_equal(known, series) and np.array_equal(known_ms, times_ms):
            return found
    rows = [starts.at(one, times_ms) for one in series.tolist()]
    if all(row is None for row in rows):
        return None
    nothing = np.zeros(times_ms.size, dtype=np.int64)
    return np.stack([nothing if row is None else row for row in rows])


def _integers(values: Values) -> Ints:
    bits = np.ascontiguousarray(values).view(np.uint64)
    known = bits != np.uint64(ABSENT_BITS)
    integers: Ints = np.where(known, values, 0.0).astype(np.int64)
    return integers
