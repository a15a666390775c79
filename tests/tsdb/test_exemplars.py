"""Exemplars and metadata: kept within bounds, found again, and there after a restart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry

from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.metadata import Metadata, MetricType
from termprom.storage import Exemplar, ExemplarsAppended
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database, Options
from tests.tsdb.models import EVERYTHING, FAR_MS, open_store

SERIES = [Labels.of(__name__="bucket", le=str(number)) for number in range(3)]
GROUP = Labels.of(job="a")


def trace(number: int, time_ms: int, value: float = 1.0) -> Exemplar:
    return Exemplar(Labels.of(trace_id=f"{number:016x}"), value, time_ms)


def found(store: Database) -> dict[Labels, list[Exemplar]]:
    return dict(store.exemplars([EVERYTHING], 0, FAR_MS))


def test_found_by_matchers_and_time_and_there_after_a_restart(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    group = store.group(GROUP)
    columns = group.columns(SERIES).tolist()
    pairs = [(column, trace(10 * column + n, 1000 + n)) for n in range(5) for column in columns]
    assert group.append_exemplars(pairs) == ExemplarsAppended(15)
    everything = {
        one: [trace(10 * n + t, 1000 + t) for t in range(5)] for n, one in enumerate(SERIES)
    }
    for _ in range(2):
        assert found(store) == everything
        assert list(found(store)) == SERIES
        narrow = store.exemplars(
            [
                [Matcher("le", MatchOp.EQUAL, "1")],
                [Matcher(METRIC_NAME, MatchOp.EQUAL, "bucket"), Matcher("le", MatchOp.EQUAL, "2")],
            ],
            1001,
            1002,
        )
        assert narrow == [(one, everything[one][1:3]) for one in SERIES[1:]]
        assert store.exemplars([[Matcher("le", MatchOp.EQUAL, "9")]], 0, FAR_MS) == []
        store._claim.release()  # killed
        store = open_store(tmp_path)
    store.close()


def test_taken_as_upstream_takes_them(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    group = store.group(GROUP)
    group.columns(SERIES)
    assert group.append_exemplars([(0, trace(1, 1000))]).stored == 1
    assert group.append_exemplars([(0, trace(1, 1000))]).stored == 1, "the newest one again"
    assert group.append_exemplars([(0, trace(2, 999))]).out_of_order == 1
    assert group.append_exemplars([(0, trace(2, 1000, 0.5))]).out_of_order == 1
    assert group.append_exemplars([(0, trace(2, 1000, 1.5))]).stored == 1, "another bucket's"
    assert group.append_exemplars([(1, trace(2, 999))]).stored == 1
    long = Exemplar(Labels.of(trace_id="x" * 121), 1.0, 2000)
    assert group.append_exemplars([(0, long), (1, trace(3, 1000))]) == ExemplarsAppended(1, 0, 1)
    assert found(store) == {
        SERIES[0]: [trace(1, 1000), trace(2, 1000, 1.5)],
        SERIES[1]: [trace(2, 999), trace(3, 1000)],
    }
    store.close()


def test_the_metrics_count_as_upstream(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    options = Options(fsync_seconds=0, exemplars_max=2)
    store = Database.open(tmp_path, options, clock=ManualClock(), registry=registry)
    group = store.group(GROUP)
    group.columns(SERIES)
    group.append_exemplars([(0, trace(n, 1000 + n)) for n in range(3)] + [(1, trace(9, 1000))])
    group.append_exemplars([(1, trace(9, 900))])
    found = {
        name: registry.get_sample_value(f"prometheus_tsdb_exemplar_{name}")
        for name in (
            "exemplars_in_storage",
            "series_with_exemplars_in_storage",
            "max_exemplars",
            "exemplars_appended_total",
            "out_of_order_exemplars_total",
        )
    }
    assert list(found.values()) == [2, 2, 2, 4, 1]
    store.close()


def test_the_ring_is_bounded_and_can_be_switched_off(tmp_path: Path) -> None:
    store = open_store(tmp_path, Options(fsync_seconds=0, exemplars_max=10))
    group = store.group(GROUP)
    group.columns(SERIES)
    for number in range(25):
        group.append_exemplars([(number % 3 if number < 12 else 0, trace(number, 1000 + number))])
    assert found(store) == {SERIES[0]: [trace(number, 1000 + number) for number in range(15, 25)]}
    store.set_options(Options(fsync_seconds=0, exemplars_max=0))
    assert found(store) == {}
    assert group.append_exemplars([(0, trace(99, 2000))]) == ExemplarsAppended()
    store.close()
    store = open_store(tmp_path, Options(fsync_seconds=0, exemplars_max=3))
    assert found(store) == {SERIES[0]: [trace(number, 1000 + number) for number in (22, 23, 24)]}
    store.close()


def test_metadata_is_there_for_as_long_as_samples_are_in_the_log(tmp_path: Path) -> None:
    counter = Metadata(MetricType.COUNTER, "Things,\nin number.", "things")
    options = Options(fsync_seconds=0, block_ms=1000)
    store = open_store(tmp_path, options)
    group = store.group(GROUP)
    group.set_metadata({"a_total": counter})
    logged = store.view().wal_bytes
    group.set_metadata({"a_total": counter})
    assert store.view().wal_bytes == logged, "told again it costs nothing"
    group.set_metadata({"b": Metadata(MetricType.GAUGE)})
    wanted = [(GROUP, "a_total", counter), (GROUP, "b", Metadata(MetricType.GAUGE))]
    assert store.metadata() == wanted
    columns = group.columns(SERIES)
    for time_ms in range(1000, 8000, 100):
        group.append(time_ms, columns, np.zeros(3))
        if time_ms % 1000 == 0:
            store.maintain()
    assert not (tmp_path / "wal" / "00000001.wal").exists(), "the segment that told it first"
    store.close()
    store = open_store(tmp_path, options)
    assert store.metadata() == wanted
    store.close()
