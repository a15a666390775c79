"""Samples in any order become blocks that hold each of them once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.model.labels import Labels
from termprom.tsdb.db import Database, Options
from termprom.tsdb.files import Files
from termprom.tsdb.spill import Spill
from tests.tsdb.models import Samples, bits, open_store, read_all

OPTIONS = Options(fsync_seconds=0, block_ms=1000)
SERIES = [Labels.of(__name__=f"m{n % 2}", job="ab"[n % 3 == 0], n=str(n)) for n in range(6)]


def import_all(
    store: Database, samples: list[tuple[int, int, float]], held_max: int
) -> dict[Labels, Samples]:
    """Put samples in one by one; what the blocks must hold then."""
    wanted: dict[Labels, Samples] = {}
    path = store.folder / "import.tmp"
    with Spill(Files(), path, lambda labels: labels.only("job"), held_max) as spill:
        for number, time_ms, value in samples:
            series = spill.series(SERIES[number])
            spill.add(
                np.array([series], dtype=np.int64),
                np.array([time_ms], dtype=np.int64),
                np.array([value]).view(np.uint64),
            )
            wanted.setdefault(SERIES[number], {}).setdefault(time_ms, bits(value))
        blocks = store.import_spill(spill)
    assert not path.exists()
    assert sum(block.samples for block in blocks) == sum(map(len, wanted.values()))
    return wanted


@settings(max_examples=40, deadline=None)
@given(
    samples=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(0, 40).map(lambda step: step * 137),
            st.sampled_from([0.0, -0.0, 1.5, float("inf"), float("nan"), 2.0**60]),
        ),
        min_size=1,
        max_size=120,
    ),
    held_max=st.integers(1, 50),
)
def test_any_order_and_any_size_of_runs(
    samples: list[tuple[int, int, float]], held_max: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        store = open_store(Path(name), OPTIONS)
        wanted = import_all(store, samples, held_max)
        assert read_all(store) == wanted
        store.maintain()  # compaction of what was imported
        assert read_all(store) == wanted
        assert store.verify() == []
        store.close()


def test_series_of_a_group_are_on_rows_where_their_times_are_the_same(tmp_path: Path) -> None:
    store = open_store(tmp_path, OPTIONS)
    shared = [(n, time_ms, 1.0) for n in range(6) for time_ms in range(0, 900, 30)]
    import_all(store, shared, 1000)
    (block,) = store._blocks.blocks
    assert block._tables.get("timeline_own").tolist() == [0, 0]
    assert block.identity_of(block._tables.get("timeline_hash")[:2].tobytes()) is not None
    store.close()


def test_what_the_store_has_stays(tmp_path: Path) -> None:
    store = open_store(tmp_path, OPTIONS)
    first = import_all(store, [(0, 100, 1.0), (0, 200, 2.0)], 10)
    import_all(store, [(0, 100, 7.0), (0, 300, 3.0), (1, 100, 4.0)], 10)
    first[SERIES[0]][300] = bits(3.0)
    first[SERIES[1]] = {100: bits(4.0)}
    assert read_all(store) == first
    store.maintain()
    assert read_all(store) == first
    store.close()
