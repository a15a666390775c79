"""Limits of a query on its way: time, cancellation, samples, memory. All in the middle of it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from termprom.errors import QueryCanceled, QueryTimeout, TooManySamples
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.promql import run as run_module
from termprom.promql.engine import CancelToken, Engine, EngineOptions
from termprom.storage import Frame, HistogramFrame

FRAMES, ROWS, TIMES = 60, 120, 400  # wide enough to be lanes of their own
GRID = Grid(600_000, 6_000_000, 60_000)
LABELS = [Labels.of(__name__="m_total", i=str(number)) for number in range(FRAMES * ROWS)]


@dataclass
class Frames:
    """A store, a querier and a selection that makes its frames as they are asked for."""

    on_frame: Callable[[int], None] = lambda number: None
    made: int = 0
    alive_max: int = 0
    alive: int = 0

    @property
    def labels(self) -> Sequence[Labels]:
        return LABELS

    def frames(self, *, series_max: int = 4096) -> Iterator[Frame]:
        times = np.arange(TIMES, dtype=np.int64) * 15_000
        for number in range(FRAMES):
            self.made += 1
            self.on_frame(number)
            values = np.cumsum(np.full((ROWS, TIMES), 2.0), axis=1)
            self.alive += 1
            weakref.finalize(values, self._gone)
            self.alive_max = max(self.alive_max, self.alive)
            yield Frame(np.arange(ROWS) + number * ROWS, times, values, dense=True)
            del values

    def _gone(self) -> None:
        self.alive -= 1

    def histograms(self) -> Iterator[HistogramFrame]:
        return iter(())

    def querier(self, start_ms: int, end_ms: int) -> Frames:
        return self

    def select(
        self, matchers: Sequence[Matcher], *, start_ms: int | None = None, end_ms: int | None = None
    ) -> Frames:
        return self

    def label_names(self, matchers: Sequence[Matcher] = (), *, limit: int = 0) -> list[str]:
        return []

    def label_values(
        self, name: str, matchers: Sequence[Matcher] = (), *, limit: int = 0
    ) -> list[str]:
        return []

    def close(self) -> None:
        return


EXPR = "sum(rate(m_total[5m]))"


def test_series_stream_through_in_bounded_memory() -> None:
    frames = Frames()
    result = Engine(EngineOptions()).range(frames, EXPR, GRID)
    np.testing.assert_allclose(result.values[0], FRAMES * ROWS * 2 / 15, rtol=1e-12)
    assert frames.made == FRAMES
    # What several threads have in hand, not the whole selection.
    assert frames.alive_max <= 12


@pytest.mark.parametrize("expr", [EXPR, "m_total", "topk(3, m_total * 2)", "m_total + m_total"])
def test_a_query_is_cancelled_between_two_batches(expr: str) -> None:
    token = CancelToken()
    frames = Frames(lambda number: token.cancel() if number == 5 else None)
    with pytest.raises(QueryCanceled):
        Engine(EngineOptions()).range(frames, expr, GRID, cancel=token)
    assert frames.made < 20


def test_time_runs_out_between_two_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(run_module, "time", clock)
    frames = Frames(lambda number: setattr(clock, "now", 1e12) if number == 5 else None)
    with pytest.raises(QueryTimeout):
        Engine(EngineOptions()).range(frames, EXPR, GRID)
    assert frames.made < 20


def test_no_more_samples_are_held_than_allowed() -> None:
    frames = Frames()
    options = EngineOptions(samples_max=10 * ROWS * GRID.count)
    with pytest.raises(TooManySamples):
        Engine(options).range(frames, "m_total", GRID)
    assert frames.made < 30
    # Reduced to their sum they are forgotten again, batch by batch.
    assert len(Engine(options).range(Frames(), EXPR, GRID).labels) == 1


def test_what_a_query_saw_is_counted_whoever_counts() -> None:
    stats = Engine(EngineOptions()).range(Frames(), EXPR, GRID).stats
    assert stats.samples == FRAMES * ROWS * TIMES
