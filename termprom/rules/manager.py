"""All rule groups: starting, replacing and ending them as the configuration changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace

from prometheus_client import CollectorRegistry

from termprom.clock import Clock
from termprom.config.schema import RuleGroupConfig
from termprom.errors import StorageError
from termprom.model.labels import EMPTY, Labels
from termprom.rules.evaluation import RESEND_DELAY_MS, Collaborators, Query
from termprom.rules.expansion import Surroundings, TemplateQuery
from termprom.rules.group import RuleGroup, group_key
from termprom.rules.metrics import RuleMetrics
from termprom.rules.output import Output
from termprom.rules.restoring import USUAL, Restoring
from termprom.rules.rule import same_rules
from termprom.storage import Storage
from termprom.views import AlertState, AlertView, RuleGroupView

_log = logging.getLogger("termprom.rules")

# The series of a removed group end this many intervals later: a renamed group writes first then.
_ENDING_INTERVALS = 2


class RuleManager:
    """Owner of all rule groups; belongs to the event loop.

    `notify` gets alerts that are due for sending; `on_change` a line of text per kind of change
    ("HighCPU firing (3)"), or "" when only values moved. `format_expr` prints an expression in
    its canonical form, for views and links.
    """

    def __init__(
        self,
        storage: Storage,
        query: Query,
        *,
        clock: Clock,
        registry: CollectorRegistry,
        notify: Callable[[Sequence[AlertView]], None],
        on_change: Callable[[str], None],
        external_url: str = "",
        executor: Executor | None = None,
        template_query: TemplateQuery | None = None,
        format_expr: Callable[[str], str] = str,
        resend_delay_ms: int = RESEND_DELAY_MS,
        restoring: Restoring = USUAL,
        concurrent_max: int = 0,
    ) -> None:
        """`concurrent_max`: how many rules may run beside others of their group; 0: none."""
        self._storage = storage
        self._parts = Collaborators(
            query, clock, RuleMetrics(registry, clock), notify, on_change, executor, resend_delay_ms
        )
        self._restoring = restoring
        self._slots = asyncio.Semaphore(concurrent_max) if concurrent_max else None
        self._surroundings = Surroundings(EMPTY, external_url, template_query)
        self._format_expr = format_expr
        self._groups: dict[str, RuleGroup] = {}
        self._ending: dict[str, tuple[RuleGroup, asyncio.Task[None]]] = {}
        self._query_offset_ms = 0
        self._first = True
        self._stopped = False

    def __repr__(self) -> str:
        return f"RuleManager({len(self._groups)} groups, {len(self._ending)} ending)"

    async def apply(
        self,
        groups: Sequence[RuleGroupConfig],
        *,
        interval_ms: int,
        external_labels: Labels,
        query_offset_ms: int = 0,
    ) -> None:
        """Run these groups from now on. Unchanged ones go on undisturbed; changed ones keep the
        state of the rules that are still the same; the others' series end.
        """
        if self._stopped:
            return
        self._query_offset_ms = query_offset_ms
        self._surroundings = replace(self._surroundings, external_labels=external_labels)
        wanted = {group_key(group): group for group in groups}
        for key in [key for key in self._groups if key not in wanted]:
            await self._remove(self._groups.pop(key))
        for key, config in wanted.items():
            effective_ms = config.interval or interval_ms
            running = self._groups.get(key)
            if running is None:
                self._groups[key] = self._begin(config, effective_ms)
            elif running.interval_ms != effective_ms or not same_rules(running.config, config):
                self._groups[key] = await self._replace(running, config, effective_ms)
        self._first = False
        self._parts.on_change("")

    async def stop(self) -> None:
        """End everything now; nothing is written any more, not even the ends of series."""
        self._stopped = True
        for _, ending in self._ending.values():
            ending.cancel()
        waiting = [ending for _, ending in self._ending.values()]
        await asyncio.gather(
            *waiting,
            *(group.stop(at_once=True) for group in self._groups.values()),
            return_exceptions=True,
        )
        for group in self._groups.values():
            group.output.close()
        self._ending = {}

    def view(self) -> tuple[RuleGroupView, ...]:
        """All groups, by file and name."""
        views = [group.view() for group in self._groups.values()]
        return tuple(sorted(views, key=lambda view: (view.file, view.name)))

    def alerts(self) -> tuple[AlertView, ...]:
        """The active alerts, firing ones first, then by name and labels."""
        active = [alert for group in self.view() for rule in group.rules for alert in rule.alerts]
        active.sort(
            key=lambda alert: (alert.state is not AlertState.FIRING, alert.name, alert.labels)
        )
        return tuple(active)

    # --- Groups -------------------------------------------------------------------------------

    def _begin(self, config: RuleGroupConfig, interval_ms: int) -> RuleGroup:
        key = group_key(config)
        returning = self._ending.pop(key, None)
        if returning is None:
            output = Output(self._storage, key)
        else:
            # It was taken away a moment ago and is back: its last series end in the ordinary way.
            old, ending = returning
            ending.cancel()
            output = old.output
        group = self._make(
            config, interval_ms, output, restore=self._restoring if self._first else None
        )
        if returning is not None:
            group.end_later(returning[0].series())
        group.start()
        return group

    async def _replace(
        self, running: RuleGroup, config: RuleGroupConfig, interval_ms: int
    ) -> RuleGroup:
        await running.stop()
        group = self._make(config, interval_ms, running.output, restore=None)
        group.take_over(running)
        group.start()
        return group

    def _make(
        self,
        config: RuleGroupConfig,
        interval_ms: int,
        output: Output,
        *,
        restore: Restoring | None,
    ) -> RuleGroup:
        return RuleGroup(
            config,
            self._parts,
            self._storage,
            output,
            interval_ms=interval_ms,
            query_offset_ms=lambda: self._query_offset_ms,
            surroundings=lambda: self._surroundings,
            restore=restore,
            format_expr=self._format_expr,
            slots=self._slots,
        )

    async def _remove(self, group: RuleGroup) -> None:
        await group.stop()
        self._parts.metrics.end(group.key)
        task = asyncio.create_task(self._end_series(group), name=f"ending {group.key}")
        self._ending[group.key] = (group, task)

    async def _end_series(self, group: RuleGroup) -> None:
        stopped_ms = self._parts.clock.now_ms() - group.query_offset_ms
        try:
            await self._parts.clock.sleep(_ENDING_INTERVALS * group.interval_ms / 1000)
        except asyncio.CancelledError:
            if self._stopped:
                group.output.close()
            raise
        # A renamed group goes on with the same series under another storage group.
        alive = {labels for other in self._groups.values() for labels in other.series()}
        try:
            group.output.end_series(stopped_ms, group.series() - alive)
        except StorageError as problem:
            _log.warning(
                "ending the series of a removed rule group failed",
                extra={"fields": {"group": group.key, "error": str(problem)}},
            )
        group.output.close()
        self._ending.pop(group.key, None)
