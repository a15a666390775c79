"""The plain twin of the store: a dict per series, and the original's rules of admission."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.values import ABSENT_BITS
from termprom.storage import Appended, Queryable
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database, Options
from termprom.tsdb.files import Files

Samples = dict[int, int]  # time to bits
EVERYTHING = (Matcher(METRIC_NAME, MatchOp.NOT_EQUAL, ""),)
FAR_MS = 2**50


def bits(value: float) -> int:
    return int(np.array([value], dtype=np.float64).view(np.uint64)[0])


def values_of(cells: Iterable[int]) -> np.ndarray:
    return np.array(list(cells), dtype=np.uint64).view(np.float64)


def open_store(
    folder: Path, options: Options | None = None, files: Files | None = None
) -> Database:
    quiet = options or Options(fsync_seconds=0)
    return Database.open(folder, quiet, clock=ManualClock(), files=files)


def read_all(
    store: Queryable,
    matchers: Sequence[Matcher] = EVERYTHING,
    start_ms: int = -FAR_MS,
    end_ms: int = FAR_MS,
    series_max: int = 4096,
) -> dict[Labels, Samples]:
    """All samples that a querier shows; checks what the protocol promises on the way."""
    querier = store.querier(start_ms, end_ms)
    try:
        selection = querier.select(matchers)
        labels = selection.labels
        assert list(labels) == sorted(set(labels)), "labels are unique and sorted"
        found: dict[Labels, Samples] = {}
        for frame in selection.frames(series_max=series_max):
            assert frame.values.shape == (frame.series.size, frame.times_ms.size)
            assert frame.series.size <= series_max
            assert (np.diff(frame.times_ms) > 0).all(), "times ascend strictly"
            assert frame.times_ms.size
            assert start_ms <= frame.times_ms[0]
            assert frame.times_ms[-1] <= end_ms
            cells = np.ascontiguousarray(frame.values).view(np.uint64)
            holes = (cells == ABSENT_BITS).any() or (cells == 0x7FF0000000000002).any()
            assert not (frame.dense and holes)
            for number, row in zip(frame.series.tolist(), cells, strict=True):
                assert labels[number] not in found, "a series is in one frame only"
                used = np.flatnonzero(row != ABSENT_BITS)
                samples = dict(zip(frame.times_ms[used].tolist(), row[used].tolist(), strict=True))
                if samples:
                    found[labels[number]] = samples
        return found
    finally:
        querier.close()


class Twin:
    """What a store must hold after some appends."""

    def __init__(self, window_ms: int = 0, appendable_ms: int = 3_600_000) -> None:
        self.samples: dict[Labels, Samples] = {}
        self.newest: dict[Labels, int] = {}
        self.newest_ms = -(2**63)
        self.floor_ms = -(2**63)
        self.window_ms = window_ms
        self.appendable_ms = appendable_ms

    def append(self, cells: Sequence[tuple[Labels, int, int]]) -> Appended:
        """Samples of one call; those of one series in the order of their times."""
        stored = duplicates = out_of_order = too_old = 0
        valid_from = max(self.floor_ms, self.newest_ms - self.appendable_ms)
        late_from = self.newest_ms - self.window_ms
        for labels, time_ms, cell in cells:
            newest = self.newest.get(labels)
            held = self.samples.setdefault(labels, {})
            if time_ms >= valid_from and (newest is None or time_ms > newest):
                self.newest[labels] = time_ms
                self.newest_ms = max(self.newest_ms, time_ms)
                held.setdefault(time_ms, cell)
                stored += 1
            elif time_ms >= valid_from and time_ms == newest:
                if held.get(time_ms) == cell:
                    stored += 1
                else:
                    duplicates += 1
            elif self.window_ms and time_ms >= late_from:
                held.setdefault(time_ms, cell)
                stored += 1
            elif self.window_ms or time_ms < valid_from:
                too_old += 1
            else:
                out_of_order += 1
        return Appended(stored, duplicates, out_of_order, too_old)

    def delete(self, metric: str, first_ms: int, last_ms: int) -> None:
        for labels, held in self.samples.items():
            if labels.get(METRIC_NAME) == metric:
                for time_ms in [time for time in held if first_ms <= time <= last_ms]:
                    del held[time_ms]

    def all(self) -> dict[Labels, Samples]:
        return {labels: held for labels, held in self.samples.items() if held}
