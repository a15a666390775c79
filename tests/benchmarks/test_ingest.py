"""What a scrape costs: the layout's short way against the scanner, and the append of a row.

    make bench

Figures are printed; what is asserted are ratios inside one run.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from termprom.clock import SystemClock
from termprom.exposition.negotiate import Format
from termprom.model.labels import Labels
from termprom.scrape.page import read_page, scan_page
from termprom.tsdb.db import Database
from tests.shared_folder import shared

pytestmark = pytest.mark.benchmark


def median_seconds(work: Callable[[], object], rounds: int = 50) -> float:
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return float(np.median(spent))


def test_an_unchanged_page_costs_its_values_only() -> None:
    body = shared("data", "node_exporter.txt").read_bytes()
    moved = re.sub(rb" (\d+)\n", lambda found: b" %d\n" % (int(found[1]) + 1), body)
    layout = scan_page(body, Format.TEXT).layout
    count = layout.count
    scanned = median_seconds(lambda: scan_page(moved, Format.TEXT), rounds=10)
    matched = median_seconds(lambda: read_page(moved, Format.TEXT, layout))
    print(f"\n{count} samples: scanner {scanned * 1e3:.2f} ms, layout {matched * 1e3:.3f} ms")
    assert read_page(moved, Format.TEXT, layout).layout is layout
    assert matched < scanned / 5


def test_an_append_costs_less_than_reading_the_page(tmp_path: Path) -> None:
    database = Database.open(tmp_path, clock=SystemClock())
    group = database.group(Labels.of(job="bench"))
    columns = group.columns([Labels.of(__name__="m", i=str(i)) for i in range(1000)])
    values = np.random.default_rng(0).random(1000)
    now = 1_700_000_000_000

    def append() -> None:
        nonlocal now, values
        now += 1000
        values = values + 1.0
        group.append(now, columns, values)

    spent = median_seconds(append, rounds=500)
    plain = median_seconds(lambda: values.tobytes() + columns.tobytes(), rounds=500)
    database.close()
    print(f"\nrow of 1,000 samples: append {spent * 1e6:.0f} us, copying it {plain * 1e6:.1f} us")
    assert spent < 1000 * plain
