"""Histograms and summaries with every line that a reader may expect of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from termprom.exposition.families import MetricFamily, Sample
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.metadata import MetricType

BUCKETED: Final = (MetricType.HISTOGRAM, MetricType.GAUGE_HISTOGRAM)
_BOUNDS: Final = ("le", "quantile")


def metric_labels(sample: Sample) -> dict[str, str]:
    """The labels that tell one metric of a family from the next: without name and bound."""
    return {
        name: value for name, value in sample.labels if name != METRIC_NAME and name not in _BOUNDS
    }


def bound_of(sample: Sample) -> float | None:
    """The bucket's or quantile's bound; None where there is none or it is no number."""
    for name in _BOUNDS:
        text = sample.labels.get(name)
        if text:
            try:
                return float(text)
            except ValueError:
                return None
    return None


def with_all_parts(family: MetricFamily) -> MetricFamily:
    """The family with what is missing of each metric: sum and count are 0 where they were not
    said, and the last bucket holds the count.
    """
    kind = family.metadata.type
    if kind not in BUCKETED and kind is not MetricType.SUMMARY:
        return family
    metrics: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in family.samples:
        metrics.setdefault(tuple(metric_labels(sample).items()), []).append(sample)
    added: list[Sample] = []
    for labels, samples in metrics.items():
        said = {sample.labels.metric: sample.value for sample in samples}
        names = (family.name + "_sum", family.name + "_count")
        added += [_sample(labels, name, 0.0) for name in names if name not in said]
        if kind in BUCKETED and not any(bound_of(sample) == float("inf") for sample in samples):
            count = said.get(family.name + "_count", 0.0)
            added.append(_sample((*labels, ("le", "+Inf")), family.name + "_bucket", count))
    return replace(family, samples=(*family.samples, *added)) if added else family


def _sample(labels: tuple[tuple[str, str], ...], name: str, value: float) -> Sample:
    return Sample(Labels(sorted([*labels, (METRIC_NAME, name)])), value)
