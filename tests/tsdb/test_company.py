"""Appends, queries, maintenance and deletion at once: nobody sees half of anything."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.tsdb.db import Database, Options
from tests.tsdb.models import open_store, read_all

OPTIONS = Options(fsync_seconds=0, block_ms=500, out_of_order_window_ms=300)
KEPT = [Labels.of(__name__="kept", n=str(number)) for number in range(20)]
DELETED = [Labels.of(__name__="deleted", n=str(number)) for number in range(5)]
ROWS = 1500


class Company:
    """One store and what its threads have to say when something is wrong."""

    def __init__(self, store: Database) -> None:
        self.store = store
        self.newest_ms = 0  # of the last row that was acknowledged
        self.done = threading.Event()
        self.asked = threading.Event()  # often enough
        self.rounds = 0
        self.problems: list[str] = []

    def write(self) -> None:
        group = self.store.group(Labels.of(job="company"))
        columns = group.columns([*KEPT, *DELETED])
        for row in range(ROWS):
            time_ms = 1000 + row * 10
            group.append(time_ms, columns, np.full(columns.size, float(time_ms)))
            self.newest_ms = time_ms
        self.asked.wait(timeout=60)
        self.done.set()

    def maintain(self) -> None:
        matcher = Matcher(METRIC_NAME, MatchOp.EQUAL, "deleted")
        while not self.done.is_set():
            self.store.maintain()
            self.store.delete([matcher], 0, self.newest_ms - 200)

    def ask(self) -> None:
        matcher = Matcher(METRIC_NAME, MatchOp.EQUAL, "kept")
        while not self.done.is_set():
            sure_ms = self.newest_ms
            found = read_all(self.store, [matcher])
            if not sure_ms:
                continue
            self.rounds += 1
            if self.rounds >= 3:
                self.asked.set()
            if set(found) != set(KEPT):
                self.problems.append(f"{len(found)} series at {sure_ms}")
            for labels, samples in found.items():
                missing = [t for t in range(1000, sure_ms + 1, 10) if t not in samples]
                if missing:
                    self.problems.append(f"{labels} lacks {missing[:3]} of {len(missing)}")
                wrong = [
                    t for t, cell in samples.items() if np.uint64(cell).view(np.float64) != float(t)
                ]
                if wrong:
                    self.problems.append(f"{labels} is wrong at {wrong[:3]}")


def test_readers_see_every_acknowledged_row_whatever_else_goes_on(tmp_path: Path) -> None:
    store = open_store(tmp_path, OPTIONS)
    company = Company(store)
    threads = [
        threading.Thread(target=work)
        for work in (company.write, company.maintain, company.ask, company.ask)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert company.problems == []
    assert company.rounds >= 3
    store.maintain()
    assert store.view().blocks
    assert set(read_all(store)) >= set(KEPT)
    store.close()


def test_samples_of_one_request_that_share_a_time_become_a_row(tmp_path: Path) -> None:
    store = open_store(tmp_path, Options(fsync_seconds=0))
    group = store.group(Labels.of(job="sender"))
    columns = group.columns(KEPT)
    for step in range(5):
        order = np.random.default_rng(step).permutation(columns.size)
        times = np.full(columns.size, 1000 + step * 15, dtype=np.int64)
        group.append_loose(times, columns[order], np.arange(20.0)[order])
    assert not group.samples.loose
    (page,) = group.samples.view_pages(0, 10_000)
    assert page.row_count == 5
    assert page.columns.size == 20
    alone = np.array([1080], dtype=np.int64)
    group.append_loose(alone, columns[:1], np.zeros(1))
    assert len(group.samples.loose) == 1, "one sample of twenty is not worth a row"
    assert sum(map(len, read_all(store).values())) == 101
    store.close()
