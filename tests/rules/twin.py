"""The reference's words about a rule group, one after the other, as a plain machine.

A second way to the same answers, written without a look at the first: mutable alerts, absolute
times, one loop. Section numbers are those of the reference page on rules and alerts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from termprom.model.labels import Labels
from termprom.model.values import STALE_BITS, bits_of

MINUTE = 60_000
Answer = Mapping[Labels, float] | None  # None: the query fails
Stored = dict[Labels, dict[int, float | None]]  # None: a stale marker


@dataclass
class TwinAlert:
    labels: Labels
    state: str
    active_at: int
    fired_at: int = 0
    resolved_at: int = 0
    last_sent_at: int = 0
    valid_until: int = 0
    keep_firing_since: int = 0


@dataclass
class TwinRule:
    alert: str
    expr: str
    hold: int
    keep: int
    labels: Labels
    restored: bool = True
    active: dict[Labels, TwinAlert] = field(default_factory=dict)
    before: set[Labels] = field(default_factory=set)

    def evaluate(self, ts: int, answer: Mapping[Labels, float]) -> dict[Labels, float]:
        """Sections 9 to 11."""
        result = {
            one.without_metric().merge({**dict(self.labels), "alertname": self.alert})
            for one in answer
        }
        for identity in result:
            there = self.active.get(identity)
            if there is None or there.state == "inactive":
                self.active[identity] = TwinAlert(identity, "pending", ts)
        samples: dict[Labels, float] = {}
        for identity, one in list(self.active.items()):
            keep_firing = False
            if identity not in result:
                if one.state == "firing" and self.keep > 0:
                    if not one.keep_firing_since:
                        one.keep_firing_since = ts
                    keep_firing = ts - one.keep_firing_since < self.keep
                if one.state == "pending" or (
                    one.resolved_at and ts - one.resolved_at > 15 * MINUTE
                ):
                    del self.active[identity]
                if one.state != "inactive" and not keep_firing:
                    one.state, one.resolved_at = "inactive", ts
                if not keep_firing:
                    continue
            else:
                one.keep_firing_since = 0
            if one.state == "pending" and ts - one.active_at >= self.hold:
                one.state, one.fired_at = "firing", ts
            if one.state == "firing" and ts - one.active_at < self.hold:
                one.state = "pending"
                one.fired_at = one.last_sent_at = one.keep_firing_since = 0
            if self.restored:
                own = {"__name__": "ALERTS", "alertname": self.alert, "alertstate": one.state}
                samples[identity.merge(own)] = 1.0
                own = {"__name__": "ALERTS_FOR_STATE", "alertname": self.alert}
                samples[identity.merge(own)] = float(one.active_at // 1000)
        return samples

    def to_send(self, ts: int, interval: int) -> list[tuple[str, int, int, Labels]]:
        """Section 13: (state, startsAt, endsAt, labels)."""
        sent = []
        for one in self.active.values():
            if one.state == "pending":
                continue
            if not (one.resolved_at > one.last_sent_at or one.last_sent_at + MINUTE < ts):
                continue
            one.last_sent_at = ts
            one.valid_until = ts + 4 * max(interval, MINUTE)
            sent.append((one.state, one.fired_at, one.resolved_at or one.valid_until, one.labels))
        return sent

    def restore(self, t: int, stored: Stored) -> None:
        """Section 12."""
        self.restored = True
        grace, tolerance = 10 * MINUTE, 60 * MINUTE
        if self.hold < grace:
            return
        for labels, samples in stored.items():
            if labels.metric != "ALERTS_FOR_STATE":
                continue
            one = self.active.get(labels.without_metric())
            inside = [at for at in samples if t - tolerance <= at <= t]
            if one is None or not inside:
                continue
            down_at = max(inside)
            value = samples[down_at]
            if value is None:
                continue
            active_at = int(value * 1000)
            remaining = self.hold - (down_at - active_at)
            if remaining <= 0:
                one.active_at = active_at
            elif remaining < grace:
                one.active_at = t + grace - self.hold
            else:
                one.active_at = active_at + (t - down_at)


class TwinGroup:
    """One group; `reload` and `restart` give the group that follows."""

    def __init__(self, rules: list[TwinRule], interval: int) -> None:
        self.rules = rules
        self.interval = interval
        self.leftovers: set[Labels] = set()

    def iterate(
        self, ts: int, ask: Callable[[str, int], Answer], stored: Stored
    ) -> list[tuple[str, int, int, Labels]]:
        """Section 6."""
        sent = []
        for rule in self.rules:
            answer = ask(rule.expr, ts)
            if answer is None:
                continue
            samples = rule.evaluate(ts, answer)
            sent += rule.to_send(ts, self.interval)
            for labels, value in samples.items():
                stored.setdefault(labels, {}).setdefault(ts, value)
            for labels in rule.before - samples.keys():
                stored[labels].setdefault(ts, None)
            rule.before = set(samples)
        for labels in self.leftovers:
            stored[labels].setdefault(ts, None)
        self.leftovers = set()
        return sent

    def reload(self, rules: list[TwinRule]) -> TwinGroup:
        """Section 4, a group that changed."""
        after = TwinGroup(rules, self.interval)
        old = list(self.rules)
        for rule in rules:
            same = next(
                (one for one in old if (one.alert, one.labels) == (rule.alert, rule.labels)), None
            )
            if same is not None:
                old.remove(same)
                rule.active, rule.before = same.active, same.before
        after.leftovers = self.leftovers | {labels for one in old for labels in one.before}
        return after


def as_stored(samples: Mapping[Labels, Mapping[int, float]]) -> Stored:
    """What a store holds, stale markers as None."""
    return {
        labels: {at: None if bits_of(v) == STALE_BITS else float(v) for at, v in one.items()}
        for labels, one in samples.items()
        if one
    }
