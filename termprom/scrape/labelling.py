"""From the labels of an exposed line to the labels of a stored series. Pure.

Source: Prometheus docs, "Configuration", scrape_config (`honor_labels`, the label limits).
"""

from __future__ import annotations

from collections.abc import Sequence

from termprom.config.schema import ScrapeConfig
from termprom.errors import LimitExceeded, ScrapeError
from termprom.exposition.entries import LabelPairs
from termprom.exposition.names import is_legacy_metric_name
from termprom.model.labels import Labels, is_legacy_label_name, quote
from termprom.relabel import relabel

_EXPORTED = "exported_"
_SHOWN_MAX = 50  # characters of a name or value in a message


class Labelling:
    """What one job makes of the labels that one target exposes."""

    def __init__(self, job: ScrapeConfig, target: Labels) -> None:
        self._job = job
        self._target = target
        self._names = frozenset(target.names())
        self._rules = job.metric_relabel_configs
        self._legacy = job.metric_name_validation_scheme == "legacy"
        self._limited = bool(
            job.label_limit or job.label_name_length_limit or job.label_value_length_limit
        )

    def __call__(self, pairs: LabelPairs) -> Labels | None:
        """The labels to store under; None where relabelling drops the series.

        Raises ScrapeError for a series that fails the scrape as a whole.
        """
        merged = self.merged(pairs)
        if self._rules:
            outcome = relabel(dict(merged), self._rules)
            if outcome.dropped or not outcome.labels:
                return None
            labels = outcome.labels
        else:
            labels = Labels(sorted([pair for pair in merged if pair[1]]))
        self._check(labels, pairs)
        return labels

    def merged(self, pairs: LabelPairs) -> Sequence[tuple[str, str]]:
        """The exposed labels and the target's, before metric relabelling."""
        names = [name for name, _ in pairs]
        if self._names.isdisjoint(names):
            return [*pairs, *self._target]
        if self._job.honor_labels:
            # An exposed empty value counts as present: it keeps the target's label away.
            return [*pairs, *(pair for pair in self._target if pair[0] not in names)]
        return self._renamed(pairs)

    def _renamed(self, pairs: LabelPairs) -> list[tuple[str, str]]:
        """The target's labels win; what they push aside is exposed as `exported_...`."""
        merged = [pair for pair in pairs if pair[0] not in self._names]
        taken = self._names.union(name for name, _ in pairs)
        conflicts = [pair for pair in pairs if pair[0] in self._names and pair[1]]
        for name, value in sorted(conflicts, key=lambda pair: len(pair[0])):
            fresh = _EXPORTED + name
            while fresh in taken:
                fresh = _EXPORTED + fresh
            taken |= {fresh}
            merged.append((fresh, value))
        return [*merged, *self._target]

    def _check(self, labels: Labels, pairs: LabelPairs) -> None:
        metric = labels.metric
        if not metric:
            raise ScrapeError("missing metric name (__name__ label)")
        if self._legacy and not (
            is_legacy_metric_name(metric) and all(is_legacy_label_name(name) for name, _ in labels)
        ):
            shown = ", ".join(f"{name}={quote(value)}" for name, value in labels)
            raise ScrapeError(f"invalid metric name or label names: {{{shown}}}")
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            twice = next(name for number, name in enumerate(names) if name in names[:number])
            raise ScrapeError(f'label name "{twice}" is not unique: invalid sample')
        if self._limited:
            check_limits(labels, self._job)


def check_limits(labels: Labels, job: ScrapeConfig) -> None:
    """Raises LimitExceeded where the job's label limits do not allow these labels."""
    metric = labels.metric[:_SHOWN_MAX]
    if job.label_limit and len(labels) > job.label_limit:
        raise LimitExceeded(
            f"label_limit exceeded (metric: {metric}, number of labels: {len(labels)}, "
            f"limit: {job.label_limit})"
        )
    for name, value in labels:
        shown, size = name[:_SHOWN_MAX], len(name.encode())
        if job.label_name_length_limit and size > job.label_name_length_limit:
            raise LimitExceeded(
                f"label_name_length_limit exceeded (metric: {metric}, label name: {shown}, "
                f"length: {size}, limit: {job.label_name_length_limit})"
            )
        size = len(value.encode())
        if job.label_value_length_limit and size > job.label_value_length_limit:
            raise LimitExceeded(
                f"label_value_length_limit exceeded (metric: {metric}, label name: {shown}, "
                f"value: {quote(value[:_SHOWN_MAX])}, length: {size}, "
                f"limit: {job.label_value_length_limit})"
            )
