"""kill -9 at any moment: what an append has returned for is there at the next start."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.writer import (
    HISTOGRAM_SERIES,
    LATE_SERIES,
    OPTIONS,
    ROW_SERIES,
    STEP_MS,
    exemplar_at,
    histogram_at,
    late_value,
    pod_of,
    row_values,
)
from tests.tsdb.histogram_models import plain, read_histograms
from tests.tsdb.models import EVERYTHING, bits, open_store, read_all

ROOT = Path(__file__).parents[2]


def write_until_killed(folder: Path, start_ms: int, lines: int) -> dict[str, set[int]]:
    """The times of rows, late samples and exemplars that were acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.writer", str(folder), str(start_ms)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    with process.stdout as output:
        said = b"".join(output.readline() for _ in range(lines))
        process.send_signal(signal.SIGKILL)
        said += output.read()
    assert process.wait() == -signal.SIGKILL
    times: dict[str, set[int]] = {"row": set(), "late": set(), "exemplar": set()}
    for line in said.decode().split("\n")[:-1]:
        kind, time_ms = line.split()
        times[kind].add(int(time_ms))
    return times


def campaign(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    rows: set[int] = set()
    late: set[int] = set()
    start_ms = 1_000_000
    levels = set()
    for _ in range(kills):
        new = write_until_killed(folder, start_ms, chance.randrange(1, 1200))
        rows |= new["row"]
        late |= new["late"]
        store = open_store(folder, OPTIONS)
        found = read_all(store)
        view = store.view()
        assert not view.quarantined
        levels |= {block.level for block in view.blocks}
        store._claim.release()  # as if killed once more

        for number, labels in enumerate(ROW_SERIES):
            held = found[labels]
            assert rows <= held.keys(), "an acknowledged row is gone"
            # A row that was under way may be there or not; nothing else may be.
            assert held.keys() - rows <= {max(rows) + STEP_MS}
            for time_ms in new["row"]:
                assert held[time_ms] == bits(float(row_values(time_ms)[number]))
        for time_ms in new["row"]:
            assert found[pod_of(time_ms)][time_ms] == bits(1.0)
        newest = max(rows) + STEP_MS
        histograms = read_histograms(store, min(new["row"], default=newest), newest)
        held_histograms = histograms.get(HISTOGRAM_SERIES, {})
        for time_ms in new["row"]:
            assert held_histograms[time_ms] == plain(histogram_at(time_ms), 0)
        exemplars = dict(store.exemplars([EVERYTHING], 0, newest)).get(HISTOGRAM_SERIES, [])
        # The ring is as long as what the log holds; the newest are always there.
        kept = {one.time_ms: one for one in exemplars}
        for time_ms in new["exemplar"]:
            if time_ms >= store.head.floor_ms:
                assert kept[time_ms] == exemplar_at(time_ms), "an acknowledged exemplar is gone"
        held = found.get(LATE_SERIES, {})
        assert late <= held.keys(), "an acknowledged late sample is gone"
        assert all(cell == bits(late_value(time_ms)) for time_ms, cell in held.items())
        assert len(held.keys() - late) <= 1
        # What was stored and not acknowledged is known from now on.
        rows |= found[ROW_SERIES[0]].keys()
        late |= held.keys()
        start_ms = max(rows) + STEP_MS
    assert levels, "no kill came after a cut"
    if kills > 20:
        assert max(levels) > 1, "no kill came after a compaction"


def test_a_few_kills(tmp_path: Path) -> None:
    campaign(tmp_path / "data", 4, seed=5)


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_many_kills(tmp_path: Path) -> None:
    """The whole campaign; how long is up to the environment."""
    kills = int(os.environ.get("TERMPROM_KILLS", "60"))
    campaign(tmp_path / "data", kills, seed=int(os.environ.get("TERMPROM_SEED", "1")))
