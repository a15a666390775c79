"""One pushed group and the two gauges that say when it was pushed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from termprom.exposition.families import MetricFamily, Sample
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.push.grouping import GroupingKey
from termprom.push.parts import with_all_parts

PUSH_TIME: Final = "push_time_seconds"
PUSH_FAILURE_TIME: Final = "push_failure_time_seconds"
_SUCCEEDED_HELP: Final = "Last Unix time when changing this group in the Pushgateway succeeded."
_FAILED_HELP: Final = "Last Unix time when changing this group in the Pushgateway failed."


@dataclass(frozen=True, slots=True)
class PushedFamily:
    """A family as stored: every series with the group's labels; Unix milliseconds of its push."""

    family: MetricFamily
    pushed_ms: int


@dataclass(frozen=True, slots=True)
class PushGroup:
    """Families by name, and the Unix milliseconds of the last good and the last failed push."""

    key: GroupingKey
    families: Mapping[str, PushedFamily] = field(default_factory=dict)
    pushed_ms: int = 0
    failed_ms: int = 0

    @property
    def last_push_ok(self) -> bool:
        return self.failed_ms <= self.pushed_ms

    def pushed(self, families: Iterable[MetricFamily], now_ms: int, *, keep: bool) -> PushGroup:
        """After a good push; `keep` says that families which it does not name stay."""
        new = {family.name: PushedFamily(family, now_ms) for family in families}
        merged = {**self.families, **new} if keep else new
        return replace(self, families=merged, pushed_ms=now_ms)

    def refused(self, now_ms: int) -> PushGroup:
        """After a push that failed its checks."""
        return replace(self, failed_ms=now_ms)

    def time_families(self) -> tuple[MetricFamily, MetricFamily]:
        """`push_failure_time_seconds` and `push_time_seconds`."""
        labels = self.key.series_labels()
        return (
            _time_gauge(PUSH_FAILURE_TIME, _FAILED_HELP, labels, self.failed_ms),
            _time_gauge(PUSH_TIME, _SUCCEEDED_HELP, labels, self.pushed_ms),
        )


def _time_gauge(name: str, text: str, labels: Mapping[str, str], at_ms: int) -> MetricFamily:
    series = series_of({**labels, METRIC_NAME: name})
    return MetricFamily(name, Metadata(MetricType.GAUGE, text), (Sample(series, at_ms / 1000),))


def series_of(labels: Mapping[str, str]) -> Labels:
    """Labels of a pushed series: sorted, and with the empty values that `Labels.of` drops."""
    return Labels(sorted(labels.items()))


def with_group_labels(families: Iterable[MetricFamily], key: GroupingKey) -> list[MetricFamily]:
    """The pushed families as the group stores them: its labels win over those of the body, and
    the two push-time metrics, which are not for the pusher to say, are left out.
    """
    own = dict(key.pairs)
    return [
        with_all_parts(
            replace(
                family,
                samples=tuple(
                    Sample(series_of({"instance": "", **dict(sample.labels), **own}), sample.value)
                    for sample in family.samples
                ),
            )
        )
        for family in families
        if family.name not in (PUSH_TIME, PUSH_FAILURE_TIME)
    ]
