"""A rule group: its rules evaluated in order, at its slots, in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor

from termprom.config.schema import RuleGroupConfig
from termprom.errors import StorageError
from termprom.model.labels import Labels
from termprom.promql.watching import ORIGIN
from termprom.rules.batches import batches, together
from termprom.rules.evaluation import Collaborators, Moment, RuleEvaluator
from termprom.rules.expansion import Surroundings
from termprom.rules.generator import generator_url
from termprom.rules.output import Output
from termprom.rules.restoring import (
    Restoring,
    last_states,
    restored_alerts,
)
from termprom.rules.rule import Rule
from termprom.rules.schedule import NANOSECONDS_PER_MS, Schedule, Ticker
from termprom.storage import Queryable
from termprom.views import RuleGroupView

_log = logging.getLogger("termprom.rules")


def group_key(config: RuleGroupConfig) -> str:
    """The identity of a group, and the value of its `rule_group` metric label."""
    return f"{config.file};{config.name}"


class RuleGroup:
    """One running group. All methods belong to the event loop."""

    def __init__(
        self,
        config: RuleGroupConfig,
        parts: Collaborators,
        storage: Queryable,
        output: Output,
        *,
        interval_ms: int,
        query_offset_ms: Callable[[], int],
        surroundings: Callable[[], Surroundings],
        restore: Restoring | None,
        format_expr: Callable[[str], str],
        slots: asyncio.Semaphore | None = None,
    ) -> None:
        """`slots` are those that rules of all groups share to run beside each other; None: none."""
        self.config = config
        self.key = group_key(config)
        self.interval_ms = interval_ms
        self.output = output
        self.rules = [
            Rule(rule, config, restored=restore is None, query=format_expr(rule.expr))
            for rule in config.rules
        ]
        self.missed = 0
        self._slots = slots
        self._batches = batches(config.rules, concurrent=slots is not None)
        self._parts = parts
        self._storage = storage
        self._evaluator = RuleEvaluator(parts)
        self._query_offset_ms = query_offset_ms
        self._surroundings = surroundings
        self._restore = restore
        self._schedule = Schedule.of(config.file, config.name, interval_ms)
        self._ended: set[Labels] = set()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._waiting = True  # a task that has not run yet may be cancelled as well
        self._last_evaluation_ms = 0
        self._last_seconds = 0.0

    def __repr__(self) -> str:
        state = "running" if self._task is not None else "not running"
        return f"RuleGroup({self.key}, {len(self.rules)} rules, {state})"

    @property
    def query_offset_ms(self) -> int:
        own = self.config.query_offset
        return self._query_offset_ms() if own is None else own

    # --- Life ---------------------------------------------------------------------------------

    def start(self) -> None:
        self._parts.metrics.begin(
            self.key, interval_seconds=self.interval_ms / 1000, rules=len(self.rules)
        )
        self._task = asyncio.create_task(self._run(), name=f"rules {self.key}")

    async def stop(self, *, at_once: bool = False) -> None:
        """End the task; the rule that is being evaluated is finished first unless `at_once`."""
        self._stopping = True
        task, self._task = self._task, None
        if task is None:
            return
        if at_once or self._waiting:
            task.cancel()
        await asyncio.wait([task])

    def take_over(self, old: RuleGroup) -> None:
        """Go on where the group stopped that had this identity before a reload."""
        self._last_evaluation_ms = old._last_evaluation_ms
        self._last_seconds = old._last_seconds
        self.missed = old.missed
        self.end_later(old._ended)
        waiting: dict[tuple[str, Labels], list[Rule]] = {}
        for rule in old.rules:
            waiting.setdefault(rule.identity, []).append(rule)
        for rule in self.rules:
            same = waiting.get(rule.identity)
            if same:
                rule.take_over(same.pop(0))
        for rules in waiting.values():
            for rule in rules:
                self.end_later(rule.series)

    def end_later(self, series: Iterable[Labels]) -> None:
        """Series that somebody else wrote: they end with the next evaluation unless it writes
        them.
        """
        self._ended.update(series)

    def series(self) -> set[Labels]:
        """Everything that the last evaluation wrote."""
        return {labels for rule in self.rules for labels in rule.series}

    # --- The loop -----------------------------------------------------------------------------

    async def _run(self) -> None:
        clock = self._parts.clock
        ORIGIN.set({"ruleGroup": {"file": self.config.file, "name": self.config.name}})
        now_ns = clock.now_ms() * NANOSECONDS_PER_MS
        slot_ns = self._schedule.slot(now_ns) + self._schedule.interval_ns
        await self._wait((slot_ns - now_ns) / 1e9)
        ticker = Ticker(self.interval_ms / 1000, clock.monotonic())
        first = True
        while True:
            try:
                await self._iterate(slot_ns)
            except Exception:
                # Our own mistake: without this the group would fall silent for good.
                _log.exception("an iteration broke", extra={"fields": {"group": self.key}})
            if self._restore is not None and not first and not self._stopping:
                await self._restore_alerts(self._restore)
            first = False
            if self._stopping:
                return
            await self._wait(ticker.wait(clock.monotonic()))
            now_ns = clock.now_ms() * NANOSECONDS_PER_MS
            missed = self._schedule.missed(slot_ns, now_ns)
            self._count_missed(missed)
            slot_ns += (missed + 1) * self._schedule.interval_ns

    async def _wait(self, seconds: float) -> None:
        self._waiting = True
        try:
            # Also when late: whoever waits for the loop gets its turn between two iterations.
            await self._parts.clock.sleep(max(seconds, 0.0))
        finally:
            self._waiting = False

    def _count_missed(self, missed: int) -> None:
        if missed:
            self.missed += missed
            self._parts.metrics.missed.labels(self.key).inc(missed)
            self._parts.metrics.iterations.labels(self.key).inc(missed)

    async def _iterate(self, slot_ns: int) -> None:
        """One evaluation of every rule at the slot; stops early between two rules."""
        clock, metrics = self._parts.clock, self._parts.metrics
        began = clock.monotonic()
        self._last_evaluation_ms = clock.now_ms()
        slot_ms = slot_ns // NANOSECONDS_PER_MS
        moment = Moment(
            slot_ms=slot_ms,
            sample_ms=slot_ms - self.query_offset_ms,
            limit=self.config.limit,
            interval_ms=self.interval_ms,
            key=self.key,
            surroundings=self._surroundings(),
        )
        for batch in self._batches:
            if self._stopping:
                return
            await self._evaluate([self.rules[number] for number in batch], moment)
        self._end_leftovers(moment.sample_ms)

        self._last_seconds = clock.monotonic() - began
        metrics.iterations.labels(self.key).inc()
        metrics.group_duration.observe(self._last_seconds)
        metrics.group_histogram.observe(self._last_seconds)
        metrics.last_evaluation.labels(self.key).set(self._last_evaluation_ms / 1000)
        metrics.last_duration.labels(self.key).set(self._last_seconds)
        metrics.last_rule_sum.labels(self.key).set(sum(rule.last_seconds for rule in self.rules))
        metrics.last_samples.labels(self.key).set(sum(rule.last_samples for rule in self.rules))
        self._parts.on_change("")

    async def _evaluate(self, rules: Sequence[Rule], moment: Moment) -> None:
        async def evaluate(rule: Rule) -> None:
            await self._evaluator.evaluate(rule, self.output, moment)

        if self._slots is not None and len(rules) > 1:
            await together(rules, evaluate, self._slots)
        else:
            for rule in rules:
                await evaluate(rule)

    def _end_leftovers(self, sample_ms: int) -> None:
        """Stale markers for what rules wrote that a reload took away."""
        if not self._ended:
            return
        try:
            self.output.end_series(sample_ms, self._ended - self.series())
        except StorageError as problem:
            _log.warning(
                "ending the series of removed rules failed",
                extra={"fields": {"group": self.key, "error": str(problem)}},
            )
            return
        self._ended = set()

    # --- Restoring ----------------------------------------------------------------------------

    async def _restore_alerts(self, restoring: Restoring) -> None:
        """Give alerts their clocks back, once; whatever goes wrong, they start afresh."""
        self._restore = None
        clock = self._parts.clock
        began = clock.monotonic()
        now_ms = clock.now_ms()
        for rule in self.rules:
            if rule.is_alert and not rule.restored:
                if rule.config.hold >= restoring.grace_period_ms:
                    await self._restore_rule(rule, now_ms, restoring)
                rule.restored = True
        self._parts.metrics.last_restore.labels(self.key).set(clock.monotonic() - began)

    async def _restore_rule(self, rule: Rule, now_ms: int, restoring: Restoring) -> None:
        executor: Executor | None = self._parts.executor
        try:
            states = await asyncio.get_running_loop().run_in_executor(
                executor,
                last_states,
                self._storage,
                rule.name,
                rule.labels,
                now_ms - restoring.outage_tolerance_ms,
                now_ms,
            )
        except (StorageError, ValueError) as problem:
            _log.warning(
                "restoring alerts failed",
                extra={"fields": {"rule": rule.name, "error": str(problem)}},
            )
            return
        rule.alerts = restored_alerts(
            rule.alerts,
            states,
            now_ms,
            hold_ms=rule.config.hold,
            grace_ms=restoring.grace_period_ms,
        )

    # --- Pictures -----------------------------------------------------------------------------

    def view(self) -> RuleGroupView:
        url = self._surroundings().external_url
        return RuleGroupView(
            name=self.config.name,
            file=self.config.file,
            interval_seconds=self.interval_ms / 1000,
            rules=tuple(rule.view(generator_url(url, rule.query)) for rule in self.rules),
            limit=self.config.limit,
            last_evaluation_ms=self._last_evaluation_ms,
            evaluation_seconds=self._last_seconds,
            missed_iterations=self.missed,
        )
