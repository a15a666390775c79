"""One evaluation of one rule: query, decide, tell, store.

The order is the original's and matters: state moves only when the query succeeded, alerts are
handed over before their samples are stored, and a rule that fails leaves everything as it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from termprom.clock import Clock
from termprom.errors import EvaluationError, QueryCanceled, StorageError, TermpromError
from termprom.model.labels import Labels
from termprom.model.result import QueryResult
from termprom.rules.alert_state import Alert, mark_sent, needs_sending
from termprom.rules.alerting import (
    advance_alerts,
    alert_samples,
    by_identity,
    exceeds_limit,
    state_changes,
)
from termprom.rules.expansion import Expansion, Surroundings, needs_a_thread
from termprom.rules.generator import generator_url
from termprom.rules.metrics import RuleMetrics
from termprom.rules.output import Output, rejection
from termprom.rules.recording import Samples, recorded_samples
from termprom.rules.rule import Rule
from termprom.rules.vector import elements
from termprom.views import AlertView

_log = logging.getLogger("termprom.rules")

T = TypeVar("T")

Query = Callable[[str, int], Awaitable[QueryResult]]  # expression, at_ms

RESEND_DELAY_MS = 60_000  # --rules.alert.resend-delay
# Fewer are dealt with on the loop: 50 alerts with templates take 5 ms, a thread's turn costs 0.1.
_INLINE_ELEMENTS_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Whom a rule talks to. `on_change` takes a line for people, or "" for mere movement."""

    query: Query
    clock: Clock
    metrics: RuleMetrics
    notify: Callable[[Sequence[AlertView]], None]
    on_change: Callable[[str], None]
    executor: Executor | None = None
    resend_delay_ms: int = RESEND_DELAY_MS


@dataclass(frozen=True, slots=True)
class Moment:
    """One iteration of a group: its slot, where it writes, and the rules' common settings.

    Samples are stamped `sample_ms`, the slot less the query offset; alerts live at `slot_ms`.
    """

    slot_ms: int
    sample_ms: int
    limit: int
    interval_ms: int
    key: str
    surroundings: Surroundings


@dataclass(frozen=True, slots=True)
class Moved:
    """A rule's alerts after an evaluation: which to send, what changed, what to store."""

    alerts: dict[Labels, Alert]
    due: list[AlertView]
    changes: dict[str, int]
    samples: Samples


class TooManyAlerts(EvaluationError):
    """The group's limit was passed; nothing is known of the rule's alerts then."""


