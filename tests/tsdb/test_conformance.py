"""The original's own scripts of PromQL, with their samples in the store instead of in a dict."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.storage import HistogramSample
from termprom.testing.promqltest import runner
from termprom.testing.promqltest.script import Load
from termprom.tsdb.db import Database, Options
from termprom.tsdb.querier import TsdbQuerier
from tests.shared_folder import shared
from tests.tsdb.models import open_store

# Scripts load one series after the other from time 0 on, so everything is late but the first.
OPTIONS = Options(fsync_seconds=0, block_ms=7_200_000, out_of_order_window_ms=2**50)
SCRIPTS = (
    "aggregators",
    "functions",
    "histograms",
    "native_histograms",
    "operators",
    "range_queries",
    "selectors",
    "staleness",
    "start_timestamps",
    "subquery",
)


class StoreUnderScript:
    """What a script loads into, in a folder of its own; `cut` puts into blocks what it can."""

    def __init__(self, folder: Path, *, cut: bool) -> None:
        self._store: Database = open_store(folder, OPTIONS)
        self._cut = cut

    def load(self, command: Load) -> None:
        group = self._store.group(Labels.of(script="load"))
        lines = {one.labels: one for one in command.series if one.start_offsets is None}
        starts: dict[Labels, dict[int, int]] = {}
        for line in command.series:
            for position, offset in enumerate(line.start_offsets or ()):
                time_ms = position * command.step_ms
                if offset is not None:
                    starts.setdefault(line.labels, {})[time_ms] = time_ms + offset
        for labels, line in lines.items():
            column = int(group.columns([labels])[0])
            times, values = [], []
            histograms: list[tuple[int, HistogramSample]] = []
            known = starts.get(labels, {})
            for position, item in enumerate(line.items):
                time_ms = position * command.step_ms
                if isinstance(item, FloatHistogram):
                    sample = HistogramSample(column, item, known.get(time_ms, 0))
                    histograms.append((time_ms, sample))
                elif item is not None:
                    times.append(time_ms)
                    values.append(item)
            group.append_loose(
                np.array(times, dtype=np.int64),
                np.full(len(times), column, dtype=np.int64),
                np.array(values, dtype=np.float64),
                histograms=histograms,
                starts_ms=np.array([known.get(one, 0) for one in times], dtype=np.int64),
            )
        if self._cut:
            self._store.maintain()

    def querier(self, start_ms: int, end_ms: int) -> TsdbQuerier:
        return self._store.querier(start_ms, end_ms)


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        *((name, True) for name in SCRIPTS),
        ("native_histograms", False),
        ("start_timestamps", False),
    ],
)
def test_every_question_is_answered(
    name: str, cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count()
    monkeypatch.setattr(
        runner,
        "ScriptStorage",
        lambda: StoreUnderScript(tmp_path / str(next(numbers)), cut=cut),
    )
    report = runner.run_script(shared("conformance", "promqltest", f"{name}.test").read_text())
    assert report.passed
    assert [str(one) for one in report.failures] == []
