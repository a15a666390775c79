"""One rule while it runs: what it last did, which series it writes, which alerts it has."""

from __future__ import annotations

from dataclasses import replace

from termprom.config.schema import RuleConfig, RuleGroupConfig
from termprom.model.labels import Labels
from termprom.rules.alert_state import Alert
from termprom.rules.alerting import rule_state
from termprom.rules.recording import Samples
from termprom.views import AlertState, AlertView, RuleHealth, RuleView

_STATE_ORDER = {AlertState.FIRING: 0, AlertState.PENDING: 1, AlertState.INACTIVE: 2}


def merged_labels(group: RuleGroupConfig, rule: RuleConfig) -> Labels:
    """Group labels under rule labels, as written: an empty value takes a label away."""
    return Labels(sorted({**dict(group.labels), **dict(rule.labels)}.items()))


class Rule:
    """The mutable part of a rule; owned by its group's task."""

    def __init__(
        self, config: RuleConfig, group: RuleGroupConfig, *, restored: bool, query: str
    ) -> None:
        self.config = config
        self.labels = merged_labels(group, config)
        self.query = query
        self.alerts: dict[Labels, Alert] = {}  # replaced by each evaluation, never changed
        self.series: Samples = {}
        self.restored = restored
        self.health = RuleHealth.UNKNOWN
        self.last_error = ""
        self.last_evaluation_ms = 0
        self.last_seconds = 0.0
        self.last_samples = 0
        self._group = group
        self._shown: tuple[object, str, tuple[AlertView, ...]] = (None, "", ())

    def __repr__(self) -> str:
        return f"Rule({self.name}, {self.health}, {len(self.alerts)} alerts)"

    @property
    def is_alert(self) -> bool:
        return bool(self.config.alert)

    @property
    def name(self) -> str:
        return self.config.alert or self.config.record

    @property
    def identity(self) -> tuple[str, Labels]:
        """What makes it the same rule after a reload."""
        return self.name, self.labels

    def take_over(self, old: Rule) -> None:
        """Go on where `old`, the same rule before a reload, stopped."""
        self.series = old.series
        if self.is_alert and old.is_alert:
            self.alerts = old.alerts

    def failed(self, reason: str) -> bool:
        """Whether that is news: a rule that goes on failing for the same reason says it once."""
        known = self.health is RuleHealth.ERROR and self.last_error == reason
        self.health = RuleHealth.ERROR
        self.last_error = reason
        return not known

    def succeeded(self) -> None:
        self.health = RuleHealth.OK
        self.last_error = ""

    def alert_view(self, alert: Alert, generator_url: str) -> AlertView:
        return AlertView(
            name=self.name,
            labels=alert.labels,
            annotations=alert.annotations,
            state=alert.state,
            active_since_ms=alert.active_ms,
            value=alert.value,
            fired_ms=alert.fired_ms or 0,
            resolved_ms=alert.resolved_ms or 0,
            keep_firing_since_ms=alert.keep_firing_since_ms or 0,
            group=self._group.name,
            file=self._group.file,
            valid_until_ms=alert.valid_until_ms or 0,
            generator_url=generator_url,
        )

    def active_alerts(self, generator_url: str) -> tuple[AlertView, ...]:
        """Firing ones first, then by labels."""
        # Asked several times between two evaluations, each of which brings another dictionary.
        if self._shown[0] is self.alerts and self._shown[1] == generator_url:
            return self._shown[2]
        active = [alert for alert in self.alerts.values() if alert.active]
        active.sort(key=lambda alert: (_STATE_ORDER[alert.state], alert.labels))
        views = tuple(self.alert_view(alert, generator_url) for alert in active)
        self._shown = (self.alerts, generator_url, views)
        return views

    def view(self, generator_url: str) -> RuleView:
        return RuleView(
            name=self.name,
            query=self.query,
            is_alert=self.is_alert,
            labels=self.labels,
            annotations=self.config.annotations,
            hold_seconds=self.config.hold / 1000,
            keep_firing_seconds=self.config.keep_firing_for / 1000,
            health=self.health,
            last_error=self.last_error,
            state=rule_state(self.alerts),
            alerts=self.active_alerts(generator_url),
            last_evaluation_ms=self.last_evaluation_ms,
            evaluation_seconds=self.last_seconds,
            last_samples=self.last_samples,
        )


def same_rules(left: RuleGroupConfig, right: RuleGroupConfig) -> bool:
    """Whether two groups say the same; where it stands in the file does not matter."""
    return _placeless(left) == _placeless(right)


def _placeless(group: RuleGroupConfig) -> RuleGroupConfig:
    return replace(group, line=0, rules=tuple(replace(rule, line=0) for rule in group.rules))
