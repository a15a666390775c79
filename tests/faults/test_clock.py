"""A clock that steps back: names of blocks still ascend, old samples are refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from termprom.model.labels import Labels
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database, Options
from tests.tsdb.models import read_all

OPTIONS = Options(fsync_seconds=0, block_ms=1000)
SERIES = [Labels.of(__name__="m", n=str(number)) for number in range(3)]


def append(store: Database, times_ms: range) -> tuple[int, int, int]:
    """Stored, out of order, too old."""
    group = store.group(Labels.of(job="a"))
    columns = group.columns(SERIES)
    got = [group.append(time_ms, columns, np.full(3, float(time_ms))) for time_ms in times_ms]
    return (
        sum(one.stored for one in got),
        sum(one.out_of_order for one in got),
        sum(one.too_old for one in got),
    )


def test_the_clock_steps_back_between_cuts(tmp_path: Path) -> None:
    clock = ManualClock(2_000_000_000_000)
    store = Database.open(tmp_path, OPTIONS, clock=clock)
    assert append(store, range(1000, 4000, 10)) == (900, 0, 0)
    store.maintain()
    first = [block.id for block in store.view().blocks]
    clock.set(1_000_000_000_000)
    # A scraper dates its samples by that clock: what is behind the newest is refused and counted.
    assert append(store, range(3600, 3700, 10)) == (0, 30, 0)
    assert append(store, range(2000, 2100, 10)) == (0, 0, 30)
    assert append(store, range(4000, 7000, 10)) == (900, 0, 0)
    store.maintain()
    view = store.view()
    assert (view.out_of_order, view.too_old) == (30, 30)
    new = {block.id for block in view.blocks} - set(first)
    assert new
    assert min(new) > max(first)
    wanted = read_all(store)
    assert len(wanted[SERIES[0]]) == 600
    store.close()
    clock.set(500_000_000_000)
    store = Database.open(tmp_path, OPTIONS, clock=clock)
    assert read_all(store) == wanted
    assert append(store, range(7000, 9000, 10)) == (600, 0, 0)
    store.maintain()
    assert len(read_all(store)[SERIES[0]]) == 800
    store.close()
