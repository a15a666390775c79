"""`load_with_nhcb`: classic histograms loaded a second time, as native ones with custom bounds.

Source: reference 9.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.model.labels import METRIC_NAME, Labels
from termprom.promql.histograms.value import compacted, from_model, to_model
from termprom.promql.numbers import format_general
from termprom.testing.promqltest.series import SeriesLine

_CUSTOM_SCHEMA = -53


@dataclass(slots=True)
class _Collected:
    """What the float series of one histogram say at one time."""

    buckets: dict[float, float] = field(default_factory=dict)  # upper bound to cumulative count
    count: float | None = None
    total: float = 0.0


def native_lines(lines: Iterable[SeriesLine]) -> tuple[SeriesLine, ...]:
    """The native histograms of what `lines` load. Raises ValueError where counts contradict."""
    found: dict[Labels, dict[int, _Collected]] = {}
    for line in {one.labels: one for one in lines if one.start_offsets is None}.values():
        name, _, kind = line.labels.get(METRIC_NAME).rpartition("_")
        if kind not in ("bucket", "count", "sum"):
            continue
        bound = _bound(line.labels.get("le")) if kind == "bucket" else 0.0
        if math.isnan(bound):
            continue
        labels = line.labels.without("le").merge({METRIC_NAME: name})
        positions = found.setdefault(labels, {})
        for position, item in enumerate(line.items):
            if item is None or isinstance(item, FloatHistogram):
                continue
            one = positions.setdefault(position, _Collected())
            if kind == "bucket":
                # Of one bound, however it is written, the first line counts.
                one.buckets.setdefault(bound, item)
            elif kind == "count":
                one.count = item
            else:
                one.total = item
    return tuple(_line(labels, positions) for labels, positions in found.items() if positions)


def _line(labels: Labels, positions: Mapping[int, _Collected]) -> SeriesLine:
    items = (positions.get(position) for position in range(max(positions) + 1))
    return SeriesLine(labels, tuple(None if one is None else _native(one) for one in items))


def _bound(text: str) -> float:
    """NaN for what is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _native(one: _Collected) -> FloatHistogram:
    buckets = sorted(one.buckets.items())
    count = one.count
    if count is None:
        count = buckets[-1][1] if buckets else 0.0
    if not buckets or not math.isinf(buckets[-1][0]):
        buckets.append((math.inf, count))
    if min(count, *(value for _, value in buckets)) < 0:
        raise ValueError("bucket count cannot be negative")
    counts: list[float] = []
    before = 0.0
    for _, cumulative in buckets:
        if cumulative < before:
            shown = f"{format_general(cumulative)} < {format_general(before)}"
            raise ValueError(f"bucket counts are not cumulative: {shown}")
        counts.append(cumulative - before)
        before = cumulative
    if before != count:
        shown = f"{format_general(before)} != {format_general(count)}"
        raise ValueError(f"bucket count does not match the count: {shown}")
    native = FloatHistogram(
        schema=_CUSTOM_SCHEMA,
        zero_threshold=0.0,
        zero_count=0.0,
        count=count,
        sum=one.total,
        positive_spans=(BucketSpan(0, len(counts)),),
        positive_buckets=tuple(counts),
        negative_spans=(),
        negative_buckets=(),
        custom_values=tuple(bound for bound, _ in buckets[:-1]),
    )
    return to_model(compacted(from_model(native)))
