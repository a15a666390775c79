"""The groups as the API lists them: plain values, ready for JSON. Every number is text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from termprom.exposition.families import MetricFamily, Sample
from termprom.exposition.numbers import format_number
from termprom.model.metadata import MetricType
from termprom.push.consistency import type_name
from termprom.push.gather import gather
from termprom.push.group import PushGroup
from termprom.push.parts import BUCKETED, bound_of, metric_labels


def list_groups(groups: Iterable[PushGroup]) -> list[dict[str, Any]]:
    """One object per group, in the order given."""
    return [_group(group) for group in groups]


def _group(group: PushGroup) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "labels": dict(group.key.pairs),
        "last_push_successful": group.last_push_ok,
    }
    times = {name: stored.pushed_ms for name, stored in group.families.items()}
    latest_ms = max(group.pushed_ms, group.failed_ms)
    for family in gather([group]):
        listed[family.name] = _family(family, times.get(family.name, latest_ms))
    return listed


def _family(family: MetricFamily, pushed_ms: int) -> dict[str, Any]:
    metrics: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in family.samples:
        metrics.setdefault(tuple(metric_labels(sample).items()), []).append(sample)
    kind = family.metadata.type
    listed = {
        "time_stamp": datetime.fromtimestamp(pushed_ms / 1000, UTC).isoformat(),
        "type": type_name(kind),
        "metrics": [
            {"labels": dict(labels), **_values(family.name, kind, samples)}
            for labels, samples in metrics.items()
        ],
    }
    if family.metadata.help:
        listed["help"] = family.metadata.help
    return listed


def _values(name: str, kind: MetricType, samples: list[Sample]) -> dict[str, Any]:
    if kind is not MetricType.SUMMARY and kind not in BUCKETED:
        return {"value": format_number(samples[0].value)}
    key = "buckets" if kind in BUCKETED else "quantiles"
    values: dict[str, Any] = {"count": "0", "sum": "0", key: {}}
    for sample in samples:
        suffix = sample.labels.metric.removeprefix(name)
        if suffix in ("_count", "_sum"):
            whole = suffix == "_count" and sample.value.is_integer()
            text = str(int(sample.value)) if whole else format_number(sample.value)
            values[suffix[1:]] = text
        elif (number := bound_of(sample)) is not None:
            bound = format_number(number)
            whole = kind in BUCKETED and sample.value.is_integer()
            values[key][bound] = str(int(sample.value)) if whole else format_number(sample.value)
    return values
