"""Native histograms and start timestamps: what is appended comes back, wherever it lies."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.values import STALE, STALE_BITS
from termprom.storage import HistogramSample
from termprom.tsdb.components import bucket_indexes, spans_of
from termprom.tsdb.db import Options
from tests.tsdb.histogram_models import Plain, histogram, plain, read_histograms
from tests.tsdb.models import EVERYTHING, FAR_MS, open_store, read_all

OPTIONS = Options(fsync_seconds=0, block_ms=1000, out_of_order_window_ms=400)
GROUP = Labels.of(job="a")
SERIES = [Labels.of(__name__="latency", n=str(number)) for number in range(3)]
NOTHING = np.zeros(0, dtype=np.int64)

custom = FloatHistogram(
    -53,
    0.0,
    0.0,
    6.0,
    17.5,
    (BucketSpan(0, 2), BucketSpan(1, 1)),
    (1.0, 2.0, 3.0),
    custom_values=(0.1, 0.5, 1e300),
)


def test_spans_and_indexes_agree() -> None:
    spans = (BucketSpan(-3, 2), BucketSpan(4, 1))
    assert bucket_indexes(spans) == [-3, -2, 3]
    assert spans_of([-3, -2, 3]) == spans
    assert spans_of([]) == ()


def test_a_scrape_of_floats_and_histograms_is_one_row(tmp_path: Path) -> None:
    store = open_store(tmp_path, OPTIONS)
    group = store.group(GROUP)
    columns = group.columns([*SERIES, Labels.of(__name__="up")])
    wanted: dict[Labels, dict[int, Plain]] = {SERIES[0]: {}, SERIES[1]: {}}
    for step in range(300):
        time_ms = 1000 + 10 * step
        first, second = histogram(step), custom if step % 2 else histogram(step, gauge=True)
        appended = group.append(
            time_ms,
            columns[2:],
            np.array([float(step), 1.0]),
            histograms=[
                HistogramSample(int(columns[0]), first, 500),
                HistogramSample(int(columns[1]), second),
            ],
        )
        assert (appended.stored, appended.created) == (4, 4 if step == 0 else 0)
        wanted[SERIES[0]][time_ms] = plain(first, 500)
        wanted[SERIES[1]][time_ms] = plain(second, 0)
    floats = read_all(store)
    assert set(floats) == {SERIES[2], Labels.of(__name__="up")}
    assert read_histograms(store) == wanted
    view = store.view()
    assert view.head_series == 4
    store._claim.release()  # killed

    store = open_store(tmp_path, OPTIONS)
    assert read_histograms(store) == wanted
    store.maintain()
    assert store.view().blocks
    assert read_histograms(store) == wanted
    assert read_all(store) == floats
    narrow = {
        labels: {t: h for t, h in one.items() if 1500 <= t <= 2700}
        for labels, one in wanted.items()
    }
    assert read_histograms(store, 1500, 2700) == narrow
    querier = store.querier(0, FAR_MS)
    assert querier.label_names() == ["__name__", "n"]
    assert querier.label_values("") == []
    assert querier.label_values("n", [Matcher(METRIC_NAME, MatchOp.EQUAL, "latency")]) == list(
        "012"
    )
    assert list(querier.select(EVERYTHING).labels) == sorted([*SERIES, Labels.of(__name__="up")])
    querier.close()
    assert store.cardinality().series == 4
    assert not [pair for pair in store.cardinality().by_pair if pair[0].startswith("=")]
    store.delete([Matcher("n", MatchOp.EQUAL, "0")], 0, 2000)
    wanted[SERIES[0]] = {t: one for t, one in wanted[SERIES[0]].items() if t > 2000}
    assert read_histograms(store) == wanted
    store.clean_tombstones()
    assert read_histograms(store) == wanted
    assert store.verify() == []
    store.close()


def test_a_stale_marker_ends_what_the_series_last_had(tmp_path: Path) -> None:
    store = open_store(tmp_path, OPTIONS)
    group = store.group(GROUP)
    columns = group.columns(SERIES[:1])
    group.append(1000, columns, np.array([1.0]))
    group.append(1010, columns, STALE)
    group.append(1020, NOTHING, np.zeros(0), histograms=[HistogramSample(0, histogram(1))])
    group.append(1030, columns, STALE)
    store.close()
    store = open_store(tmp_path, OPTIONS)
    group = store.group(GROUP)
    group.append(1040, NOTHING, np.zeros(0), histograms=[HistogramSample(0, histogram(1))])
    store.close()
    store = open_store(tmp_path, OPTIONS)  # what is newest is known again after a start
    group = store.group(GROUP)
    group.append(1050, group.columns(SERIES[:1]), STALE)
    assert list(read_all(store)[SERIES[0]]) == [1000, 1010]
    found = read_histograms(store)[SERIES[0]]
    assert list(found) == [1020, 1030, 1040, 1050]
    assert found[1030][7] == found[1050][7] == STALE_BITS
    store.close()


def test_a_histogram_is_refused_as_a_whole(tmp_path: Path) -> None:
    store = open_store(tmp_path, Options(fsync_seconds=0, block_ms=1000))
    group = store.group(GROUP)
    columns = group.columns(SERIES[:1])

    def append(time_ms: int, one: FloatHistogram) -> tuple[int, int, int, int]:
        got = group.append(time_ms, NOTHING, np.zeros(0), histograms=[HistogramSample(0, one)])
        return got.stored, got.duplicates, got.out_of_order, got.too_old

    assert append(1000, histogram(1)) == (1, 0, 0, 0)
    assert append(1000, histogram(1)) == (1, 0, 0, 0)
    assert append(1000, histogram(2)) == (0, 1, 0, 0)
    assert append(990, histogram(2)) == (0, 0, 1, 0)
    assert append(100, histogram(2)) == (0, 0, 0, 1)
    assert group.append(1000, columns, np.array([3.0])).duplicates == 1
    assert group.append(990, columns, np.array([3.0])).out_of_order == 1
    twice = [(1010, HistogramSample(0, histogram(seed))) for seed in (5, 5, 6)]
    got = group.append_loose(NOTHING, NOTHING, np.zeros(0), histograms=twice)
    assert (got.stored, got.duplicates) == (2, 1)
    assert read_histograms(store) == {
        SERIES[0]: {1000: plain(histogram(1), 0), 1010: plain(histogram(5), 0)}
    }
    store.close()


def test_starts_of_floats_come_with_their_frames(tmp_path: Path) -> None:
    store = open_store(tmp_path, OPTIONS)
    group = store.group(GROUP)
    columns = group.columns(SERIES)
    for step in range(200):
        starts = np.array([7, 0, 900 if step < 100 else 1900], dtype=np.int64)
        group.append(1000 + 10 * step, columns, np.arange(3.0) + step, starts_ms=starts)

    def check() -> None:
        querier = store.querier(0, FAR_MS)
        selection = querier.select(EVERYTHING)
        assert list(selection.labels) == SERIES
        seen = 0
        for frame in selection.frames():
            assert frame.starts_ms is not None
            for number, row in zip(frame.series.tolist(), frame.starts_ms, strict=True):
                early = frame.times_ms < 2000
                wanted = [np.full(200, 7), np.zeros(200), np.where(early, 900, 1900)][number]
                assert row.tolist() == wanted.tolist()
                seen += 1
        assert seen == 3
        querier.close()

    check()
    store.maintain()
    assert store.view().blocks
    check()
    store.close()
    store = open_store(tmp_path, OPTIONS)
    check()
    store.close()


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["row", "loose", "maintain", "reopen"]),
            st.integers(-500, 60),
            st.integers(0, 2),
            st.integers(0, 5),
        ),
        min_size=5,
        max_size=60,
    )
)
def test_histograms_against_a_dict(steps: list[tuple[str, int, int, int]]) -> None:
    """Late histograms included; of two at one time the first stays."""
    with tempfile.TemporaryDirectory() as name:
        store = open_store(Path(name), OPTIONS)
        group = store.group(GROUP)
        columns = group.columns(SERIES)
        wanted: dict[Labels, dict[int, Plain]] = {}
        now_ms = 10_000
        for kind, step, number, seed in steps:
            if kind == "maintain":
                store.maintain()
            elif kind == "reopen":
                store.close()
                store = open_store(Path(name), OPTIONS)
                group = store.group(GROUP)
                columns = group.columns(SERIES)
            else:
                time_ms = now_ms + step
                now_ms = max(now_ms, time_ms)
                one = histogram(seed, schema=seed % 2)
                sample = HistogramSample(int(columns[number]), one, seed * 100)
                if kind == "row":
                    got = group.append(time_ms, NOTHING, np.zeros(0), histograms=[sample])
                else:
                    pair = [(time_ms, sample)]
                    got = group.append_loose(NOTHING, NOTHING, np.zeros(0), histograms=pair)
                held = wanted.setdefault(SERIES[number], {})
                if got.stored:
                    held.setdefault(time_ms, plain(one, seed * 100))
            assert read_histograms(store) == {k: v for k, v in wanted.items() if v}
            assert read_all(store) == {}
        store.close()


@pytest.mark.parametrize("one", [histogram(3), custom])
def test_a_layout_is_written_and_read_back(tmp_path: Path, one: FloatHistogram) -> None:
    store = open_store(tmp_path, OPTIONS)
    group = store.group(GROUP)
    group.columns(SERIES[:1])
    group.append(1000, NOTHING, np.zeros(0), histograms=[HistogramSample(0, one)])
    assert read_histograms(store)[SERIES[0]][1000] == plain(one, 0)
    store.close()
