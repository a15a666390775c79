"""What one page comes to in the store: a row, samples beside it, exemplars. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.config.schema import ScrapeConfig
from termprom.errors import LimitExceeded
from termprom.exposition.native import (
    CUSTOM_SCHEMA,
    SCHEMA_MAX,
    limited,
    reduced,
    schema_of_factor,
)
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.model.values import Ints, Mask, TimesMs, Values
from termprom.scrape.binding import DROPPED, Binding
from termprom.scrape.tails import Readings
from termprom.storage import Exemplar, HistogramSample

_NONE: Final = np.empty(0, dtype=np.int64)
_NO_VALUES: Final = np.empty(0, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Loose:
    """Samples that brought their own timestamps. Shapes: all (N,)."""

    times_ms: TimesMs
    columns: Ints
    values: Values
    histograms: Sequence[tuple[int, HistogramSample]] = ()
    starts_ms: Ints | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The samples of a page. Shapes: columns, values, starts_ms (R,); tracked (T,) are the columns
    that end when the next page lacks them.
    """

    columns: Ints
    values: Values
    tracked: Ints
    histograms: Sequence[HistogramSample] = ()
    starts_ms: Ints | None = None
    loose: Loose | None = None
    exemplars: Sequence[tuple[int, Exemplar]] = ()


EMPTY: Final = Batch(_NONE, _NO_VALUES, _NONE)


def make_batch(readings: Readings, binding: Binding, job: ScrapeConfig, time_ms: int) -> Batch:
    """The samples of `readings`; those without a timestamp are of `time_ms`.

    Raises LimitExceeded for a histogram that has too many buckets however coarse it is.
    """
    stamped = bool(len(readings.stamped)) and job.honor_timestamps
    if not stamped and not readings.histograms:
        return Batch(
            binding.targets,
            readings.values if binding.whole else readings.values[binding.stored],
            binding.targets,
            starts_ms=_picked(readings.starts_ms, binding.stored),
            exemplars=_exemplars(readings, binding, {}, time_ms),
        )
    times = (
        dict(zip(readings.stamped.tolist(), readings.times_ms.tolist(), strict=True))
        if stamped
        else {}
    )
    samples = _histograms(readings, binding, job)
    own_time: Mask = np.zeros(binding.layout.count, dtype=np.bool_)
    own_time[list(times)] = True
    number_lines: Mask = np.ones(binding.layout.count, dtype=np.bool_)
    number_lines[[line for line, _ in readings.histograms]] = False
    row = binding.stored[~own_time[binding.stored] & number_lines[binding.stored]]
    in_row = [sample for line, sample in samples if line not in times]
    kept: Mask = binding.columns != DROPPED
    # A series may come several times with different timestamps: every line counts.
    beside = np.flatnonzero(own_time & kept & number_lines)
    loose = Loose(
        np.array([times[line] for line in beside.tolist()], dtype=np.int64),
        binding.columns[beside],
        readings.values[beside],
        [(times[line], sample) for line, sample in samples if line in times],
        _picked(readings.starts_ms, beside),
    )
    columns = binding.columns[row]
    tracked = np.concatenate([columns, _columns(in_row)])
    if job.track_timestamps_staleness:
        late = _columns([sample for _, sample in loose.histograms])
        tracked = np.unique(np.concatenate([tracked, loose.columns, late]))
    return Batch(
        columns,
        readings.values[row],
        tracked,
        in_row,
        _picked(readings.starts_ms, row),
        loose if len(beside) or loose.histograms else None,
        _exemplars(readings, binding, times, time_ms),
    )


def _picked(starts_ms: Ints | None, lines: Ints) -> Ints | None:
    return starts_ms[lines] if starts_ms is not None else None


def _columns(samples: Sequence[HistogramSample]) -> Ints:
    return np.array([sample.column for sample in samples], dtype=np.int64)


def _histograms(
    readings: Readings, binding: Binding, job: ScrapeConfig
) -> list[tuple[int, HistogramSample]]:
    """The histograms that are stored, as fine as the job allows, and the lines they come from."""
    stored = set(binding.stored.tolist())
    starts = readings.starts_ms
    return [
        (
            line,
            HistogramSample(
                int(binding.columns[line]),
                fitted(histogram, job),
                int(starts[line]) if starts is not None else 0,
            ),
        )
        for line, histogram in readings.histograms
        if line in stored or (binding.columns[line] != DROPPED and _is_stamped(readings, line))
    ]


def _is_stamped(readings: Readings, line: int) -> bool:
    return bool((readings.stamped == line).any())


def fitted(histogram: FloatHistogram, job: ScrapeConfig) -> FloatHistogram:
    """As fine as the job's limits allow. Raises LimitExceeded where nothing is coarse enough."""
    if histogram.schema != CUSTOM_SCHEMA:
        finest = schema_of_factor(job.native_histogram_min_bucket_factor)
        if finest < SCHEMA_MAX and histogram.schema > finest:
            histogram = reduced(histogram, finest)
    limit = job.native_histogram_bucket_limit
    if not limit:
        return histogram
    coarse = limited(histogram, limit)
    if coarse is None:
        raise LimitExceeded("histogram bucket limit exceeded")
    return coarse


def _exemplars(
    readings: Readings, binding: Binding, times: dict[int, int], time_ms: int
) -> list[tuple[int, Exemplar]]:
    """The exemplars of the series that are kept, by series in the order that the store wants."""
    if not readings.exemplars:
        return []
    columns = binding.columns
    found = [
        (
            int(columns[line]),
            Exemplar(
                Labels.of(dict(one.labels)),
                one.value,
                times.get(line, time_ms) if one.timestamp_ms is None else one.timestamp_ms,
            ),
        )
        for line, one in readings.exemplars
        if columns[line] != DROPPED
    ]
    found.sort(key=lambda pair: (pair[0], pair[1].time_ms, pair[1].value))
    return found
