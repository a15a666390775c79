"""A process that writes to a store as fast as it can, until it is killed.

`python -m tests.faults.writer FOLDER START_MS`; after each append that has returned it writes one
line to its output: `row TIME`, `late TIME` or `exemplar TIME`. A row has floats, a native histogram
and pods of its time; maintenance runs all the while in a thread.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import numpy as np

from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.storage import Exemplar, HistogramSample
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database, Options
from tests.tsdb.histogram_models import histogram

OPTIONS = Options(fsync_seconds=0.05, block_ms=2000, out_of_order_window_ms=1500)
GROUP = Labels.of(job="faults")
ROW_SERIES = [Labels.of(__name__=f"row_{number % 5}", n=str(number)) for number in range(40)]
LATE_SERIES = Labels.of(__name__="late")
HISTOGRAM_SERIES = Labels.of(__name__="latency")
POD_MS = 3000  # so long a pod lives
STEP_MS = 10
LATE_EVERY = 17  # rows
EXEMPLAR_EVERY = 11
ROUND_ROWS = 100  # at most, per round of maintenance
LATE_BY_MS = 1003  # not on the grid of the rows


def row_values(time_ms: int) -> np.ndarray:
    return np.arange(len(ROW_SERIES)) * 1000.0 + time_ms % 977


def late_value(time_ms: int) -> float:
    return time_ms / 8


def histogram_at(time_ms: int) -> FloatHistogram:
    return histogram(time_ms // STEP_MS % 50)


def pod_of(time_ms: int) -> Labels:
    return Labels.of(__name__="pod", pod=str(time_ms // POD_MS))


def exemplar_at(time_ms: int) -> Exemplar:
    return Exemplar(Labels.of(trace_id=str(time_ms)), float(time_ms), time_ms)


def main(folder: Path, start_ms: int) -> None:
    store = Database.open(folder, OPTIONS, clock=ManualClock())
    group = store.group(GROUP)
    columns = group.columns(ROW_SERIES)
    late = group.columns([LATE_SERIES])
    latency = int(group.columns([HISTOGRAM_SERIES])[0])
    pod = Labels()

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
        if pod_of(time_ms) != pod:
            pod = pod_of(time_ms)
            row = np.append(columns, group.columns([pod]))
        sample = HistogramSample(latency, histogram_at(time_ms))
        values = np.append(row_values(time_ms), 1.0)
        group.append(time_ms, row, values, histograms=[sample])
        os.write(1, b"row %d\n" % time_ms)
        if number % EXEMPLAR_EVERY == 0:
            group.append_exemplars([(latency, exemplar_at(time_ms))])
            os.write(1, b"exemplar %d\n" % time_ms)
        if number % LATE_EVERY == 0:
            # The newest in-order sample of the series, then one that comes late.
            group.append(time_ms, late, np.array([late_value(time_ms)]))
            os.write(1, b"late %d\n" % time_ms)
            behind = np.array([time_ms - LATE_BY_MS], dtype=np.int64)
            group.append_loose(behind, late, np.array([late_value(int(behind[0]))]))
            os.write(1, b"late %d\n" % behind[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
