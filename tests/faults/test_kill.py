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
    LATE_SERIES,
    OPTIONS,
    ROW_SERIES,
    STEP_MS,
    late_value,
    row_values,
)
from tests.tsdb.models import bits, open_store, read_all

ROOT = Path(__file__).parents[2]


def write_until_killed(folder: Path, start_ms: int, lines: int) -> tuple[set[int], set[int]]:
    """The times of rows and of late samples that were acknowledged."""
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
    rows, late = set(), set()
    for line in said.split(b"\n")[:-1]:
        kind, time_ms = line.split()
        (rows if kind == b"row" else late).add(int(time_ms))
    return rows, late


def campaign(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    rows: set[int] = set()
    late: set[int] = set()
    start_ms = 1_000_000
    levels = set()
    for _ in range(kills):
        new_rows, new_late = write_until_killed(folder, start_ms, chance.randrange(1, 1200))
        rows |= new_rows
        late |= new_late
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
            for time_ms in new_rows:
                assert held[time_ms] == bits(float(row_values(time_ms)[number]))
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


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
def test_many_kills(tmp_path: Path, seed: int) -> None:
    campaign(tmp_path / "data", 40, seed)
