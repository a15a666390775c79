"""Series that come and go: the head forgets them, and every answer stays as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from termprom.errors import ColumnsDropped
from termprom.model.labels import Labels
from termprom.tsdb.db import Database, Options
from tests.tsdb.models import EVERYTHING, Samples, bits, open_store, read_all

OPTIONS = Options(fsync_seconds=0, block_ms=1000)
GROUP = Labels.of(job="cadvisor")
STEADY = [Labels.of(__name__="machine", n=str(number)) for number in range(5)]


def pods(wave: int) -> list[Labels]:
    return [Labels.of(__name__="container", pod=f"pod-{wave}-{n}") for n in range(20)]


def run_waves(store: Database, waves: range, wanted: dict[Labels, Samples]) -> int:
    """Each wave of pods lives for half a block; the newest time."""
    group = store.group(GROUP)
    time_ms = 0
    for wave in waves:
        labels = [*STEADY, *pods(wave)]
        columns = group.columns(labels)
        for step in range(50):
            time_ms = 10_000 + wave * 500 + step * 10
            values = np.arange(len(labels)) + float(time_ms)
            group.append(time_ms, columns, values)
            for one, value in zip(labels, values.tolist(), strict=True):
                wanted.setdefault(one, {})[time_ms] = bits(value)
        store.maintain()
        assert read_all(store) == wanted
    return time_ms


def test_what_has_gone_is_forgotten_and_every_answer_stays(tmp_path: Path) -> None:
    store = open_store(tmp_path, OPTIONS)
    wanted: dict[Labels, Samples] = {}
    run_waves(store, range(12), wanted)
    # 245 series so far; those of the last three blocks or so may still be in the head.
    assert store.view().head_series < 165
    assert store.head.counters.removed > 80
    symbols = len(store.head.catalogue.symbols)
    assert symbols < 245
    store.close()
    store = open_store(tmp_path, OPTIONS)
    assert read_all(store) == wanted
    run_waves(store, range(12, 30), wanted)
    assert store.view().head_series < 165
    store.close()
    store = open_store(tmp_path, OPTIONS)
    assert read_all(store) == wanted
    assert store.verify() == []
    store.close()


def test_a_series_that_comes_back_goes_on(tmp_path: Path) -> None:
    store = open_store(tmp_path, OPTIONS)
    wanted: dict[Labels, Samples] = {}
    group = store.group(GROUP)
    first = group.columns(pods(0))
    run_waves(store, range(10), wanted)
    with pytest.raises(ColumnsDropped):
        group.append(20_000, first, np.zeros(first.size))
    times = np.full(first.size, 20_000, dtype=np.int64)
    with pytest.raises(ColumnsDropped):
        group.append_loose(times, first, np.zeros(first.size))
    again = group.columns(pods(0))
    appended = group.append(20_000, again, np.zeros(again.size))
    assert (appended.stored, appended.created) == (20, 20)
    for one in pods(0):
        wanted[one][20_000] = bits(0.0)
    assert read_all(store) == wanted
    store.close()
    store = open_store(tmp_path, OPTIONS)
    assert read_all(store) == wanted
    store.close()


def test_a_reader_from_before_sees_what_it_saw(tmp_path: Path) -> None:
    store = open_store(tmp_path, OPTIONS)
    wanted: dict[Labels, Samples] = {}
    newest_ms = run_waves(store, range(8), wanted)
    querier = store.querier(0, newest_ms)
    selection = querier.select(EVERYTHING)
    before = {labels: dict(samples) for labels, samples in wanted.items()}
    run_waves(store, range(8, 14), wanted)
    found = {}
    for frame in selection.frames():
        for number, row in zip(frame.series.tolist(), frame.values.view(np.uint64), strict=True):
            alive = row != 0x7FF474657262707D
            found[selection.labels[number]] = dict(
                zip(frame.times_ms[alive].tolist(), row[alive].tolist(), strict=True)
            )
    assert found == before
    querier.close()
    run_waves(store, range(14, 18), wanted)
    assert store.view().head_series < 165
    store.close()


def test_groups_that_were_released_go_as_well(tmp_path: Path) -> None:
    store = open_store(tmp_path, OPTIONS)
    wanted: dict[Labels, Samples] = {}
    for wave in range(20):
        group = store.group(Labels.of(instance=str(wave)))
        labels = [Labels.of(__name__="up", instance=str(wave))]
        columns = group.columns(labels)
        for step in range(50):
            time_ms = 10_000 + wave * 500 + step * 10
            group.append(time_ms, columns, np.array([1.0]))
            wanted.setdefault(labels[0], {})[time_ms] = bits(1.0)
        group.release()
        store.maintain()
    assert len(store.head.groups) < 8
    assert read_all(store) == wanted
    # The same target again is the same group again, with rows that line up.
    group = store.group(Labels.of(instance="0"))
    group.append(20_010, group.columns([Labels.of(__name__="up", instance="0")]), np.array([2.0]))
    wanted[Labels.of(__name__="up", instance="0")][20_010] = bits(2.0)
    store.close()
    store = open_store(tmp_path, OPTIONS)
    assert read_all(store) == wanted
    store.close()
