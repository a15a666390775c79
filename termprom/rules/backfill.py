"""Recording rules over the past: what they would have recorded, had they been there.

Differences from a run that was there: the query sees all of the past at once, not what had been
stored by then, and alerting rules are left out, since nobody can be told of the past.
Source: promtool, cmd/promtool/rules.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from termprom.config.schema import RuleConfig, RuleGroupConfig
from termprom.errors import EvaluationError
from termprom.model.grid import Grid
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.result import HistogramPoint, QueryResult
from termprom.model.values import ABSENT_BITS, STALE_BITS, Mask, TimesMs, Values
from termprom.promql.syntax import ast
from termprom.rules.dependencies import dependencies, layers
from termprom.rules.rule import merged_labels
from termprom.rules.schedule import NANOSECONDS_PER_MS, Schedule


@dataclass(frozen=True, slots=True)
class PastRule:
    """A recording rule with its group, which gives it its times."""

    config: RuleConfig
    group: RuleGroupConfig
    interval_ms: int

    def grid(self, start_ms: int, end_ms: int) -> Grid | None:
        """Its evaluation times in [start, end]; None where there are none.

        The phase is the one that the group has when it runs, so past and present line up.
        """
        schedule = Schedule.of(self.group.file, self.group.name, self.interval_ms)
        offset_ms = self.group.query_offset or 0
        first_ns = schedule.slot((start_ms + offset_ms) * NANOSECONDS_PER_MS - 1)
        at_ms = (first_ns + schedule.interval_ns) // NANOSECONDS_PER_MS - offset_ms
        return Grid(at_ms, end_ms, self.interval_ms) if at_ms <= end_ms else None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one rule records in one range. Shapes: labels K; times_ms (S,); cells (K, S).

    Cells are absent where there is no float and stale where a series ended. `histograms` are at
    their series and step.
    """

    labels: Sequence[Labels]
    times_ms: TimesMs
    cells: Values
    histograms: Sequence[HistogramPoint] = ()


def past_rules(groups: Sequence[RuleGroupConfig], interval_ms: int) -> list[PastRule]:
    """The recording rules of all groups, in order. `interval_ms` is for groups that name none."""
    return [
        PastRule(rule, group, group.interval or interval_ms)
        for group in groups
        for rule in group.rules
        if rule.record
    ]


def rounds(rules: Sequence[PastRule], parse: Callable[[str], ast.Expr]) -> list[list[PastRule]]:
    """The rules in rounds: a round reads only what earlier ones recorded."""
    depends = dependencies([(one.config, parse(one.config.expr)) for one in rules])
    if depends is None:
        return [[one] for one in rules]
    return [[rules[number] for number in numbers] for numbers in layers(depends)]


class PastRecording:
    """One rule on its way through the past; ask range by range, in order of time."""

    def __init__(self, rule: PastRule) -> None:
        labels = merged_labels(rule.group, rule.config)
        self._changes = {**dict(labels), METRIC_NAME: rule.config.record}
        self._going: frozenset[Labels] = frozenset()  # series that had a sample at the last step

    def record(self, result: QueryResult) -> Recorded:
        """The samples and the ends of series that the answer of a range query stands for.

        Raises EvaluationError where two series become one.
        """
        labels = [one.merge(self._changes) for one in result.labels]
        if len(set(labels)) < len(labels):
            raise EvaluationError(
                "vector contains metrics with the same labelset after applying rule labels"
            )
        gone = sorted(self._going.difference(labels))
        steps = result.times_ms.size
        present = np.concatenate([result.present, np.zeros((len(gone), steps), dtype=np.bool_)])
        values = np.concatenate([result.values, np.zeros((len(gone), steps))])
        labels += gone
        there = present.copy()
        for point in result.histograms:
            there[point.series, point.step] = True
        before = np.array([one in self._going for one in labels], dtype=np.bool_)
        cells = _with_ends(values, present, there, before)
        last = there[:, -1].tolist()
        self._going = frozenset(one for one, goes_on in zip(labels, last, strict=True) if goes_on)
        return Recorded(labels, result.times_ms, cells, result.histograms)


def _with_ends(values: Values, present: Mask, there: Mask, before: Mask) -> Values:
    """Floats where they are present, a stale marker at the first step after each run of samples.

    Shapes: values, present, there (K, S); before (K,), whether one was there just before -> (K, S)
    """
    # By bits: both marks are signalling NaNs, which arithmetic would make ordinary ones.
    bits = np.where(present, values.view(np.uint64), np.uint64(ABSENT_BITS))
    earlier = np.concatenate([before[:, np.newaxis], there[:, :-1]], axis=1)
    bits[earlier & ~there] = STALE_BITS
    return bits.view(np.float64)
