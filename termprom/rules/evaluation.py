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

from termprom.clock import Clock
from termprom.errors import EvaluationError, QueryCanceled, StorageError, TermpromError
from termprom.model.result import QueryResult
from termprom.rules.alert_state import Alert, Found, mark_sent, needs_sending
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
from termprom.rules.vector import Element, elements
from termprom.views import AlertView

_log = logging.getLogger("termprom.rules")

Query = Callable[[str, int], Awaitable[QueryResult]]  # expression, at_ms

RESEND_DELAY_MS = 60_000  # --rules.alert.resend-delay


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
            result = elements(await parts.query(rule.config.expr, moment.sample_ms))
            if rule.is_alert:
                samples = await self._alert(rule, result, moment)
            else:
                samples = recorded_samples(
                    rule.config.record, rule.labels, result, limit=moment.limit
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

    async def _alert(self, rule: Rule, result: list[Element], moment: Moment) -> Samples:
        """Move the rule's alerts on and hand over those that are due; their synthetic samples."""
        found = by_identity(await self._expand(rule, result, moment))
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
            rule.alerts = {}
            raise EvaluationError(too_many)
        rule.alerts = after
        self._send(rule, moment)
        for word, count in state_changes(before, after).items():
            number = f" ({count})" if count > 1 else ""
            self._parts.on_change(f"{rule.name} {word}{number}")
        return alert_samples(rule.name, after.values()) if rule.restored else {}

    async def _expand(self, rule: Rule, result: list[Element], moment: Moment) -> list[Found]:
        def expand() -> list[Found]:
            return self._expansion.found(
                rule.config, rule.labels, result, moment.slot_ms, moment.surroundings
            )

        executor = self._parts.executor
        if executor is None or not needs_a_thread(rule.config, rule.labels):
            return expand()
        return await asyncio.get_running_loop().run_in_executor(executor, expand)

    def _send(self, rule: Rule, moment: Moment) -> None:
        delay = self._parts.resend_delay_ms
        due: list[Alert] = []
        for identity, alert in rule.alerts.items():
            if needs_sending(alert, moment.slot_ms, resend_delay_ms=delay):
                sent = mark_sent(
                    alert,
                    moment.slot_ms,
                    interval_ms=moment.interval_ms,
                    resend_delay_ms=delay,
                )
                rule.alerts[identity] = sent
                due.append(sent)
        if due:
            url = generator_url(moment.surroundings.external_url, rule.query)
            self._parts.notify([rule.alert_view(alert, url) for alert in due])

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
