"""Where backfilled samples go: a store of their own, whose blocks move into a data folder.

The data folder's own engine may run meanwhile: a block appears there by one rename, and is read
after the next start.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from termprom.clock import Clock
from termprom.errors import StorageError
from termprom.model.values import ABSENT_BITS, Ints
from termprom.rules.backfill import PastRule, Recorded
from termprom.rules.group import group_key
from termprom.rules.output import identity_of
from termprom.storage import Group, HistogramSample
from termprom.tsdb.block_meta import is_ulid
from termprom.tsdb.db import Database
from termprom.tsdb.files import BLOCKS_FOLDER, WAL_FOLDER, storage_errors
from termprom.tsdb.options import BLOCK_MS, Options

_WORKSHOP: Final = "backfill.tmp"
RANGE_MS: Final = BLOCK_MS  # what is asked, and held in memory, at once


class BackfillStore:
    """A context manager. Ranges must come in order of time; `publish` makes them count."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        """Raises StorageError; DataFolderLocked where another backfill is at work there."""
        self._folder = folder
        self._workshop = folder / _WORKSHOP
        with storage_errors(folder):
            for name in (BLOCKS_FOLDER, WAL_FOLDER):
                (folder / name).mkdir(parents=True, exist_ok=True)
        # What a run that was killed left behind: claimed first, so that a living one is safe.
        Database.open(self._workshop, Options(fsync_seconds=0), clock=clock).close()
        with storage_errors(self._workshop):
            shutil.rmtree(self._workshop)
        self._store = Database.open(self._workshop, Options(fsync_seconds=0), clock=clock)
        self._groups: dict[str, Group] = {}

    def __enter__(self) -> BackfillStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.close()
        shutil.rmtree(self._workshop, ignore_errors=True)

    def add(self, found: Iterable[tuple[PastRule, Recorded]]) -> int:
        """Store what rules recorded in one range; the number of samples. Raises StorageError."""
        rows: list[tuple[int, Group, Ints, Recorded, int]] = []
        for rule, recorded in found:
            if recorded.labels:
                group = self._group(group_key(rule.group))
                columns = group.columns(recorded.labels)
                times = enumerate(recorded.times_ms.tolist())
                rows += [(at_ms, group, columns, recorded, step) for step, at_ms in times]
        # In order of time: what is an hour behind the newest sample would be refused.
        rows.sort(key=lambda row: row[0])
        count = 0
        for at_ms, group, columns, recorded, step in rows:
            cells = np.ascontiguousarray(recorded.cells[:, step])
            used = np.flatnonzero(cells.view(np.uint64) != np.uint64(ABSENT_BITS))
            histograms = [
                HistogramSample(int(columns[point.series]), point.histogram)
                for point in recorded.histograms
                if point.step == step
            ]
            if used.size or histograms:
                appended = group.append(at_ms, columns[used], cells[used], histograms=histograms)
                stored = appended.stored
                if stored < used.size + len(histograms):
                    # Two rules that record the same series with different values.
                    raise StorageError("duplicate sample for timestamp")
                count += stored
        self._store.maintain()
        return count

    def publish(self) -> list[str]:
        """Move everything into the data folder as blocks; their names. Raises StorageError."""
        snapshot = self._workshop / "snapshots" / self._store.snapshot()
        blocks = snapshot / BLOCKS_FOLDER
        with storage_errors(self._folder):
            names = sorted(path.name for path in blocks.iterdir() if is_ulid(path.name))
            for name in names:
                (blocks / name).rename(self._folder / BLOCKS_FOLDER / name)
        return names

    def _group(self, key: str) -> Group:
        if key not in self._groups:
            self._groups[key] = self._store.group(identity_of(key))
        return self._groups[key]


def whole_ranges(start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """[start, end] cut at the borders of ranges, both ends included."""
    first = start_ms // RANGE_MS
    last = end_ms // RANGE_MS
    return [
        (max(number * RANGE_MS, start_ms), min((number + 1) * RANGE_MS - 1, end_ms))
        for number in range(first, last + 1)
    ]
