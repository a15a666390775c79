"""`termprom tsdb`: what it prints of a data folder, and that looking changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from termprom.cli.main import main
from termprom.model.labels import Labels
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database, Options

BLOCK_MS = 7_200_000
START_MS = 1_700_006_400_000  # at the start of a block's range


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five hours of two series, the first two of them in a block."""
    store = Database.open(tmp_path, Options(fsync_seconds=0), clock=ManualClock())
    group = store.group(Labels.of(job="a"))
    columns = group.columns(
        [Labels.of(__name__="up", job="a"), Labels.of(__name__="temp", room='x"y')]
    )
    for number in range(300):
        group.append(START_MS + number * 60_000, columns, np.array([1.0, number / 8]))
    store.maintain()
    store.close()
    return tmp_path


def state(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_list_shows_blocks_and_the_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(folder)
    assert main(["tsdb", "list", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("BLOCK", "FROM", "TO", "LEVEL", "SERIES", "SAMPLES", "BYTES", "B/SAMPLE")
    ]
    block = lines[1].split()
    assert block[1:6] == ["2023-11-15T00:00:00Z", "2023-11-15T01:59:00Z", "1", "2", "240"]
    assert lines[2].startswith("head and log")
    assert lines[2].split()[3:8] == [
        *("2023-11-15T02:00:00Z", "2023-11-15T04:59:00Z", "-", "2", "360")
    ]
    assert len(lines) == 3
    assert state(folder) == before


def test_dump_prints_samples_as_promtool_does(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end = str((START_MS + 60_000) / 1000)
    assert main(["tsdb", "dump", "--max-time", end, str(folder)]) == 0
    assert sorted(capsys.readouterr().out.splitlines()) == [
        '{__name__="temp", room="x\\"y"} 0 1700006400000',
        '{__name__="temp", room="x\\"y"} 0.125 1700006460000',
        '{__name__="up", job="a"} 1 1700006400000',
        '{__name__="up", job="a"} 1 1700006460000',
    ]
    assert main(["tsdb", "dump", "--match", "temp", str(folder)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 300


def test_verify_names_the_damage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tsdb", "verify", str(folder)]) == 0
    assert capsys.readouterr().out == "1 blocks and the log read, 0 problems\n"
    pages = next((folder / "blocks").glob("*/pages.bin"))
    data = bytearray(pages.read_bytes())
    data[len(data) // 2] ^= 1
    pages.write_bytes(data)
    before = state(folder)
    assert main(["tsdb", "verify", str(folder)]) == 1
    captured = capsys.readouterr()
    assert f"{pages}: corrupt at byte" in captured.err
    assert captured.out == "1 blocks and the log read, 1 problems\n"
    assert state(folder) == before, "looking does not set the block apart"


def test_delete_and_snapshot(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tsdb", "snapshot", str(folder)]) == 0
    copy = capsys.readouterr().out.strip()
    assert main(["tsdb", "delete", "--match", 'temp{room=~"x.*"}', str(folder)]) == 0
    capsys.readouterr()
    for where, count in ((str(folder), 300), (copy, 600)):
        assert main(["tsdb", "dump", where]) == 0
        assert len(capsys.readouterr().out.splitlines()) == count
    assert main(["tsdb", "delete", str(folder)]) == 2


@pytest.mark.parametrize("kind", ["list", "verify", "dump"])
def test_a_folder_of_something_else_is_refused(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tsdb", kind, str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"termprom tsdb {kind}: {tmp_path}: not a data folder of termprom\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_bad_selector_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tsdb", "dump", "--match", "up{", str(folder)]) == 1
    assert "parse error" in capsys.readouterr().err
