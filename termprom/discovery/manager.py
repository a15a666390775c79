"""All discovery of one process: runs the mechanisms, merges what they find, hands it on.

A job's consumer always gets the job's complete groups. What a mechanism finds first goes out at
once; after that, changes of five seconds go out together, because a source that changes tends to
change again. A reload keeps each mechanism whose section is the same, with its groups.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Final

from prometheus_client import CollectorRegistry

from termprom.clock import Clock
from termprom.config.schema import SDConfig, TargetGroup
from termprom.discovery.interface import Surroundings
from termprom.discovery.metrics import DiscoveryMetrics
from termprom.discovery.provider import Provider
from termprom.discovery.registry import make_discoverer, mechanism_name
from termprom.discovery.static import static_groups
from termprom.errors import TermpromError
from termprom.views import DiscoveryView

log = logging.getLogger("termprom.discovery")

OnTargets = Callable[[str, Sequence[TargetGroup]], Awaitable[None]]
JobSources = tuple[Sequence[TargetGroup], Sequence[SDConfig]]

_BATCH_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Job:
    static: Sequence[TargetGroup]
    providers: list[Provider] = field(default_factory=list)
    unusable: list[DiscoveryView] = field(default_factory=list)  # sections not set up

    def groups(self) -> tuple[TargetGroup, ...]:
        found = [group for group in self.static if group.targets]
        for provider in self.providers:
            found.extend(provider.groups())
        return tuple(found)


class DiscoveryManager:
    """Lives on one event loop. `on_targets(job, groups)` is awaited one call at a time."""

    def __init__(
        self,
        *,
        clock: Clock,
        registry: CollectorRegistry,
        on_targets: OnTargets,
        executor: Executor | None = None,
        name: str = "scrape",
        metrics: DiscoveryMetrics | None = None,
    ) -> None:
        """`name` labels the manager's own metrics ("scrape", "notify"); managers that share a
        registry share the `metrics` object too.
        """
        self.metrics = metrics or DiscoveryMetrics(registry)
        self._clock = clock
        self._on_targets = on_targets
        self._executor = executor
        self._name = name
        self._jobs: dict[str, _Job] = {}
        self._providers: list[Provider] = []
        self._due: dict[str, None] = {}  # jobs to hand on, in the order in which they changed
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._sending = asyncio.Lock()
        self._pump: asyncio.Task[None] | None = None
        self.metrics.failed_configs.labels(name).set(0)

    def __repr__(self) -> str:
        return f"DiscoveryManager({len(self._jobs)} jobs, {len(self._providers)} providers)"

    async def apply(self, configs: Mapping[str, JobSources]) -> None:
        """Discover for these jobs and no others. What is known of them is handed on before this
        returns; a section that cannot be set up is logged, and the rest of its job works.
        """
        old = self._providers
        gone = self._jobs.keys() - configs.keys()
        fresh = self._assemble(configs)
        for job in gone:
            self.metrics.end_config(self._name, job)
        for provider in old:
            if provider not in self._providers:
                await provider.stop()
        if self._pump is None:
            self._pump = asyncio.create_task(self._send_changes(), name="discovery")
        for job in configs:
            await self._send(job)
        for provider in fresh:
            provider.start(self._changed)

    def _assemble(self, configs: Mapping[str, JobSources]) -> list[Provider]:
        """Jobs and providers as `configs` wants them, equal sections shared, known providers kept;
        the new ones, which are to be started.
        """
        old, fresh, failed = self._providers, list[Provider](), 0
        for provider in old:
            provider.jobs.clear()
        self._providers, self._jobs = [], {}
        for name, (static, sections) in configs.items():
            job = self._jobs[name] = _Job(static_groups(static))
            for config in sections:
                known = _equal([*self._providers, *old], config)
                wanted = known or self._make(name, config)
                if isinstance(wanted, TermpromError):
                    failed += 1
                    view = DiscoveryView(self._name, name, mechanism_name(config))
                    now_ms = self._clock.now_ms()
                    job.unusable.append(replace(view, error=str(wanted), failed_ms=now_ms))
                    continue
                if known is None:
                    fresh.append(wanted)
                if wanted not in self._providers:
                    self._providers.append(wanted)
                if wanted not in job.providers:
                    wanted.jobs.add(name)
                    job.providers.append(wanted)
        self.metrics.failed_configs.labels(self._name).set(failed)
        return fresh

    async def stop(self) -> None:
        """End every mechanism; nothing is handed on after this."""
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
            self._pump = None
        for provider in self._providers:
            await provider.stop()
        self._providers = []
        self._jobs = {}

    def view(self) -> Sequence[DiscoveryView]:
        """What each mechanism of each job has found, and what keeps it from finding."""
        found: list[DiscoveryView] = []
        for name, job in self._jobs.items():
            found += [self._view(name, provider) for provider in job.providers]
            found += job.unusable
        return tuple(found)

    def _view(self, job: str, provider: Provider) -> DiscoveryView:
        groups, progress = provider.groups(), provider.progress
        return DiscoveryView(
            self._name,
            job,
            mechanism_name(provider.config),
            sum(len(group.targets) for group in groups),
            len(groups),
            progress.found_ms,
            provider.changed_ms,
            progress.error,
            progress.failed_ms,
        )

    def _make(self, job: str, config: SDConfig) -> Provider | TermpromError:
        """The mechanism, or what is wrong with its section."""
        around = Surroundings(job, self._clock, self.metrics, self._executor)
        try:
            return Provider(
                config,
                make_discoverer(config, around),
                now_ms=self._clock.now_ms,
                progress=around.progress,
            )
        except TermpromError as problem:
            fields = {"config": job, "error": str(problem)}
            log.error("cannot set up discovery", extra={"fields": fields})
            return problem

    def _changed(self, provider: Provider) -> None:
        self.metrics.received.labels(self._name).inc()
        self._due.update(dict.fromkeys(sorted(provider.jobs)))
        self._wake.set()
        if not provider.reported:
            self._hurry.set()

    async def _send_changes(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._hurry.clear()
            due, self._due = list(self._due), {}
            for job in due:
                if job in self._jobs:
                    await self._send(job)
            await self._pause()
            if self._due:
                self.metrics.delayed.labels(self._name).inc()

    async def _pause(self) -> None:
        """Let changes gather, unless a mechanism has found something for the first time."""
        waits = {
            asyncio.ensure_future(self._clock.sleep(_BATCH_SECONDS)),
            asyncio.ensure_future(self._hurry.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _send(self, job: str) -> None:
        async with self._sending:
            groups = self._jobs[job].groups() if job in self._jobs else ()
            targets = sum(len(group.targets) for group in groups)
            self.metrics.discovered_targets.labels(self._name, job).set(targets)
            self.metrics.last_update.labels(self._name, job).set(self._clock.now_ms() / 1000)
            self.metrics.sent.labels(self._name).inc()
            try:
                await self._on_targets(job, groups)
            except TermpromError as problem:
                fields = {"config": job, "error": str(problem)}
                log.error("targets were not taken over", extra={"fields": fields})


def _equal(providers: Iterable[Provider], config: SDConfig) -> Provider | None:
    return next((one for one in providers if one.config == config), None)
