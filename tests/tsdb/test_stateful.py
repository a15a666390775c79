"""The store against a dict: appends of every kind, maintenance and reopening in any order."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from termprom.errors import StorageError
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.tsdb.db import Options
from tests.tsdb.failing_files import FailingFiles, Killed
from tests.tsdb.models import Twin, bits, open_store, read_all, values_of

BLOCK_MS = 100
GROUPS = [Labels.of(job="a"), Labels.of(job="b")]
SERIES = [
    [
        Labels.of(__name__=f"m{number % 3}", job=group.get("job"), n=str(number))
        for number in range(6)
    ]
    for group in GROUPS
]
CELLS = [
    bits(0.0),
    bits(-0.0),
    bits(1.5),
    bits(2.5),
    bits(float("inf")),
    0x7FF0000000000002,
    0x7FF8000000000001,
    0xFFF8000000000123,
    0x0000000000000001,
]

group_numbers = st.integers(0, len(GROUPS) - 1)
cells = st.sampled_from(CELLS)
steps = st.integers(-60, 25)


class StoreMachine(RuleBasedStateMachine):
    """Times wander around the newest one, so that every verdict of admission occurs."""

    @initialize(window_ms=st.sampled_from([0, 0, 40, 1000]))
    def start(self, window_ms: int) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="termprom-tsdb-")
        self.options = Options(fsync_seconds=0, block_ms=BLOCK_MS, out_of_order_window_ms=window_ms)
        self.twin = Twin(window_ms, BLOCK_MS // 2)
        self.now_ms = 1000
        self._open()

    def _open(self) -> None:
        self.files = FailingFiles()
        self.store = open_store(Path(self.folder.name), self.options, self.files)
        self.groups = [self.store.group(identity) for identity in GROUPS]

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @rule(
        number=group_numbers,
        step=steps,
        row=st.dictionaries(st.integers(0, 5), cells, min_size=1, max_size=6),
    )
    def append_row(self, number: int, step: int, row: dict[int, int]) -> None:
        self.now_ms = max(self.now_ms, self.now_ms + step)
        time_ms = self.now_ms if step > 0 else self.now_ms + step
        group, series = self.groups[number], SERIES[number]
        columns = group.columns([series[one] for one in row])
        got = group.append(time_ms, columns, values_of(row.values()))
        wanted = self.twin.append([(series[one], time_ms, cell) for one, cell in row.items()])
        assert (got.stored, got.duplicates, got.out_of_order, got.too_old) == (
            wanted.stored,
            wanted.duplicates,
            wanted.out_of_order,
            wanted.too_old,
        )

    @rule(
        number=group_numbers,
        samples=st.lists(st.tuples(st.integers(0, 5), steps, cells), min_size=1, max_size=20),
    )
    def append_loose(self, number: int, samples: list[tuple[int, int, int]]) -> None:
        group, series = self.groups[number], SERIES[number]
        columns = group.columns([series[one] for one, _, _ in samples])
        times = np.array([self.now_ms + step for _, step, _ in samples], dtype=np.int64)
        got = group.append_loose(times, columns, values_of(cell for _, _, cell in samples))
        # By series, then by time; what shares both stays in the order of the call.
        ordered = sorted(samples, key=lambda one: (one[0], one[1]))
        wanted = self.twin.append(
            [(series[one], self.now_ms + step, cell) for one, step, cell in ordered]
        )
        assert (got.stored, got.duplicates, got.out_of_order, got.too_old) == (
            wanted.stored,
            wanted.duplicates,
            wanted.out_of_order,
            wanted.too_old,
        )
        self.now_ms = max(self.now_ms, int(times.max()))

    @rule(number=group_numbers, count=st.integers(1, 150))
    def append_many_rows(self, number: int, count: int) -> None:
        group, series = self.groups[number], SERIES[number]
        columns = group.columns(series)
        for _ in range(count):
            self.now_ms += 1
            row = [bits(float(self.now_ms * one)) for one in range(len(series))]
            group.append(self.now_ms, columns, values_of(row))
            self.twin.append(
                [(one, self.now_ms, cell) for one, cell in zip(series, row, strict=True)]
            )

    @rule()
    def maintain(self) -> None:
        self.store.maintain()
        self.twin.floor_ms = self.store.head.floor_ms

    @rule(name=st.integers(0, 2), start=st.integers(-300, 20), length=st.integers(0, 250))
    def delete(self, name: int, start: int, length: int) -> None:
        first_ms, last_ms = self.now_ms + start, self.now_ms + start + length
        matcher = Matcher(METRIC_NAME, MatchOp.EQUAL, f"m{name}")
        self.store.delete([matcher], first_ms, last_ms)
        self.twin.delete(f"m{name}", first_ms, last_ms)

    @rule()
    def clean_tombstones(self) -> None:
        self.store.clean_tombstones()

    @rule(at=st.integers(0, 60), code=st.sampled_from([errno.ENOSPC, errno.EIO]))
    def maintain_on_a_failing_disk(self, at: int, code: int) -> None:
        self.files.arm(at, code=code)
        with contextlib.suppress(StorageError):
            self.store.maintain()
        self.files.disarm()
        self.twin.floor_ms = self.store.head.floor_ms

    @rule(at=st.integers(0, 60))
    def killed_in_maintenance(self, at: int) -> None:
        self.files.arm(at, kill=True)
        with contextlib.suppress(Killed):
            self.store.maintain()
        self.files.disarm()
        self.store._claim.release()
        self._reopened()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self._reopened()

    def _reopened(self) -> None:
        self._open()
        self.twin.floor_ms = self.store.head.floor_ms
        newest = max(self.twin.newest.values(), default=None)
        # What a reopened head knows is what its log holds: series that it lost start afresh.
        self.twin.newest = {
            labels: time_ms
            for labels, time_ms in self.twin.newest.items()
            if time_ms >= self.store.head.floor_ms
        }
        if newest is not None and newest >= self.store.head.floor_ms:
            assert self.store.head.newest_ms == newest
        self.twin.newest_ms = self.store.head.newest_ms

    @invariant()
    def holds_what_the_twin_holds(self) -> None:
        if hasattr(self, "store"):
            assert read_all(self.store) == self.twin.all()

    @invariant()
    def narrow_ranges_agree(self) -> None:
        if hasattr(self, "store"):
            start, end = self.now_ms - 130, self.now_ms - 20
            wanted = {
                labels: {time: cell for time, cell in held.items() if start <= time <= end}
                for labels, held in self.twin.all().items()
            }
            wanted = {labels: held for labels, held in wanted.items() if held}
            assert read_all(self.store, start_ms=start, end_ms=end, series_max=2) == wanted


StoreMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestStore = StoreMachine.TestCase
