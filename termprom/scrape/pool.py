"""One job: its targets, and what a change of configuration or of targets does to them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from termprom import limits
from termprom.config.schema import ScrapeConfig, TargetGroup
from termprom.errors import ConfigError, StorageError
from termprom.model.labels import Labels
from termprom.scrape.answer import Answer, Fetch
from termprom.scrape.client import JobClient
from termprom.scrape.groups import SharedGroups
from termprom.scrape.internal import InternalPages
from termprom.scrape.loop import Surroundings, TargetLoop
from termprom.scrape.schedule import offset_ms
from termprom.scrape.series import TargetSeries
from termprom.scrape.target import FoundTargets, Target, find_targets

log = logging.getLogger("termprom.scrape")

Key = tuple[Labels, str]


class JobFetch:
    """Asks over HTTP, or a page of this process where the target's scheme says so."""

    def __init__(self, client: JobClient, pages: InternalPages) -> None:
        self._client = client
        self._pages = pages

    async def fetch(self, target: Target) -> Answer:
        if target.url.startswith("internal:"):
            return await self._pages.fetch(target)
        return await self._client.fetch(target)

    async def close(self) -> None:
        await self._client.close()


class Pool:
    """Lives on the event loop; its methods must not run at the same time."""

    def __init__(
        self,
        job: ScrapeConfig,
        fetch: Fetch,
        groups: SharedGroups,
        around: Surroundings,
        *,
        seed: int,
    ) -> None:
        self.job = job
        self.found = FoundTargets()
        self._found_for = job  # whose rules `found` came of
        self.loops: dict[Key, TargetLoop] = {}
        self.fetch = fetch
        self._groups = groups
        self._around = around
        self._seed = seed
        self._sources: Sequence[TargetGroup] = ()
        self._endings: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"Pool({self.job.job_name}, {len(self.loops)} targets)"

    async def update(self, sources: Sequence[TargetGroup]) -> None:
        """The job's targets are those of `sources` now."""
        metrics, name = self._around.metrics, self.job.job_name
        began = self._around.clock.monotonic()
        self._sources = sources
        known = self.found.by_discovered() if self._found_for is self.job else {}
        self.found, self._found_for = find_targets(self.job, sources, known), self.job
        for problem in self.found.problems:
            log.error("Creating target failed", extra={"fields": {"job": name, "error": problem}})
        if self.found.problems:
            metrics.sync_failed.labels(name).inc(len(self.found.problems))
        wanted = {target.key: target for target in self.found.active}
        gone = [loop for key, loop in self.loops.items() if key not in wanted]
        self.loops = {key: loop for key, loop in self.loops.items() if key in wanted}
        for loop in self.loops.values():
            await self._carry_over(loop, wanted[loop.target.key])
        self._start([target for key, target in wanted.items() if key not in self.loops])
        self._limit()
        for loop in gone:
            await loop.stop()
            self._end_later(loop)
        metrics.syncs.labels(name).inc()
        length = self._around.clock.monotonic() - began
        metrics.sync_lengths.of(name).observe(length)
        metrics.sync_histogram.labels(name).observe(length)

    async def reload(self, job: ScrapeConfig, fetch: Fetch) -> None:
        """Go on as `job`; targets that stay keep their state, and only what changed is redone."""
        old, self.fetch = self.fetch, fetch
        self.job = job
        await self.update(self._sources)
        if old is not fetch:
            await old.close()

    async def stop(self) -> None:
        """The job is gone, or the process ends: nothing more is written."""
        for ending in self._endings:
            ending.cancel()
        await asyncio.gather(*(loop.stop() for loop in self.loops.values()))
        for loop in self.loops.values():
            self._groups.release(loop.series.group)
        self.loops = {}
        await asyncio.gather(*self._endings, return_exceptions=True)
        await self.fetch.close()

    def kill(self) -> None:
        """Give up running scrapes; `stop` still has to be called."""
        for loop in self.loops.values():
            loop.kill()

    def _offset(self, target: Target) -> int:
        return offset_ms(target.labels, target.url, target.interval_ms, self._seed)

    async def _carry_over(self, loop: TargetLoop, target: Target) -> None:
        # A change of the interval moves the place in it too; other labels must not.
        same = loop.target.labels == target.labels and loop.target.interval_ms == target.interval_ms
        if same and loop.job is self.job and loop.fetch is self.fetch:
            return
        await loop.reconfigure(target, self.job, self.fetch, self._offset(target))

    def _start(self, targets: Sequence[Target]) -> None:
        for number, target in enumerate(targets):
            try:
                group = self._groups.take(target.identity)
            except StorageError as problem:
                fields = {"target": target.url, "error": str(problem)}
                log.error("the store has no place for a target", extra={"fields": fields})
                continue
            series = TargetSeries(target, self.job, group, self._around.extras)
            loop = TargetLoop(
                target,
                self.job,
                series,
                self.fetch,
                self._around,
                offset_ms=self._offset(target),
            )
            self.loops[target.key] = loop
            # Somebody who just started looks at a screen: the first targets do not wait for the
            # rhythm. More than these at once would be a stampede.
            prompt = number < limits.SCRAPE_PROMPT_TARGETS_MAX
            spread = (
                number
                * limits.SCRAPE_PROMPT_MS
                // min(max(len(targets), 1), limits.SCRAPE_PROMPT_TARGETS_MAX)
            )
            loop.start(spread if prompt else None)

    def _limit(self) -> None:
        limit, count = self.job.target_limit, len(self.loops)
        metrics, name = self._around.metrics, self.job.job_name
        metrics.target_limit.labels(name).set(limit)
        metrics.targets.labels(name).set(count)
        error = ""
        if limit and count > limit:
            error = f"target_limit exceeded (number of targets: {count}, limit: {limit})"
            metrics.target_limit_exceeded.inc()
        for loop in self.loops.values():
            loop.forced_error = error

    # --- Targets that are gone ----------------------------------------------------------------

    def _end_later(self, loop: TargetLoop) -> None:
        """A target may be back in a moment: its series end only when it stays away."""
        ending = asyncio.create_task(self._end(loop), name=f"end of {loop.target.url}")
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _end(self, loop: TargetLoop) -> None:
        series, clock = loop.series, self._around.clock
        interval = loop.target.interval_ms / 1000
        try:
            if loop.scraped:
                await clock.sleep(interval)
                stale_ms = clock.now_ms()
                await clock.sleep(interval * 1.1)
                back = self.loops.get(loop.target.key)
                shared = back is not None and back.series.group is series.group
                series.end(stale_ms, [back.series.written] if back is not None and shared else [])
        except StorageError as problem:
            log.error("cannot end the series of %s: %s", loop.target.url, problem)
        finally:
            self._groups.release(series.group)


async def make_fetch(
    job: ScrapeConfig,
    pages: InternalPages,
    around: Surroundings,
) -> Fetch:
    """The way to ask the targets of `job`. Raises ConfigError."""
    client = JobClient(job, clock=around.clock, executor=around.executor)
    try:
        await client.prepare()
    except ConfigError:
        await client.close()
        raise
    return JobFetch(client, pages)
