"""`m smoothed`: each series at the step itself, on the line between the samples around it.

Source: reference 3.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from termprom.model.histogram import CounterResetHint
from termprom.model.values import Ints, Mask, Values
from termprom.promql.histograms.combine import IncompatibleSchemas
from termprom.promql.histograms.value import Histogram
from termprom.promql.kernels.edges import at_references
from termprom.promql.kernels.windows import References
from termprom.promql.operators.edge_histograms import between
from termprom.promql.operators.histogram_rate import Remarker
from termprom.promql.operators.histogram_series import HistogramSeries
from termprom.promql.operators.lanes import Lane
from termprom.promql.operators.stream import Batch, Series
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span

_NEVER = np.iinfo(np.int64).min


def smoothed_batches(
    run: Run,
    lanes: Iterator[Lane],
    histograms: Mapping[int, HistogramSeries],
    series: Series,
    references: References,
    span: Span,
) -> Iterator[Batch]:
    """Values at each step; samples within the lookback to either side count."""
    seen: set[int] = set()
    for rows, samples in lanes:
        values, present, older_ms, newer_ms = at_references(samples, references, run.lookback_ms)
        run.pass_by(int(np.count_nonzero(present)))
        batch = Batch(rows, values, present)
        if histograms:
            seen.update(rows.tolist())
            older_ms = np.where(present, older_ms, _NEVER)
            times = older_ms, newer_ms
            batch = _with_histograms(run, batch, times, histograms, series, references, span)
        yield batch
    rest = np.array([row for row in histograms if row not in seen], dtype=np.int64)
    if rest.size:
        shape = (rest.size, references.count)
        nothing = Batch(rest, np.zeros(shape), np.zeros(shape, dtype=np.bool_))
        never = np.full(shape, _NEVER)
        yield _with_histograms(run, nothing, (never, never), histograms, series, references, span)


def _with_histograms(
    run: Run,
    batch: Batch,
    times_ms: tuple[Ints, Ints],
    histograms: Mapping[int, HistogramSeries],
    series: Series,
    references: References,
    span: Span,
) -> Batch:
    """Histograms in place of floats where they are the nearest; times (k, S) of the floats around
    each step, _NEVER where there is none."""
    values: Values = np.array(batch.values)
    present: Mask = np.array(batch.present)
    cells: dict[int, dict[int, Histogram]] = {}
    edges = references.times_ms().tolist()
    for place, row in enumerate(batch.rows.tolist()):
        one = histograms.get(row)
        if one is None:
            continue
        remarks = Remarker(run, series.metric_of(row), span)
        samples = list(zip(one.times_ms.tolist(), one.histograms, strict=True))
        for step, at_ms in enumerate(edges):
            older = [s for s in samples if at_ms - run.lookback_ms < s[0] <= at_ms][-1:]
            newer = [s for s in samples if at_ms < s[0] <= at_ms + run.lookback_ms][:1]
            float_older = int(times_ms[0][place, step])
            float_newer = int(times_ms[1][place, step])
            newest_is_ours = bool(older) and older[0][0] >= float_older
            if not newest_is_ours:
                if float_older in (_NEVER, at_ms) or not newer:
                    continue
                if float_newer <= at_ms or newer[0][0] < float_newer:
                    remarks.mixed_kinds()
                    present[place, step] = False
                continue
            float_next = at_ms < float_newer <= at_ms + run.lookback_ms
            if older[0][0] != at_ms and float_next and (not newer or float_newer < newer[0][0]):
                remarks.mixed_kinds()
                continue
            found = _interpolated(older[0], newer, at_ms, remarks)
            present[place, step] = False
            if found is not None:
                cells.setdefault(row, {})[step] = found
    return Batch(batch.rows, values, present, cells)


def _interpolated(
    older: tuple[int, Histogram],
    newer: list[tuple[int, Histogram]],
    at_ms: int,
    remarks: Remarker,
) -> Histogram | None:
    if older[0] == at_ms:
        return older[1]
    if not newer:
        return older[1].with_hint(CounterResetHint.UNKNOWN)
    gauges = all(one.hint is CounterResetHint.GAUGE for one in (older[1], newer[0][1]))
    try:
        return between(older, newer[0], at_ms, counter=not gauges)
    except IncompatibleSchemas:
        remarks.mixed_schemas()
        return None
