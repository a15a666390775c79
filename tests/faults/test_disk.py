"""A disk that is full, broken or not ours: appends fail in words, and what was stored stays."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from termprom.errors import DataFolderLocked, DiskFull, StorageError
from termprom.model.labels import Labels
from termprom.tsdb.db import Database, Options
from tests.tsdb.failing_files import FailingFiles
from tests.tsdb.models import bits, open_store, read_all

OPTIONS = Options(fsync_seconds=0, block_ms=1000, out_of_order_window_ms=1000)
SERIES = [Labels.of(__name__="m", n=str(number)) for number in range(5)]


def append_rows(store: Database, start_ms: int, count: int) -> list[int]:
    """The times of the rows that were taken; an append that fails is one that stored nothing."""
    group = store.group(Labels.of(job="a"))
    columns = group.columns(SERIES)
    stored = []
    for time_ms in range(start_ms, start_ms + count * 10, 10):
        try:
            group.append(time_ms, columns, np.arange(5.0) + time_ms)
        except StorageError:
            assert store.view().read_only_reason
            continue
        assert not store.view().read_only_reason
        stored.append(time_ms)
    return stored


def expected(times: list[int]) -> dict[Labels, dict[int, int]]:
    return {
        labels: {time_ms: bits(float(number + time_ms)) for time_ms in times}
        for number, labels in enumerate(SERIES)
    }


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_write_of_the_log_that_fails_stores_nothing_and_harms_nothing(
    tmp_path: Path, code: int
) -> None:
    failures = 0
    for at in range(40):
        folder, files = tmp_path / str(at), FailingFiles()
        store = open_store(folder, OPTIONS, files)
        stored = append_rows(store, 1000, 3)
        files.arm(at, code=code)
        stored += append_rows(store, 1100, 30)
        files.disarm()
        failures += len(stored) < 33
        stored += append_rows(store, 2000, 3)
        assert read_all(store) == expected(stored)
        store._claim.release()
        store = open_store(folder, OPTIONS)
        assert read_all(store) == expected(stored)
        store.close()
    assert failures > 20


def test_a_full_disk_is_called_so(tmp_path: Path) -> None:
    files = FailingFiles()
    store = open_store(tmp_path, OPTIONS, files)
    group = store.group(Labels.of(job="a"))
    columns = group.columns(SERIES)
    files.arm(0)
    with pytest.raises(DiskFull, match="no space left"):
        group.append(1000, columns, np.zeros(5))
    files.disarm()
    store.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_an_error_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o555)
    with pytest.raises(StorageError, match="denied"):
        open_store(folder)


def test_a_file_in_place_of_the_folder_is_an_error_in_words(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("something else")
    with pytest.raises(StorageError, match="data"):
        open_store(path)
    assert path.read_text() == "something else"


def test_two_processes_on_one_folder(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(DataFolderLocked):
        open_store(tmp_path)
    program = (
        "import sys; from pathlib import Path\n"
        "from termprom.clock import SystemClock\n"
        "from termprom.errors import DataFolderLocked\n"
        "from termprom.tsdb.db import Database\n"
        "try:\n"
        "    Database.open(Path(sys.argv[1]), clock=SystemClock())\n"
        "except DataFolderLocked:\n"
        "    sys.exit(7)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == 7
    store.close()
    assert subprocess.run(command, check=False).returncode == 0
