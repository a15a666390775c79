"""Metric families as ProtoJSON of io.prometheus.client.MetricFamily.

    {"name":"go_goroutines","help":"...","type":"GAUGE","metric":[{"gauge":{"value":48}}]}

64-bit integers are text, enum values are their names, what a float JSON lacks is text too.
"""

from __future__ import annotations

import math
from typing import Final

from termprom.backend.wire_text import Json
from termprom.exposition.families import MetricFamily, Sample
from termprom.model.metadata import MetricType
from termprom.push.parts import BUCKETED, bound_of, metric_labels

_KINDS: Final = {
    MetricType.COUNTER: ("COUNTER", "counter"),
    MetricType.GAUGE: ("GAUGE", "gauge"),
    MetricType.SUMMARY: ("SUMMARY", "summary"),
    MetricType.HISTOGRAM: ("HISTOGRAM", "histogram"),
    MetricType.GAUGE_HISTOGRAM: ("GAUGE_HISTOGRAM", "histogram"),
}


def family_tree(family: MetricFamily) -> Json:
    kind, key = _KINDS.get(family.metadata.type, ("UNTYPED", "untyped"))
    metrics: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in family.samples:
        metrics.setdefault(tuple(metric_labels(sample).items()), []).append(sample)
    found = []
    for labels, samples in metrics.items():
        pairs = [{"name": name, "value": value} for name, value in labels]
        value = _value(family, samples)
        found.append({**({"label": pairs} if pairs else {}), key: value})
    return {"name": family.name, "help": family.metadata.help, "type": kind, "metric": found}


def _value(family: MetricFamily, samples: list[Sample]) -> Json:
    kind = family.metadata.type
    if kind not in BUCKETED and kind is not MetricType.SUMMARY:
        return {"value": _number(samples[0].value)}
    parts: dict[str, Json] = {"sampleCount": "0", "sampleSum": 0}
    bounds = []
    for sample in samples:
        suffix, bound = sample.labels.metric.removeprefix(family.name), bound_of(sample)
        if suffix == "_count":
            parts["sampleCount"] = str(int(sample.value))
        elif suffix == "_sum":
            parts["sampleSum"] = _number(sample.value)
        elif bound is not None and kind is MetricType.SUMMARY:
            bounds.append({"quantile": _number(bound), "value": _number(sample.value)})
        elif bound is not None and bound != math.inf:
            count = str(int(sample.value))
            bounds.append({"cumulativeCount": count, "upperBound": _number(bound)})
    if bounds:
        parts["quantile" if kind is MetricType.SUMMARY else "bucket"] = bounds
    return parts


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
