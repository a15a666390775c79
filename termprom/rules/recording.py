"""What a recording rule makes of the result of its expression."""

from __future__ import annotations

from collections.abc import Sequence

from termprom.errors import EvaluationError
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import METRIC_NAME, Labels
from termprom.rules.vector import Element

Samples = dict[Labels, float | FloatHistogram]


def recorded_samples(
    record: str, rule_labels: Labels, found: Sequence[Element], *, limit: int
) -> Samples:
    """One sample per element, under the rule's name and labels; an empty rule label removes one.

    Raises EvaluationError when two elements become one series, and when there are more than
    `limit` (0 or less: any number).
    """
    changes = {**dict(rule_labels), METRIC_NAME: record}
    samples: Samples = {}
    for element in found:
        value = element.value if element.histogram is None else element.histogram
        samples[element.labels.merge(changes)] = value
    if len(samples) < len(found):
        raise EvaluationError(
            "vector contains metrics with the same labelset after applying rule labels"
        )
    if 0 < limit < len(found):
        raise EvaluationError(f"exceeded limit of {limit} with {len(found)} series")
    return samples
