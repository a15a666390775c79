"""Native histograms in a form that can be compared, and some to write."""

from __future__ import annotations

import numpy as np

from termprom.model.histogram import CounterResetHint, FloatHistogram
from termprom.model.labels import Labels
from termprom.storage import HistogramFrame
from termprom.tsdb.components import bucket_indexes, spans_of
from termprom.tsdb.db import Database
from tests.tsdb.models import EVERYTHING, FAR_MS, bits

# One histogram, comparable whatever its spans: layout, buckets that are not 0, count, sum, start.
Plain = tuple[object, ...]


def plain(one: FloatHistogram, start_ms: int) -> Plain:
    return (
        one.schema,
        one.zero_threshold,
        one.custom_values,
        _filled(bucket_indexes(one.positive_spans), one.positive_buckets),
        _filled(bucket_indexes(one.negative_spans), one.negative_buckets),
        one.zero_count,
        one.count,
        bits(one.sum),
        start_ms,
        0 if one.hint is CounterResetHint.NOT_RESET else int(one.hint),
    )


def _filled(indexes: list[int], buckets: tuple[float, ...]) -> tuple[tuple[int, float], ...]:
    return tuple((at, value) for at, value in zip(indexes, buckets, strict=True) if value)


def rows_of(frame: HistogramFrame) -> dict[int, Plain]:
    found = {}
    for row, time_ms in enumerate(frame.times_ms.tolist()):
        one = FloatHistogram(
            frame.schema,
            frame.zero_threshold,
            float(frame.zero_counts[row]),
            float(frame.counts[row]),
            0.0,
            frame.positive_spans,
            tuple(frame.positive[row].tolist()),
            frame.negative_spans,
            tuple(frame.negative[row].tolist()),
            frame.custom_values,
            CounterResetHint(int(frame.hints[row])),
        )
        start_ms = 0 if frame.starts_ms is None else int(frame.starts_ms[row])
        row_plain = list(plain(one, start_ms))
        row_plain[7] = int(frame.sums.view(np.uint64)[row])
        found[time_ms] = tuple(row_plain)
    return found


def read_histograms(
    store: Database, start_ms: int = -FAR_MS, end_ms: int = FAR_MS
) -> dict[Labels, dict[int, Plain]]:
    querier = store.querier(start_ms, end_ms)
    selection = querier.select(EVERYTHING)
    found: dict[Labels, dict[int, Plain]] = {}
    last = (-1, -(2**62))
    for frame in selection.histograms():
        assert frame.positive.shape == (
            frame.times_ms.size,
            sum(span.length for span in frame.positive_spans),
        )
        assert (frame.series, int(frame.times_ms[0])) > last, "by series, then time"
        last = (frame.series, int(frame.times_ms[-1]))
        found.setdefault(selection.labels[frame.series], {}).update(rows_of(frame))
    querier.close()
    return found


def histogram(seed: int, *, schema: int = 3, gauge: bool = False) -> FloatHistogram:
    """Some buckets with gaps; other seeds fill others."""
    rng = np.random.default_rng(seed)
    positive = sorted(rng.choice(12, size=int(rng.integers(0, 6)), replace=False) - 6)
    negative = sorted(rng.choice(8, size=int(rng.integers(0, 3)), replace=False))
    values = rng.integers(0, 9, size=len(positive) + len(negative)).astype(float).tolist()
    return FloatHistogram(
        schema,
        2.5e-39,
        float(rng.integers(0, 4)),
        float(sum(values)) + 1,
        float(rng.normal()),
        spans_of(int(one) for one in positive),
        tuple(values[: len(positive)]),
        spans_of(int(one) for one in negative),
        tuple(values[len(positive) :]),
        (),
        CounterResetHint.GAUGE if gauge else CounterResetHint.UNKNOWN,
    )
