"""Blocks: what was cut, reopened or merged answers as before, down to the bits."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest

from termprom.errors import CorruptFile, DiskFull, StorageError
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.values import ABSENT_BITS
from termprom.tsdb import block_meta
from termprom.tsdb.block import Block
from termprom.tsdb.block_writer import INDEX_NAME, PAGES_NAME
from termprom.tsdb.db import Database, Options
from termprom.tsdb.files import Files
from termprom.tsdb.page_cache import PageCache
from termprom.tsdb.tombstones import read_tombstones
from tests.tsdb.failing_files import FailingFiles, Killed
from tests.tsdb.models import EVERYTHING, Samples, open_store, read_all

OPTIONS = Options(fsync_seconds=0, block_ms=1000, out_of_order_window_ms=2500)
STRANGE = [0x7FF0000000000002, 0x7FF8000000000001, 0xFFF8000000000123, 1, 1 << 63, 0x7FF << 52]


def fill(store: Database, start_ms: int = 1000, end_ms: int = 6000) -> dict[Labels, Samples]:
    """Rows of two groups with a gap, loose and late samples; what the store then shows."""
    rng = np.random.default_rng(7)
    groups = [store.group(Labels.of(job="j", instance=number)) for number in "01"]
    columns = [
        group.columns(
            [Labels.of(__name__=f"m{one % 4}", instance=number, n=str(one)) for one in range(12)]
        )
        for number, group in zip("01", groups, strict=True)
    ]
    for time_ms in range(start_ms, end_ms, 10):
        for number, group in enumerate(groups):
            row = rng.integers(0, 50, 12).astype(np.float64)
            row[3] = 7.25
            row.view(np.uint64)[5] = STRANGE[time_ms // 10 % len(STRANGE)]
            width = 12 if time_ms % 700 < 600 else 9
            group.append(time_ms + number, columns[number][:width], row[:width])
    for number, group in zip("01", groups, strict=True):
        loose = group.columns([Labels.of(__name__="own", instance=number)])
        times = np.arange(end_ms - 400, end_ms, 7, dtype=np.int64)
        group.append_loose(times, np.repeat(loose, times.size), times.astype(np.float64))
        late = np.arange(end_ms - 2000, end_ms - 600, 13, dtype=np.int64)
        group.append_loose(late, np.repeat(columns[0][:1], late.size), late * 0.5)
    return read_all(store)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_a_cut_changes_no_answer_and_gives_memory_and_log_back(folder: Path) -> None:
    store = open_store(folder, OPTIONS)
    before = fill(store)
    held = store.head.sample_count()
    store.maintain()
    view = store.view()
    assert view.blocks
    assert any(block.level > 1 for block in view.blocks), "a range of three is over"
    assert store.head.sample_count() < held / 2
    assert read_all(store) == before
    before = fill(store, 6000, 9000)
    store.maintain()
    view = store.view()
    store.close()
    assert "00000001.wal" not in {path.name for path in (folder / "wal").iterdir()}
    store = open_store(folder, OPTIONS)
    assert read_all(store) == before
    assert store.view().blocks == view.blocks
    assert store.view().head_start_ms >= 7000
    store.close()


def test_narrow_questions_and_labels_are_answered_by_blocks(folder: Path) -> None:
    store = open_store(folder, OPTIONS)
    before = fill(store)
    store.maintain()
    one = [Matcher(METRIC_NAME, MatchOp.EQUAL, "m1"), Matcher("n", MatchOp.REGEX, "1|5")]
    wanted = {
        labels: {time: cell for time, cell in samples.items() if 1500 <= time <= 2700}
        for labels, samples in before.items()
        if labels.get(METRIC_NAME) == "m1" and labels.get("n") in ("1", "5")
    }
    assert read_all(store, one, 1500, 2700) == wanted
    querier = store.querier(1500, 2700)
    assert querier.label_names() == ["__name__", "instance", "n"]
    assert querier.label_values("n", one) == ["1", "5"]
    querier.close()
    store.close()


def test_a_reader_from_before_the_cut_still_sees_everything(folder: Path) -> None:
    store = open_store(folder, OPTIONS)
    before = fill(store)
    querier = store.querier(0, 2**40)
    held = store.head.sample_count()
    store.maintain()
    assert store.head.sample_count() == held, "the reader may still look at it"
    selection = querier.select(EVERYTHING)
    found: dict[Labels, Samples] = {}
    for frame in selection.frames():
        for number, row in zip(frame.series.tolist(), frame.values.view(np.uint64), strict=True):
            used = np.flatnonzero(row != ABSENT_BITS)
            cells = zip(frame.times_ms[used].tolist(), row[used].tolist(), strict=True)
            found[selection.labels[number]] = dict(cells)
    assert found == before
    querier.close()
    store.maintain()
    assert store.head.sample_count() < held / 2
    assert read_all(store) == before
    store.close()


def open_cut(folder: Path) -> dict[Labels, Samples]:
    store = open_store(folder, OPTIONS)
    before = fill(store)
    store.maintain()
    store.close()
    return before


@pytest.mark.parametrize("name", [PAGES_NAME, INDEX_NAME, "meta.json"])
def test_a_flipped_byte_is_detected_or_harmless(folder: Path, name: str) -> None:
    before = open_cut(folder)
    path = sorted((folder / "blocks").glob(f"*/{name}"))[0]
    pristine = path.read_bytes()
    rng = np.random.default_rng(3)
    places = rng.choice(len(pristine), size=min(60, len(pristine)), replace=False)
    detected = 0
    for place in [0, len(pristine) - 1, *places.tolist()]:
        data = bytearray(pristine)
        data[place] ^= 1 << int(rng.integers(8))
        copy = folder.with_name("copy")
        shutil.copytree(folder, copy)
        (copy / path.relative_to(folder)).write_bytes(data)
        store = open_store(copy, OPTIONS)
        try:
            found = read_all(store)
            assert found == before or store.view().quarantined
        except CorruptFile:
            assert store.view().quarantined
        detected += bool(store.view().quarantined)
        # The rest answers, and the block is never read again.
        again = read_all(store)
        assert all(samples.items() <= before[labels].items() for labels, samples in again.items())
        store.maintain()
        store.close()
        assert len(list((copy / "blocks").glob("*.quarantined"))) == len(store.view().quarantined)
        shutil.rmtree(copy)
    assert detected > 30


def test_every_byte_of_a_small_block_counts(tmp_path: Path) -> None:
    """Each byte of each file flipped in turn: an error, or the very same samples."""
    store = open_store(tmp_path / "data", OPTIONS)
    group = store.group(Labels.of(job="j"))
    columns = group.columns([Labels.of(__name__="m", n=str(n)) for n in range(3)])
    for time_ms in range(1000, 3000, 100):
        group.append(time_ms, columns, np.array([7.25, time_ms / 3, float("nan")]))
    store.maintain()
    whole = store._blocks.blocks[0]
    wanted = cells_of(whole)
    detected = harmless = 0
    for path in sorted(whole.folder.iterdir()):
        pristine = path.read_bytes()
        for place in range(len(pristine)):
            data = bytearray(pristine)
            data[place] ^= 1 << place % 8
            path.write_bytes(data)
            try:
                block = Block(Files(), whole.folder, PageCache(0))
                block.verify()
                assert cells_of(block) == wanted
                harmless += 1
            except StorageError:
                detected += 1
        path.write_bytes(pristine)
    assert cells_of(Block(Files(), whole.folder, PageCache(0))) == wanted
    assert detected > 20 * harmless
    store.close()


def cells_of(block: Block) -> list[tuple[Labels, bytes, bytes]]:
    """Labels, times and bits of every series."""
    found = []
    every = np.arange(block.index.series_count, dtype=np.int64)
    for piece in block.pick(every, 0, 2**50).read(every):
        for series, row in zip(piece.series.tolist(), piece.bits, strict=True):
            labels = block.index.labels(series)
            found.append((labels, piece.times_ms.tobytes(), row.tobytes()))
    return sorted(found)


def test_a_damaged_manifest_loses_nothing(folder: Path) -> None:
    before = open_cut(folder)
    path = folder / "manifest.json"
    pristine = path.read_bytes()
    for place in range(0, len(pristine), 3):
        data = bytearray(pristine)
        data[place] ^= 1
        path.write_bytes(data)
        store = open_store(folder, OPTIONS)
        assert read_all(store) == before
        store.close()


def settled(folder: Path) -> dict[Labels, Samples]:
    """What a fresh start finds, and finds again after maintenance."""
    store = open_store(folder, OPTIONS)
    try:
        found = read_all(store)
        store.maintain()
        assert read_all(store) == found
        assert not store.view().quarantined
        assert not list((folder / "blocks").glob("*.tmp"))
        return found
    finally:
        store.close()


def test_killed_at_any_step_of_maintenance_nothing_is_lost(tmp_path: Path) -> None:
    kills = 0
    for at in range(0, 10_000, 3):
        folder, files = tmp_path / f"data{at}", FailingFiles()
        store = open_store(folder, OPTIONS, files)
        before = fill(store)
        files.arm(at, kill=True)
        try:
            store.maintain()
        except Killed:
            kills += 1
        store._claim.release()
        if not files.disarm():
            break
        assert settled(folder) == before
        shutil.rmtree(folder)
    assert kills > 20


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.__getitem__)
def test_a_disk_that_fails_at_any_step_loses_nothing_and_is_overcome(
    tmp_path: Path, code: int
) -> None:
    problems: list[StorageError] = []
    folder, files = tmp_path / "data", FailingFiles()
    for at in range(0, 10_000, 3):
        store = open_store(folder, OPTIONS, files)
        before = fill(store)
        files.arm(at, code=code)
        try:
            store.maintain()
        except StorageError as problem:
            problems.append(problem)
        reached = files.disarm()
        assert read_all(store) == before
        store.maintain()
        assert read_all(store) == before
        assert store.view().blocks
        store.close()
        assert settled(folder) == before
        shutil.rmtree(folder)
        if not reached:
            break
    assert len(problems) > 15
    assert {isinstance(one, DiskFull) for one in problems} == {code == errno.ENOSPC}


def test_a_block_of_a_later_version_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_cut(folder)
    path = sorted((folder / "blocks").glob("*/meta.json"))[0]
    meta = block_meta.BlockMeta.decode(path.read_bytes(), path)
    with monkeypatch.context() as patch:
        patch.setattr(block_meta, "BLOCK_VERSION", 2)
        path.write_bytes(meta.encode())
    store = open_store(folder, OPTIONS)
    assert meta.ulid not in {block.id for block in store.view().blocks}
    assert path.exists()
    store.close()


def test_a_foreign_name_is_left_alone(folder: Path) -> None:
    before = open_cut(folder)
    for name in ("lost+found", "notes.tmp", "x.gone"):
        (folder / "blocks" / name).mkdir()
    store = open_store(folder, OPTIONS)
    assert read_all(store) == before
    store.close()
    assert len(list((folder / "blocks").iterdir())) >= 4


def without(
    before: dict[Labels, Samples], name: str, start_ms: int, end_ms: int
) -> dict[Labels, Samples]:
    left = {
        labels: {
            time: cell
            for time, cell in samples.items()
            if labels.get(METRIC_NAME) != name or not start_ms <= time <= end_ms
        }
        for labels, samples in before.items()
    }
    return {labels: samples for labels, samples in left.items() if samples}


def test_what_was_deleted_stays_deleted(folder: Path) -> None:
    store = open_store(folder, OPTIONS)
    before = fill(store)
    store.maintain()
    # Across blocks, rows of the head and late samples.
    store.delete([Matcher(METRIC_NAME, MatchOp.EQUAL, "m0")], 1500, 5500)
    wanted = without(before, "m0", 1500, 5500)
    assert read_all(store) == wanted
    store._claim.release()  # killed
    store = open_store(folder, OPTIONS)
    assert read_all(store) == wanted
    store.delete([Matcher(METRIC_NAME, MatchOp.EQUAL, "own")], 0, 2**40)
    wanted = without(wanted, "own", 0, 2**40)
    assert read_all(store) == wanted
    store.clean_tombstones()
    assert read_all(store) == wanted
    assert not list((folder / "blocks").glob("*/tombstones.bin"))
    fill(store, 6000, 9000)
    store.maintain()
    found = read_all(store, end_ms=5999)
    store.close()
    # The late samples of the second filling reach back to 7000 at most.
    assert found == wanted


def test_a_block_of_which_nothing_is_left_goes(folder: Path) -> None:
    store = open_store(folder, OPTIONS)
    fill(store)
    store.maintain()
    last_ms = max(block.end_ms for block in store.view().blocks)
    store.delete(EVERYTHING, 0, last_ms)
    store.clean_tombstones()
    assert not store.view().blocks
    store.close()


def test_a_flipped_tombstone_is_detected(folder: Path) -> None:
    store = open_store(folder, OPTIONS)
    fill(store)
    store.maintain()
    store.delete([Matcher(METRIC_NAME, MatchOp.EQUAL, "m0")], 1500, 1600)
    store.close()
    path = next((folder / "blocks").glob("*/tombstones.bin"))
    pristine = path.read_bytes()
    for place in range(len(pristine)):
        data = bytearray(pristine)
        data[place] ^= 4
        path.write_bytes(data)
        with pytest.raises(CorruptFile):
            read_tombstones(Files(), path.parent)


def test_a_snapshot_is_a_data_folder_of_its_own(folder: Path) -> None:
    store = open_store(folder, OPTIONS)
    before = fill(store)
    store.maintain()
    name = store.snapshot()
    without_head = store.snapshot(skip_head=True)
    fill(store, 6000, 9000)
    store.maintain()
    store.close()
    copy = open_store(folder / "snapshots" / name, OPTIONS)
    assert read_all(copy) == before
    copy.maintain()
    assert read_all(copy) == before
    copy.close()
    copy = open_store(folder / "snapshots" / without_head, OPTIONS)
    assert 0 < sum(map(len, read_all(copy).values())) < sum(map(len, before.values()))
    copy.close()
