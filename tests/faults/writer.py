"""A process that writes to a store as fast as it can, until it is killed.

`python -m tests.faults.writer FOLDER START_MS`; after each append that has returned it writes one
line to its output: `row TIME` or `late TIME`. Maintenance runs all the while in a thread.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import numpy as np

from termprom.model.labels import Labels
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database, Options

OPTIONS = Options(fsync_seconds=0.05, block_ms=2000, out_of_order_window_ms=1500)
GROUP = Labels.of(job="faults")
ROW_SERIES = [Labels.of(__name__=f"row_{number % 5}", n=str(number)) for number in range(40)]
LATE_SERIES = Labels.of(__name__="late")
STEP_MS = 10
LATE_EVERY = 17  # rows
ROUND_ROWS = 100  # at most, per round of maintenance
LATE_BY_MS = 1003  # not on the grid of the rows


def row_values(time_ms: int) -> np.ndarray:
    return np.arange(len(ROW_SERIES)) * 1000.0 + time_ms % 977


def late_value(time_ms: int) -> float:
    return time_ms / 8


def main(folder: Path, start_ms: int) -> None:
    store = Database.open(folder, OPTIONS, clock=ManualClock())
    group = store.group(GROUP)
    columns = group.columns(ROW_SERIES)
    late = group.columns([LATE_SERIES])

    maintained = threading.Event()

    def maintain() -> None:
        while True:
            store.maintain()
            maintained.set()

    threading.Thread(target=maintain, daemon=True).start()
    for number in range(10**9):
        time_ms = start_ms + number * STEP_MS
        if number % ROUND_ROWS == 0:
            # Else the log grows faster than anybody can cut it.
            maintained.wait()
            maintained.clear()
        group.append(time_ms, columns, row_values(time_ms))
        os.write(1, b"row %d\n" % time_ms)
        if number % LATE_EVERY == 0:
            # The newest in-order sample of the series, then one that comes late.
            group.append(time_ms, late, np.array([late_value(time_ms)]))
            os.write(1, b"late %d\n" % time_ms)
            behind = np.array([time_ms - LATE_BY_MS], dtype=np.int64)
            group.append_loose(behind, late, np.array([late_value(int(behind[0]))]))
            os.write(1, b"late %d\n" % behind[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
