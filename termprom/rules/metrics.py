"""What the rule engine says about itself, under upstream's names."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from termprom.clock import Clock
from termprom.exposition.quantile_summary import QuantileSummary

_GROUP: Final = ("rule_group",)
_BUCKETS: Final = (0.01, 0.1, 1.0, 10.0)


class RuleMetrics:
    """The metrics of one RuleManager. Per-group series begin and end with their group."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        def counter(name: str, text: str) -> Counter:
            return Counter(f"prometheus_rule_{name}", text, _GROUP, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"prometheus_rule_group_{name}", text, _GROUP, registry=registry)

        self.evaluations = counter("evaluations", "Rule evaluations.")
        self.failures = counter("evaluation_failures", "Rule evaluation failures.")
        self.iterations = counter("group_iterations", "Scheduled iterations, run or missed.")
        self.missed = counter("group_iterations_missed", "Iterations missed by slow evaluation.")
        self.interval = gauge("interval_seconds", "Interval of a rule group.")
        self.rules = gauge("rules", "Number of rules.")
        self.last_evaluation = gauge("last_evaluation_timestamp_seconds", "Last evaluation.")
        self.last_duration = gauge("last_duration_seconds", "Duration of the last evaluation.")
        self.last_rule_sum = gauge(
            "last_rule_duration_sum_seconds", "Sum of the rules' durations in the last evaluation."
        )
        self.last_restore = gauge("last_restore_duration_seconds", "Duration of the restoration.")
        self.last_samples = gauge("last_evaluation_samples", "Samples of the last evaluation.")
        self.rule_duration = QuantileSummary(
            "prometheus_rule_evaluation_duration_seconds",
            "Duration of one rule's evaluation.",
            (0.5, 0.9, 0.99),
            clock=clock,
            registry=registry,
        )
        self.rule_histogram = Histogram(
            "prometheus_rule_evaluation_duration_histogram_seconds",
            "Duration of one rule's evaluation.",
            buckets=_BUCKETS,
            registry=registry,
        )
        self.group_duration = QuantileSummary(
            "prometheus_rule_group_duration_seconds",
            "Duration of one iteration of a group.",
            (0.01, 0.05, 0.5, 0.9, 0.99),
            clock=clock,
            registry=registry,
        )
        self.group_histogram = Histogram(
            "prometheus_rule_group_duration_histogram_seconds",
            "Duration of one iteration of a group.",
            buckets=_BUCKETS,
            registry=registry,
        )
        self.expansions = Counter(
            "prometheus_template_text_expansions",
            "Template text expansions.",
            registry=registry,
        )
        self.expansion_failures = Counter(
            "prometheus_template_text_expansion_failures",
            "Template text expansions that failed.",
            registry=registry,
        )
        self._by_group: tuple[Counter | Gauge, ...] = (
            self.evaluations,
            self.failures,
            self.iterations,
            self.missed,
            self.interval,
            self.rules,
            self.last_evaluation,
            self.last_duration,
            self.last_rule_sum,
            self.last_restore,
            self.last_samples,
        )

    def begin(self, group: str, *, interval_seconds: float, rules: int) -> None:
        """Make all series of a group exist, at zero where there is nothing to say yet."""
        for metric in self._by_group:
            metric.labels(group)
        self.interval.labels(group).set(interval_seconds)
        self.rules.labels(group).set(rules)

    def end(self, group: str) -> None:
        for metric in self._by_group:
            metric.remove(group)
