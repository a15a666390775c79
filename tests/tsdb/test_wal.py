"""The write-ahead log: every prefix replays to a prefix; flipped bytes are found or harmless."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from termprom.errors import DataFolderLocked
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.storage import Exemplar, HistogramSample
from termprom.testing.clock import ManualClock
from termprom.tsdb import replay
from termprom.tsdb.db import Database, ReplayProgress
from termprom.tsdb.identity import encoded
from termprom.tsdb.wal_entries import (
    EntryReader,
    ExemplarsEntry,
    encode_exemplars,
    encode_metadata,
    encode_symbols,
)
from termprom.tsdb.wal_reader import list_segments
from termprom.tsdb.wal_writer import frame
from tests.tsdb.histogram_models import histogram, read_histograms
from tests.tsdb.models import EVERYTHING, FAR_MS, Samples, bits, open_store, read_all, values_of

T0 = 1_700_000_000_000
SERIES = [Labels.of(__name__="m", n=str(number)) for number in range(5)]


State = tuple[dict[Labels, Samples], object, object, object]


def state(store: Database) -> State:
    """All that a reader sees."""
    return (
        read_all(store),
        read_histograms(store),
        store.exemplars([EVERYTHING], 0, FAR_MS),
        store.metadata(),
    )


def write(folder: Path, rows: int) -> list[State]:
    """A log of `rows` commits; what a reader had to see after each, the first after none."""
    store = open_store(folder)
    group = store.group(Labels.of(job="a"))
    columns = group.columns(SERIES)
    states: list[State] = [({}, {}, [], [])]
    for row in range(rows):
        if row % 7 == 2:
            group.append_exemplars([(1, Exemplar(Labels.of(id=str(row)), 2.5, T0 + row))])
        elif row % 7 == 3:
            group.set_metadata({f"m{row}": Metadata(MetricType.COUNTER, "Things.", "")})
        elif row % 7 == 5:
            sample = HistogramSample(int(columns[4]), histogram(row), T0)
            group.append(T0 + row * 1000, columns[:1], values_of([bits(0.5)]), histograms=[sample])
        elif row % 5 == 4:  # two samples with times of their own
            group.append_loose(
                np.array([T0 + row * 1000 + 1, T0 + row * 1000 + 2], dtype=np.int64),
                columns[:2],
                values_of([bits(row + 0.25), bits(row + 0.5)]),
            )
        else:
            width = 5 if row % 3 else 3
            cells = [bits(float(row * one)) for one in range(width)]
            group.append(T0 + row * 1000, columns[:width], values_of(cells))
        states.append(state(store))
    store.close()
    return states


def test_every_prefix_replays_to_a_prefix(tmp_path: Path) -> None:
    states = write(tmp_path / "whole", 10)
    (segment,) = list_segments(tmp_path / "whole" / "wal")
    data = segment.path.read_bytes()
    seen = set()
    for length in range(len(data) + 1):
        folder = tmp_path / "cut"
        (folder / "wal").mkdir(parents=True)
        (folder / "wal" / segment.path.name).write_bytes(data[:length])
        store = open_store(folder)
        found = state(store)
        assert found in states
        seen.add(states.index(found))
        dropped = store.view().replay_dropped
        store.close()
        if length % 8 == 0:
            # What is torn was cut off: the next start has nothing to report.
            again = open_store(folder)
            assert state(again) == found
            if length >= 16:
                size = (folder / "wal" / segment.path.name).stat().st_size
                assert again.view().replay_dropped == ""
                assert bool(dropped) == (size < length)
            again.close()
        shutil.rmtree(folder)
    assert seen == set(range(len(states)))


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    states = write(tmp_path / "whole", 7)
    (segment,) = list_segments(tmp_path / "whole" / "wal")
    data = bytearray(segment.path.read_bytes())
    for place in range(len(data)):
        folder = tmp_path / "flipped"
        (folder / "wal").mkdir(parents=True)
        data[place] ^= 0x40
        (folder / "wal" / segment.path.name).write_bytes(data)
        data[place] ^= 0x40
        store = open_store(folder)
        assert state(store) in states
        assert "corrupt at byte" in store.view().replay_dropped
        store.close()
        shutil.rmtree(folder)


def test_a_corrupt_middle_segment_is_skipped_and_the_rest_is_read(tmp_path: Path) -> None:
    for number in range(3):
        store = open_store(tmp_path)
        group = store.group(Labels.of(job="a"))
        group.append(T0 + number * 1000, group.columns(SERIES[:1]), np.array([float(number)]))
        store.close()
    _first, middle, _last = list_segments(tmp_path / "wal")
    damaged = bytearray(middle.path.read_bytes())
    damaged[-1] ^= 1
    middle.path.write_bytes(damaged)
    store = open_store(tmp_path)
    assert list(read_all(store)[SERIES[0]]) == [T0, T0 + 2000]
    assert "rest of the segment skipped" in store.view().replay_dropped
    store.close()
    assert middle.path.read_bytes() == damaged, "what cannot be read is not thrown away"


def test_a_start_begins_a_segment_of_its_own(tmp_path: Path) -> None:
    for number in range(3):
        store = open_store(tmp_path)
        group = store.group(Labels.of(job="a"))
        group.append(T0 + number, group.columns(SERIES[:1]), np.array([1.0]))
        store.close()
    assert [segment.number for segment in list_segments(tmp_path / "wal")] == [1, 2, 3]


EXAMPLES = {
    "a record": lambda: frame(encode_symbols([0], ["a"])),
    "an entry with one exemplar": lambda: encode_exemplars(
        3, [(1, Exemplar(Labels.of(a="b"), 1.0, 7))]
    ),
    "an entry with metadata": lambda: encode_metadata(
        3, {"up": Metadata(MetricType.GAUGE, "h", "")}
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_bytes_of_the_format_page(name: str) -> None:
    page = Path(__file__).parents[2] / "termprom" / "tsdb" / "FORMAT.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith(f"Example, {name}"))
    example = bytes.fromhex(lines[place + 1].strip("` "))
    assert EXAMPLES[name]() == example
    if "entry" in name:
        (entry,) = EntryReader().entries(memoryview(example))
        again = (
            encode_exemplars(entry.group, entry.exemplars)
            if isinstance(entry, ExemplarsEntry)
            else encode_metadata(entry.group, entry.metadata)
        )
        assert again == example


def test_two_stores_cannot_share_a_folder(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(DataFolderLocked):
        open_store(tmp_path)
    store.close()
    open_store(tmp_path).close()


def test_lone_surrogates_become_question_marks() -> None:
    assert encoded("a\ud800b") == b"a?b"


class SlowClock(ManualClock):
    """Three seconds pass whenever somebody looks."""

    def __init__(self) -> None:
        super().__init__()
        self._looked = 0

    def monotonic(self) -> float:
        self._looked += 1
        return 3.0 * self._looked


def test_a_long_replay_tells_how_far_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 30)
    monkeypatch.setattr(replay, "_TELL_BYTES", 200)
    seen: list[ReplayProgress] = []
    with caplog.at_level("INFO", logger="termprom.tsdb"):
        store = Database.open(tmp_path, clock=SlowClock(), progress=seen.append)
    store.close()
    assert seen[0].bytes_done == 0
    assert seen[-1].bytes_done == seen[-1].bytes > 0
    done = [one.bytes_done for one in seen]
    assert done == sorted(done)
    assert len(done) > 4
    said = [record.getMessage() for record in caplog.records]
    assert "reading the write-ahead log" in said
    assert said[-1] == "read the write-ahead log"
