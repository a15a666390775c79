"""How long a segment of the log gets."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from termprom.model.labels import Labels
from termprom.tsdb import wal_writer
from termprom.tsdb.files import Files
from termprom.tsdb.wal_writer import WalWriter
from tests.tsdb.models import open_store, read_all


def test_a_segment_is_mostly_samples_however_many_series_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_writer, "SEGMENT_BYTES", 2000)
    store = open_store(tmp_path)
    few, many = store.group(Labels.of(job="few")), store.group(Labels.of(job="many"))
    columns = few.columns([Labels.of(__name__="one")])
    rng = np.random.default_rng(1)
    for step in range(200):
        few.append(1000 + step, columns, rng.random(1))
    small = len(list((tmp_path / "wal").iterdir()))
    assert small > 2, "as long as a segment is, where definitions are small"
    columns = many.columns([Labels.of(__name__="m", n=f"{n:0100}") for n in range(200)])
    for step in range(200):
        many.append(2000 + step, columns, rng.random(200))
    sizes = sorted(path.stat().st_size for path in (tmp_path / "wal").iterdir())
    defined = 200 * 100
    assert len(sizes) - small <= 200 * 200 * 8 // (4 * defined) + 2
    found = read_all(store)
    store.close()
    store = open_store(tmp_path)
    assert read_all(store) == found
    store.close()


class _BadSectors(Files):
    """Whose fsync fails while `bad` is set."""

    bad = False

    def fsync(self, descriptor: int) -> None:
        if self.bad:
            raise OSError(errno.EIO, "Input/output error")
        super().fsync(descriptor)


def test_a_segment_ends_with_the_first_fsync_after_one_that_failed(tmp_path: Path) -> None:
    files = _BadSectors()
    wal = WalWriter(files, tmp_path, 1)

    def append() -> int:
        wal.prepare()
        wal.append(b"", 0)
        return wal.segment

    assert append() == 1
    wal.sync()
    files.bad = True
    assert append() == 1
    wal.sync()
    assert "Input/output error" in wal.failure
    assert append() == 1, "as long as nothing is safe anywhere, there is nothing to be won"
    assert wal.failure, "a write that works does not make the disk well"
    wal.sync()
    files.bad = False
    assert append() == 1
    wal.sync()
    assert append() == 2, "what is written from now on lies behind no hole"
    assert not wal.failure
    wal.sync()
    assert append() == 2
    wal.close()
