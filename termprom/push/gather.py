"""All groups as one exposition: families of one name merged, series in a fixed order."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from termprom.exposition.families import MetricFamily, Sample
from termprom.push.group import PushGroup
from termprom.push.parts import bound_of, metric_labels

# The order of the lines of one histogram or summary.
_PARTS: Final = ("_bucket", "", "_sum", "_count")


def gather(groups: Iterable[PushGroup], own: Iterable[MetricFamily] = ()) -> list[MetricFamily]:
    """One family per name, sorted by name. Type and help come from `own`, which are the process's
    metrics, else from the group whose key sorts first; differing help is no error.
    """
    merged: dict[str, list[MetricFamily]] = {}
    for family in own:
        merged.setdefault(family.name, []).append(family)
    for group in sorted(groups, key=lambda one: one.key):
        for family in group.time_families():
            merged.setdefault(family.name, []).append(family)
        for name, stored in group.families.items():
            merged.setdefault(name, []).append(stored.family)
    return [_merge(merged[name]) for name in sorted(merged)]


def _merge(families: list[MetricFamily]) -> MetricFamily:
    first = families[0]
    samples = [sample for family in families for sample in family.samples]
    return replace(first, samples=tuple(sorted(samples, key=lambda one: _order(first.name, one))))


def _order(name: str, sample: Sample) -> tuple[int, list[str], int, float]:
    """Series by number of labels, then by their values; within one, its parts and bounds."""
    values = list(metric_labels(sample).values())
    bound = bound_of(sample)
    suffix = sample.labels.metric.removeprefix(name)
    part = _PARTS.index(suffix) if suffix in _PARTS else 0
    return len(values), values, part, math.inf if bound is None else bound
