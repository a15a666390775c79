"""All jobs: applies configurations and targets, and hands out pictures of everything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor

import aiohttp
from isal import isal_zlib
from prometheus_client import CollectorRegistry

from termprom.clock import Clock
from termprom.config.schema import ScrapeConfig, TargetGroup
from termprom.errors import ConfigError
from termprom.model.labels import EMPTY, Labels
from termprom.scrape.failure_log import FailureLog
from termprom.scrape.groups import SharedGroups
from termprom.scrape.internal import InternalPages
from termprom.scrape.layouts import Layouts
from termprom.scrape.loop import Surroundings
from termprom.scrape.metrics import ScrapeMetrics
from termprom.scrape.pool import Pool, make_fetch
from termprom.scrape.schedule import server_seed
from termprom.scrape.series import extras_of
from termprom.storage import Storage
from termprom.views import DroppedTargetView, MetadataView, TargetsView

log = logging.getLogger("termprom.scrape")

# Three times faster than the standard library's; for whatever else this process unpacks.
aiohttp.set_zlib_backend(isal_zlib)


def _nobody(text: str) -> None:
    """Stands in where nobody wants to hear of changes."""


class ScrapeManager:
    """Lives on one event loop; `apply`, `update_targets` and `stop` wait for each other."""

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Clock,
        registry: CollectorRegistry,
        internal_pages: Mapping[str, Callable[[], Awaitable[bytes]]] | None = None,
        on_change: Callable[[str], None] = _nobody,
        executor: Executor | None = None,
        features: Collection[str] = (),
    ) -> None:
        """`on_change` gets a sentence when a target's health changes, and "" for lesser news.

        `features` are the names of --enable-feature.
        """
        self._around = Surroundings(
            clock,
            ScrapeMetrics(registry),
            Layouts(),
            on_change,
            executor,
            extras_of(features),
        )
        self._groups = SharedGroups(storage)
        self._pages = InternalPages(internal_pages or {})
        self._pools: dict[str, Pool] = {}
        self._waiting: dict[str, Sequence[TargetGroup]] = {}  # targets of jobs without a pool
        self._unbuilt: dict[str, ScrapeConfig] = {}  # jobs whose pools could not be made yet
        self._external = EMPTY
        self._changing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"ScrapeManager({len(self._pools)} jobs)"

    async def apply(
        self, jobs: Sequence[ScrapeConfig], *, global_external_labels: Labels = EMPTY
    ) -> None:
        """Scrape these jobs and no others; what did not change goes on undisturbed.

        A job that cannot be set up (an unreadable certificate) is logged. One that runs keeps its
        old configuration, and the first of these raises ConfigError at the end; a new one is left
        out, and tried again when its targets are told again, as upstream.
        """
        async with self._changing:
            self._external = global_external_labels
            self._open_failure_logs(jobs)
            wanted = {job.job_name: job for job in jobs}
            for name in [name for name in self._pools if name not in wanted]:
                await self._pools.pop(name).stop()
                self._around.metrics.forget_job(name)
            self._unbuilt = {}
            problems = [await self._apply_job(job) for job in jobs]
        failed = [problem for problem in problems if problem is not None]
        if failed:
            raise failed[0]
        self._around.on_change("")

    async def _apply_job(self, job: ScrapeConfig) -> ConfigError | None:
        metrics, name = self._around.metrics, job.job_name
        pool = self._pools.get(name)
        if pool is not None and pool.job == job:
            return None
        fresh = pool is None or pool.job.http != job.http or _asks_differently(pool.job, job)
        try:
            (metrics.pools if pool is None else metrics.reloads).inc()
            fetch = await make_fetch(job, self._pages, self._around) if fresh else None
        except ConfigError as problem:
            (metrics.pools_failed if pool is None else metrics.reloads_failed).inc()
            fields = {"scrape_pool": name, "err": str(problem)}
            log.error("error creating new scrape pool", extra={"fields": fields})
            if pool is None:
                self._unbuilt[name] = job
                return None
            return problem
        if pool is not None:
            await pool.reload(job, fetch if fetch is not None else pool.fetch)
            return None
        assert fetch is not None, "a new pool always gets its own"
        seed = server_seed(self._external)
        pool = Pool(job, fetch, self._groups, self._around, seed=seed)
        self._pools[name] = pool
        metrics.count_metadata(name, lambda: self._metadata_size(name))
        waiting = self._waiting.pop(name, None)
        if waiting is not None:
            await pool.update(waiting)
        return None

    async def update_targets(self, job: str, groups: Sequence[TargetGroup]) -> None:
        """The complete groups of `job`, as discovery knows them now."""
        async with self._changing:
            pool = self._pools.get(job)
            if pool is None:
                self._waiting[job] = groups
                unbuilt = self._unbuilt.pop(job, None)
                if unbuilt is not None:
                    await self._apply_job(unbuilt)
                return
            await pool.update(groups)
        self._around.on_change("")

    async def stop(self) -> None:
        """End everything at once; nothing is marked as ended, for we may be back in a moment."""
        for pool in self._pools.values():
            pool.kill()
        async with self._changing:
            for pool in self._pools.values():
                await pool.stop()
            self._pools = {}
        for failures in self._around.failure_logs.values():
            failures.close()
        self._around.failure_logs.clear()

    def samples_appended(self) -> int:
        """How many samples the store took from targets since the process started."""
        return self._around.stored

    def view(self) -> TargetsView:
        """All targets as they are now."""
        pools = [self._pools[name] for name in sorted(self._pools)]
        active = [
            loop.view()
            for pool in pools
            for loop in sorted(pool.loops.values(), key=lambda one: one.target.key)
        ]
        dropped = [
            DroppedTargetView(pool.job.job_name, one.discovered, one.rule)
            for pool in pools
            for one in pool.found.dropped[: pool.job.keep_dropped_targets or None]
        ]
        counts = {pool.job.job_name: len(pool.found.dropped) for pool in pools}
        return TargetsView(tuple(active), tuple(dropped), counts)

    def metadata(self) -> Sequence[MetadataView]:
        """What every target says about its families, by pool, target and name."""
        return tuple(
            MetadataView(loop.target.public, name, metadata)
            for pool in (self._pools[name] for name in sorted(self._pools))
            for loop in sorted(pool.loops.values(), key=lambda one: one.target.key)
            for name, metadata in sorted(loop.metadata().items())
        )

    def _metadata_size(self, job: str) -> tuple[int, int]:
        """Number and bytes of the job's metadata."""
        pool = self._pools.get(job)
        found = [loop.metadata() for loop in list(pool.loops.values())] if pool else []
        entries = sum(map(len, found))
        size = sum(
            len(name) + len(one.help) + len(one.unit) + len(one.type)
            for metadata in found
            for name, one in metadata.items()
        )
        return entries, size

    def _open_failure_logs(self, jobs: Sequence[ScrapeConfig]) -> None:
        for failures in self._around.failure_logs.values():
            failures.close()
        paths = {job.scrape_failure_log_file for job in jobs} - {""}
        self._around.failure_logs = {path: FailureLog(path) for path in sorted(paths)}


def _asks_differently(old: ScrapeConfig, new: ScrapeConfig) -> bool:
    """Whether requests of the two jobs differ, so that one client cannot serve both."""

    def asked(job: ScrapeConfig) -> tuple[object, ...]:
        return (
            job.scrape_protocols,
            job.metric_name_escaping_scheme,
            job.enable_compression,
            job.body_size_limit,
        )

    return asked(old) != asked(new)
