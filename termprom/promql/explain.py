"""An evaluation that keeps account of every node.

Time is charged to the node that is innermost when it passes, per thread; streams charge it when
they are drawn from, wherever that is. Accounts go by the identity of plan nodes, and a node that is
evaluated twice has one account.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from termprom.model.grid import Grid
from termprom.model.node_cost import Explained, NodeCost
from termprom.model.values import Ints, Values
from termprom.promql.kernels.windows import windows_of
from termprom.promql.operators.evaluation import Evaluation
from termprom.promql.operators.histogram_series import HistogramSeries
from termprom.promql.operators.lanes import Lane
from termprom.promql.operators.select import RangeSource, Shown
from termprom.promql.operators.stream import Batch, Stream
from termprom.promql.plan import (
    Aggregate,
    Binary,
    Call,
    Negate,
    Number,
    Once,
    Plan,
    RangeSelect,
    Select,
    Subquery,
    Text,
    children,
)
from termprom.promql.run import Run


@dataclass(slots=True)
class _Account:
    series: int = 0
    rows: int = 0
    samples: int = 0
    seconds: float = 0.0
    bytes: int = 0


class ExplainedEvaluation(Evaluation):
    """Answers as Evaluation does, and knows afterwards what it took."""

    def __init__(self, run: Run, steps: int) -> None:
        super().__init__(run)
        self._accounts: dict[int, _Account] = {}
        self._lock = threading.Lock()
        self._here = threading.local()
        self._step_samples = np.zeros(steps, dtype=np.int64)
        # Samples inside of a subquery count where they come out of it.
        self._subqueries = 0

    def explained(self, plan: Plan, source: str) -> Explained:
        """The accounts along the plan of `source`, once all of it was evaluated."""
        return Explained(self._cost(plan, source.encode(errors="replace")), self._step_samples)

    def _cost(self, node: Plan, source: bytes) -> NodeCost:
        account = self._accounts.get(id(node), _Account())
        return NodeCost(
            text=source[node.span.start : node.span.end].decode(errors="replace"),
            what=_what(node),
            series=account.series,
            rows=account.rows,
            samples=account.samples,
            seconds=account.seconds,
            bytes=account.bytes,
            children=tuple(
                self._cost(child, source)
                for child in (() if isinstance(node, RangeSelect) else children(node))
                if not isinstance(child, Number | Text)
            ),
        )

    # --- Keeping account ----------------------------------------------------------------------

    @contextmanager
    def _inside(self, node: Plan) -> Iterator[_Account]:
        """Time that passes here, and not inside of another node, is this node's."""
        with self._lock:
            account = self._accounts.setdefault(id(node), _Account())
        outer: _Account | None = getattr(self._here, "account", None)
        self._charge(outer)
        self._here.account = account
        try:
            yield account
        finally:
            self._charge(account)
            self._here.account = outer

    def _charge(self, account: _Account | None) -> None:
        now = time.perf_counter()
        if account is not None:
            with self._lock:
                account.seconds += now - self._here.since
        self._here.since = now

    def _drawn(self, node: Plan, items: Iterator[Any]) -> Iterator[Any]:
        """`items`, whose making is charged to `node`."""
        while True:
            with self._inside(node):
                item = next(items, None)
            if item is None:
                return
            yield item

    def _booked(self, node: Plan, batch: Batch) -> Batch:
        rows = int(np.count_nonzero(batch.held()))
        with self._lock:
            account = self._accounts[id(node)]
            account.rows += rows
            account.bytes += batch.values.nbytes + batch.present.nbytes
        return batch

    def _read(self, node: Plan, batch: Batch) -> Batch:
        """What a selector found, histograms by their size."""
        samples = batch.present.sum(axis=0)
        for cells in batch.histograms.values():
            for step, one in cells.items():
                samples[step] += one.size
        with self._lock:
            self._accounts[id(node)].samples += int(samples.sum())
            self._count(samples)
        return batch

    def _count(self, samples: Ints) -> None:
        """Samples per step, (S,); under a lock."""
        if not self._subqueries:
            # What is the same at every step is evaluated once and counts at all.
            self._step_samples += samples

    # --- Evaluation ---------------------------------------------------------------------------

    def stream(self, node: Plan, grid: Grid) -> Stream:
        with self._inside(node) as account:
            stream = super().stream(node, grid)
            account.series = max(account.series, len(stream.series))
        return self._watched(node, stream, self._booked)

    def _selected(self, node: Select, grid: Grid, shown: Shown) -> Stream:
        with self._inside(node) as account:
            stream = super()._selected(node, grid, shown)
            account.series = max(account.series, len(stream.series))
        return self._watched(node, stream, self._read)

    def _watched(self, node: Plan, stream: Stream, book: Callable[[Plan, Batch], Batch]) -> Stream:
        """The stream, of which `node` pays for what is drawn from it."""
        items, work = self._drawn(node, stream.items), stream.work
        if work is None:
            return replace(stream, items=(book(node, batch) for batch in items))

        def worked(item: Any) -> Batch:
            with self._inside(node):
                return book(node, work(item))

        return replace(stream, items=items, work=worked)

    def scalar(self, node: Plan, grid: Grid) -> Values:
        with self._inside(node) as account:
            values = super().scalar(node, grid)
            account.rows += values.size
            account.bytes += values.nbytes
        return values

    def ranged(self, node: Plan, grid: Grid) -> RangeSource:
        inner = isinstance(node, Subquery)
        self._subqueries += inner
        try:
            with self._inside(node) as account:
                source = super().ranged(node, grid)
                account.series = max(account.series, len(source.series))
                account.rows += sum(len(one.histograms) for one in source.histograms.values())
        finally:
            self._subqueries -= inner
        for one in source.histograms.values():
            self._read_histograms(node, source, one)
        lanes = self._drawn(node, source.lanes)
        return replace(source, lanes=self._booked_lanes(node, source, lanes))

    def _read_histograms(self, node: Plan, source: RangeSource, one: HistogramSeries) -> None:
        sizes = np.array([histogram.size for histogram in one.histograms], dtype=np.int64)
        right = source.references.times_ms()
        first, end = one.bounds(right - source.range_ms, right)
        until = np.concatenate([[0], np.cumsum(sizes)])
        with self._lock:
            if isinstance(node, RangeSelect):
                self._accounts[id(node)].samples += int(sizes.sum())
            self._count(until[end] - until[first])

    def _booked_lanes(
        self, node: Plan, source: RangeSource, lanes: Iterator[Lane]
    ) -> Iterator[Lane]:
        for rows, samples in lanes:
            windows = windows_of(samples, source.references, source.range_ms)
            counts = windows.spread_ints(windows.counts).sum(axis=0)
            with self._lock:
                account = self._accounts[id(node)]
                account.rows += samples.values.size
                account.bytes += samples.values.nbytes + samples.times_ms.nbytes
                if isinstance(node, RangeSelect):
                    account.samples += samples.values.size
                self._count(counts)
            yield rows, samples


def _what(node: Plan) -> str:
    """The operation of a node."""
    match node:
        case Number() | Text():
            return "constant"
        case Select():
            return "select"
        case RangeSelect():
            return "select range"
        case Subquery():
            return "subquery"
        case Once():
            return "once for all steps"
        case Negate():
            return "negate"
        case Binary(op):
            return f"binary {op}"
        case Aggregate(op):
            return f"aggregate {op}"
        case Call(func):
            return f"call {func}"