class RuleEvaluator:
    """Evaluates single rules for all groups."""

    def __init__(self, parts: Collaborators) -> None:
        self._parts = parts
        self._expansion = Expansion(parts.metrics)

    async def evaluate(self, rule: Rule, output: Output, moment: Moment) -> None:
        """Bring `rule` forward to this moment; errors end up in its health, never here."""
        parts = self._parts
        began = parts.clock.monotonic()
        rule.last_evaluation_ms = parts.clock.now_ms()
        parts.metrics.evaluations.labels(moment.key).inc()
        rule.last_samples = 0
        try:
            result = await parts.query(rule.config.expr, moment.sample_ms)
            if rule.is_alert:
                samples = await self._alert(rule, result, moment)
            else:
                samples = await self._apart(
                    partial(_recorded, rule, result, moment.limit), size=len(result.labels)
                )
        except QueryCanceled as problem:
            rule.failed(str(problem) or "query was canceled")
        except TermpromError as problem:
            self._failed(rule, moment, problem)
        except Exception as problem:
            # Our own mistake; it must not take the group's other rules with it.
            _log.exception("evaluating a rule broke", extra={"fields": {"rule": rule.name}})
            self._failed(rule, moment, problem)
        else:
            self._store(rule, output, moment, samples)
        rule.last_seconds = parts.clock.monotonic() - began
        parts.metrics.rule_duration.observe(rule.last_seconds)
        parts.metrics.rule_histogram.observe(rule.last_seconds)

    def _failed(self, rule: Rule, moment: Moment, problem: Exception) -> None:
        reason = str(problem) or type(problem).__name__
        self._parts.metrics.failures.labels(moment.key).inc()
        if rule.failed(reason):
            _log.warning(
                "evaluating a rule failed",
                extra={"fields": {"rule": rule.name, "group": moment.key, "error": reason}},
            )

    # --- Alerts -------------------------------------------------------------------------------

    async def _alert(self, rule: Rule, result: QueryResult, moment: Moment) -> Samples:
        """Move the rule's alerts on and hand over those that are due; their synthetic samples."""
        try:
            moved = await self._apart(
                partial(self._moved, rule, result, moment),
                size=len(result.labels),
                blocking=needs_a_thread(rule.config, rule.labels),
            )
        except TooManyAlerts:
            rule.alerts = {}
            raise
        rule.alerts = moved.alerts
        if moved.due:
            self._parts.notify(moved.due)
        for word, count in moved.changes.items():
            number = f" ({count})" if count > 1 else ""
            self._parts.on_change(f"{rule.name} {word}{number}")
        return moved.samples

    def _moved(self, rule: Rule, result: QueryResult, moment: Moment) -> Moved:
        """What becomes of a rule's alerts; changes nothing and may run in any thread."""
        found = by_identity(
            self._expansion.found(
                rule.config, rule.labels, elements(result), moment.slot_ms, moment.surroundings
            )
        )
        before = rule.alerts
        after = advance_alerts(
            before,
            found,
            moment.slot_ms,
            hold_ms=rule.config.hold,
            keep_firing_ms=rule.config.keep_firing_for,
        )
        too_many = exceeds_limit(after, moment.limit)
        if too_many:
            raise TooManyAlerts(too_many)
        changes = state_changes(before, after)
        due = self._due(rule, after, moment)
        samples = alert_samples(rule.name, after.values()) if rule.restored else {}
        return Moved(after, due, changes, samples)

    def _due(self, rule: Rule, alerts: dict[Labels, Alert], moment: Moment) -> list[AlertView]:
        """The alerts to be sent now; marks them as sent."""
        delay = self._parts.resend_delay_ms
        due: list[Alert] = []
        for identity, alert in alerts.items():
            if needs_sending(alert, moment.slot_ms, resend_delay_ms=delay):
                sent = mark_sent(
                    alert,
                    moment.slot_ms,
                    interval_ms=moment.interval_ms,
                    resend_delay_ms=delay,
                )
                alerts[identity] = sent
                due.append(sent)
        if not due:
            return []
        url = generator_url(moment.surroundings.external_url, rule.query)
        return [rule.alert_view(alert, url) for alert in due]

    async def _apart(self, work: Callable[[], T], *, size: int, blocking: bool = False) -> T:
        """Do `work` in a thread where it asks the store or takes long: a storm of ten thousand
        alerts takes a second, in which everything else on the loop would be late.
        """
        executor = self._parts.executor
        if executor is None or (size < _INLINE_ELEMENTS_MAX and not blocking):
            return work()
        return await asyncio.get_running_loop().run_in_executor(executor, work)

    # --- Samples ------------------------------------------------------------------------------

    def _store(self, rule: Rule, output: Output, moment: Moment, samples: Samples) -> None:
        try:
            appended = output.write(moment.sample_ms, samples)
            output.end_series(moment.sample_ms, rule.series.keys() - samples.keys())
        except StorageError as problem:
            # What was written last stays remembered, so that its end can be marked later.
            self._failed(rule, moment, problem)
            return
        rule.series = samples
        rule.last_samples = len(samples)
        reason = rejection(appended)
        if not reason:
            rule.succeeded()
        elif rule.failed(reason):
            _log.warning(
                "storing the result of a rule was refused in part",
                extra={
                    "fields": {
                        "rule": rule.name,
                        "reason": reason,
                        "num_dropped": len(samples) - appended.stored,
                    }
                },
            )


def _recorded(rule: Rule, result: QueryResult, limit: int) -> Samples:
    return recorded_samples(rule.config.record, rule.labels, elements(result), limit=limit)
