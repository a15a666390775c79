"""Remote read, the answering end: raw samples of the series that others ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from termprom import limits
from termprom.errors import TermpromError
from termprom.model.histogram import CounterResetHint, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.values import ABSENT_BITS, STALE_BITS, Mask, TimesMs, Values
from termprom.remote.message_writer import (
    block,
    histograms_message,
    labels_message,
    samples_message,
)
from termprom.remote.read_request import ReadQuery, decode_read_request
from termprom.storage import HistogramFrame, Queryable, Selection

_ABSENT: Final = np.uint64(ABSENT_BITS)


@dataclass
class TooManySamplesRead(TermpromError):
    limit: int

    def __str__(self) -> str:
        return f"exceeded sample limit ({self.limit})"


class ReadResponder:
    """May be used from any thread; every answer is made on a snapshot of its own."""

    def __init__(
        self, queryable: Queryable, *, samples_max: int = limits.REMOTE_READ_SAMPLES_MAX
    ) -> None:
        """`samples_max` 0 means no limit."""
        self._queryable = queryable
        self._samples_max = samples_max

    def __repr__(self) -> str:
        return f"ReadResponder({self._queryable!r})"

    def answer(self, body: bytes, external: Labels) -> bytes:
        """A ReadResponse. Blocking. Raises BadMessage, TooManySamplesRead, StorageError."""
        queries = decode_read_request(body)
        budget = _Budget(self._samples_max)
        return b"".join(block(1, self._result(query, external, budget)) for query in queries)

    def _result(self, query: ReadQuery, external: Labels, budget: _Budget) -> bytes:
        """One QueryResult."""
        matchers = [_local(matcher, external) for matcher in query.matchers]
        querier = self._queryable.querier(query.start_ms, query.end_ms)
        try:
            selection = querier.select(matchers)
            found = _floats(selection, budget)
            for number, message in _histograms(selection, budget).items():
                found[number] = found.get(number, b"") + message
        finally:
            querier.close()
        known = external.as_dict()
        series = []
        for number in sorted(found):
            labels = Labels.of({**known, **selection.labels[number].as_dict()})
            series.append(block(1, labels_message(labels) + found[number]))
        return b"".join(series)


class _Budget:
    """How many samples may still be read."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit

    def spend(self, count: int) -> None:
        """Raises TooManySamplesRead."""
        self._left -= count
        if self._limit and self._left < 0:
            raise TooManySamplesRead(self._limit)


def _local(matcher: Matcher, external: Labels) -> Matcher:
    """External labels are not on stored series: who asks for ours asks for series without."""
    asked = matcher.op is MatchOp.EQUAL and matcher.value
    if asked and external.get(matcher.name) == matcher.value:
        return replace(matcher, value="")
    return matcher


def _floats(selection: Selection, budget: _Budget) -> dict[int, bytes]:
    """Sample fields by position of the series; stale markers are samples here."""
    found: dict[int, bytes] = {}
    for frame in selection.frames():
        held: Mask = frame.values.view(np.uint64) != _ABSENT
        budget.spend(int(np.count_nonzero(held)))
        for place, number in enumerate(frame.series.tolist()):
            times_ms, values = _cells(frame.times_ms, frame.values[place], held[place])
            if times_ms.size:
                found[number] = samples_message(times_ms, values)
    return found


def _cells(times_ms: TimesMs, values: Values, held: Mask) -> tuple[TimesMs, Values]:
    return (times_ms, values) if held.all() else (times_ms[held], values[held])


def _histograms(selection: Selection, budget: _Budget) -> dict[int, bytes]:
    """Histogram fields by position of the series."""
    found: dict[int, bytes] = {}
    for frame in selection.histograms():
        budget.spend(frame.times_ms.size)
        samples = (
            (int(time_ms), _histogram(frame, row)) for row, time_ms in enumerate(frame.times_ms)
        )
        found[frame.series] = found.get(frame.series, b"") + histograms_message(samples)
    return found


def _histogram(frame: HistogramFrame, row: int) -> FloatHistogram:
    if frame.sums[row : row + 1].view(np.uint64)[0] == np.uint64(STALE_BITS):
        return FloatHistogram(sum=float(frame.sums[row]))
    return FloatHistogram(
        schema=frame.schema,
        zero_threshold=frame.zero_threshold,
        zero_count=float(frame.zero_counts[row]),
        count=float(frame.counts[row]),
        sum=float(frame.sums[row]),
        positive_spans=frame.positive_spans,
        positive_buckets=tuple(frame.positive[row].tolist()),
        negative_spans=frame.negative_spans,
        negative_buckets=tuple(frame.negative[row].tolist()),
        custom_values=frame.custom_values,
        hint=CounterResetHint(int(frame.hints[row])),
    )
