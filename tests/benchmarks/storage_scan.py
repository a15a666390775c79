"""Reading blocks: samples per second on one core, and the opening of a folder with a year of them.

    python -m tests.benchmarks.storage_scan scan FOLDER       a data folder with blocks
    python -m tests.benchmarks.storage_scan year FOLDER       makes a year of blocks, opens it

`scan` reads every frame of every metric, with a page cache of 4 MB: decode and hand over.
`year` writes blocks of 18 h for a year (487, what a retention of a week would have), opens the
folder in a fresh process, and says what of it was read.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from termprom.clock import SystemClock
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.tsdb.db import Database, Options

_HOUR_MS = 3_600_000


def scan(folder: Path) -> None:
    store = Database.open_read_only(folder, clock=SystemClock(), page_cache_bytes=4 << 20)
    far_ms = 2**50
    querier = store.querier(-far_ms, far_ms)
    names = querier.label_values(METRIC_NAME)
    querier.close()
    for turn in ("cold", "warm"):
        total = 0
        began = time.perf_counter()
        used = time.thread_time()
        for name in names:
            querier = store.querier(-far_ms, far_ms)
            selection = querier.select([Matcher(METRIC_NAME, MatchOp.EQUAL, name)])
            for frame in selection.frames():
                total += frame.values.size
            querier.close()
        used = time.thread_time() - used
        took = time.perf_counter() - began
        print(
            f"{turn}: {total} samples in {took:.3f} s, {used:.3f} CPU-s: "
            f"{total / used / 1e6:.0f} million per CPU-second"
        )


_OPEN = """
import sys, time
from pathlib import Path
from termprom.clock import SystemClock
from termprom.tsdb.db import Database
def read_bytes():
    return int(open('/proc/self/io').readline().split()[1])
before, began = read_bytes(), time.perf_counter()
store = Database.open(Path(sys.argv[1]), clock=SystemClock())
took = time.perf_counter() - began
count, size = len(store.view().blocks), read_bytes() - before
print(f"{count} blocks opened in {took:.3f} s, {size} bytes read")
store.close()
"""


def year(folder: Path) -> None:
    if not (folder / "blocks").exists():
        _fill(folder)
    for _ in range(3):
        subprocess.run([sys.executable, "-c", _OPEN, str(folder)], check=True)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"the folder holds {size} bytes")


def _fill(folder: Path, series: int = 1000) -> None:
    """Blocks of 18 h, samples once a minute."""
    rng = np.random.default_rng(1)
    store = Database.open(folder, Options(fsync_seconds=0), clock=SystemClock())
    numbers = np.arange(series)
    labels = [Labels.of(__name__=f"m{n % 50}", n=str(n), job="year") for n in range(series)]
    for block in range(365 * 24 // 18):
        with store.new_spill(lambda labels: labels.only("job")) as spill:
            for one in labels:
                spill.series(one)
            start_ms = block * 18 * _HOUR_MS
            for time_ms in range(start_ms, start_ms + 18 * _HOUR_MS, 10 * 60_000):
                cells = rng.integers(0, 1000, series).astype(np.float64).view(np.uint64)
                spill.add(numbers, np.full(series, time_ms, dtype=np.int64), cells)
            store.import_spill(spill)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("scan", "year"))
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    {"scan": scan, "year": year}[chosen.what](chosen.folder)


if __name__ == "__main__":
    main()
