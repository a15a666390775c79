"""The composition root: builds the parts from settings and a configuration, starts them, reloads
them, stops them in reverse.

Everything here lives on one event loop, the engine's. Blocking work goes to three pools: `io` for
the store and files, one for the queries of people and programs, one for those of rules.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest

from termprom.alerting.notifier import Notifier
from termprom.alerting.silence_mirror import SilenceMirror
from termprom.alerting.silences import SilenceStore
from termprom.alerting.silencing import Silencing
from termprom.backend.hub import EventHub
from termprom.backend.interface import Topic
from termprom.backend.local import LocalBackend
from termprom.clock import Clock
from termprom.config.schema import Config, ScrapeConfig, TargetGroup
from termprom.daemon.auto_reload import AutoReload, digest_of
from termprom.daemon.configuration import query_features, read_configuration
from termprom.daemon.doors import Doors
from termprom.daemon.garbage import GarbageKeeper
from termprom.daemon.lock import FolderLock
from termprom.daemon.logs import LogRing
from termprom.daemon.part_options import engine_options, storage_options
from termprom.daemon.query_watch import QueryWatch
from termprom.daemon.selfmetrics import SelfMetrics
from termprom.daemon.settings import Settings
from termprom.daemon.sources import EngineSources
from termprom.daemon.status import EngineState
from termprom.discovery.manager import DiscoveryManager
from termprom.errors import ConfigError, TermpromError
from termprom.hostmetrics.collector import HostCollector
from termprom.model.labels import Labels
from termprom.model.result import QueryResult
from termprom.promql.engine import Engine as QueryEngine
from termprom.promql.syntax.format import one_line
from termprom.promql.syntax.parse import parse
from termprom.push.store import PushOptions, PushStore
from termprom.rules.manager import RuleManager
from termprom.rules.restoring import Restoring
from termprom.scrape.manager import ScrapeManager
from termprom.scrape.oauth2 import TokenSource
from termprom.server.addresses import default_external_url
from termprom.tsdb.db import Database, ReplayProgress

log = logging.getLogger("termprom.daemon")

_MAINTENANCE_SECONDS: Final = 60.0
_STATS_SECONDS: Final = 1.0
_PUSH_PAGE: Final = "/pushgateway"


class Engine(EngineSources):
    """A whole monitoring system on the running event loop."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        ring: LogRing,
        lock: FolderLock | None,
        on_progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.ring = ring
        self.hub = EventHub(clock)
        self.quit_requested = asyncio.Event()
        self._lock = lock
        self._on_progress = on_progress
        self.registry = CollectorRegistry()
        self._metrics = SelfMetrics(self.registry)
        self._garbage = GarbageKeeper(clock)
        self._state = EngineState(started_ms=clock.now_ms())
        self._io = ThreadPoolExecutor(max_workers=4, thread_name_prefix="io")
        # A thread for every query that may run at once: a small one never waits for two large ones.
        self._queries = ThreadPoolExecutor(
            max_workers=max(2, settings.query_concurrency), thread_name_prefix="query"
        )
        # Rules have threads of their own: what people ask must not make an alert late.
        self._evaluations = ThreadPoolExecutor(
            max_workers=max(2, os.cpu_count() or 2), thread_name_prefix="rule"
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._reloading = asyncio.Lock()
        self._ready = False

    def __repr__(self) -> str:
        return f"Engine({self.settings.data_folder}, {'ready' if self._ready else 'not ready'})"

    # --- Starting -----------------------------------------------------------------------------

    async def start(self, config: Config) -> None:
        """Open the store, listen, apply `config`; ready when it returns.

        Raises StorageError, AddressInUse, ConfigError; whatever was started is stopped then.
        """
        try:
            await self._start(config)
        except BaseException:
            await self.stop()
            raise

    async def _start(self, config: Config) -> None:
        settings, loop = self.settings, asyncio.get_running_loop()
        features = query_features(settings)
        self._config, self._jobs = config, list(config.scrape_configs)
        for warning in (*settings.warnings, *config.warnings):
            log.warning(warning)
        self._on_progress("opening the store")
        self.database = await loop.run_in_executor(self._io, self._open_database, config)
        self.push = await loop.run_in_executor(self._io, self._open_push)
        self.silence_store = await loop.run_in_executor(self._io, self._open_silences)
        self.host = HostCollector(clock=self.clock)
        self.query_watch = QueryWatch(
            settings.data_folder,
            settings.query_concurrency,
            clock=self.clock,
            registry=self.registry,
        )
        self.query_engine = QueryEngine(
            engine_options(self.settings, config, self.query_watch.watchers)
        )
        self.notifier = Notifier(
            clock=self.clock,
            registry=self.registry,
            queue_capacity=settings.notification_queue_max,
            batch_size=settings.notification_batch_max,
            drain_on_stop=settings.drain_notifications,
            tokens=lambda section, post: TokenSource(section, post, self.clock),
        )
        self.silence_mirror = SilenceMirror(
            self.notifier.doors,
            clock=self.clock,
            on_change=lambda text: self.hub.publish(Topic.ALERTS, text),
        )
        self.silencing = Silencing(
            self.silence_store,
            self.silence_mirror,
            clock=self.clock,
            outside=lambda: self.notifier.outside,
        )
        self.scraper = ScrapeManager(
            self.database,
            clock=self.clock,
            registry=self.registry,
            internal_pages={
                "/metrics": self._self_page,
                "/host": self._host_page,
                _PUSH_PAGE: self._push_page,
            },
            on_change=self._on_targets,
            executor=self._io,
            features=settings.features,
        )
        self.discovery = DiscoveryManager(
            clock=self.clock,
            registry=self.registry,
            on_targets=self._on_discovered,
            executor=self._io,
        )
        self.alertmanager_discovery = DiscoveryManager(
            clock=self.clock,
            registry=self.registry,
            on_targets=self._on_alertmanagers,
            executor=self._io,
            name="notify",
            metrics=self.discovery.metrics,
        )
        self.backend = LocalBackend(
            self,
            concurrency_max=settings.query_concurrency,
            timeout_seconds_max=settings.query_timeout_seconds,
            features=features,
        )
        self.doors = Doors(self)
        await self.doors.open()
        self._state.listeners = self.doors.views
        # Only now: alerts link to where this engine listens, and a default port may have moved.
        self.rules = RuleManager(
            self.database,
            self.evaluate,
            clock=self.clock,
            registry=self.registry,
            notify=self.notifier.send,
            on_change=self._on_alerts,
            external_url=self.external_url,
            executor=self._evaluations,
            template_query=self._query_for_template,
            format_expr=lambda expr: one_line(parse(expr, features)),
            resend_delay_ms=settings.resend_delay_ms,
            restoring=Restoring(settings.for_outage_tolerance_ms, settings.for_grace_period_ms),
            concurrent_max=settings.rules_concurrent_max,
        )
        if self._lock is not None:
            self._lock.announce(self.url)
        self._on_progress("applying the configuration")
        await self._apply(config)
        self.silence_mirror.start()
        self._ready = True
        self._garbage.start()
        self._metrics.ready.set(1)
        self._tasks = [
            asyncio.create_task(self._maintain(), name="maintenance"),
            asyncio.create_task(self._tick(), name="stats"),
        ]
        if settings.auto_reload_ms and settings.config_file is not None:
            watch = AutoReload(
                partial(self._digest, settings.config_file),
                self.reload,
                interval_ms=settings.auto_reload_ms,
                clock=self.clock,
                executor=self._io,
            )
            self._tasks.append(asyncio.create_task(watch.run(), name="auto reload"))
        log.info("ready", extra={"fields": {"url": self.url, "data": settings.data_folder}})

    def _digest(self, config_file: Path) -> str:
        """Called in a worker thread."""
        return digest_of(config_file, self._config)

    def _open_database(self, config: Config) -> Database:
        return Database.open(
            self.settings.data_folder,
            storage_options(self.settings, config),
            clock=self.clock,
            registry=self.registry,
            progress=self._on_replay,
        )

    def _open_push(self) -> PushStore:
        return PushStore(
            self.settings.push_file or self.settings.data_folder / "pushgateway.json",
            clock=self.clock,
            registry=self.registry,
            on_change=lambda text: self.hub.publish(Topic.PUSH, text),
            options=PushOptions(self.settings.push_checked, self.settings.push_utf8_names),
        )

    def _open_silences(self) -> SilenceStore:
        return SilenceStore(
            self.settings.data_folder / "silences.json",
            clock=self.clock,
            on_change=lambda text: self.hub.publish(Topic.ALERTS, text),
        )

    def _on_replay(self, progress: ReplayProgress) -> None:
        done = 100 * progress.bytes_done // max(progress.bytes, 1)
        self._on_progress(f"reading the write-ahead log: {done} %")

    @property
    def url(self) -> str:
        """Where the API answers; empty before it listens."""
        return self.doors.url_of("api")

    @property
    def external_url(self) -> str:
        """Where others reach this engine: as given, else as it listens."""
        prefix = self.settings.route_prefix.rstrip("/")
        url = default_external_url(self.url, self._state.hostname)
        return self.settings.external_url or url + prefix

    # --- Applying a configuration -------------------------------------------------------------

    async def _apply(self, config: Config) -> None:
        """Hand `config` to every part. The parts keep what did not change."""
        self.query_watch.use_log(self.query_watch.open_log(config.global_.query_log_file))
        self.query_engine = QueryEngine(
            engine_options(self.settings, config, self.query_watch.watchers)
        )
        self.database.set_options(storage_options(self.settings, config))
        jobs = list(config.scrape_configs)
        if config.pushgateway.enabled and self.settings.push_listen is not None:
            jobs.append(self._push_job(config))
        external = config.global_.external_labels
        # First what may still refuse (a missing certificate): nothing has changed then.
        await self.notifier.apply(config.alerting, external)
        await self.scraper.apply(jobs, global_external_labels=external)
        await self.discovery.apply(
            {job.job_name: (job.static_configs, job.sd_configs) for job in jobs}
        )
        # Named by their place in the file; the notifier adds the static targets itself.
        await self.alertmanager_discovery.apply(
            {
                str(number): ((), block.sd_configs)
                for number, block in enumerate(config.alerting.alertmanagers)
            }
        )
        await self.rules.apply(
            config.rule_groups,
            interval_ms=config.global_.evaluation_interval,
            external_labels=external,
            query_offset_ms=config.global_.rule_query_offset,
        )
        self._config, self._jobs = config, jobs
        now_ms = self.clock.now_ms()
        self._state.config_ok, self._state.config_error = True, ""
        self._state.config_loaded_ms = now_ms
        self._metrics.reloaded(ok=True, now_ms=now_ms)

    def _push_job(self, config: Config) -> ScrapeConfig:
        """What is pushed is a target like any other, whose labels are honoured."""
        address = self.doors.address_of("pushgateway")
        interval = config.pushgateway.scrape_interval
        return ScrapeConfig(
            job_name=config.pushgateway.job_name,
            honor_labels=True,
            scheme="internal",
            metrics_path=_PUSH_PAGE,
            scrape_interval=interval,
            scrape_timeout=min(interval, 10_000),
            static_configs=(TargetGroup((address,), Labels(), "0"),),
        )

    async def reload(self) -> None:
        """Read and apply the configuration again. Raises ConfigError; the old one goes on then."""
        async with self._reloading:
            loop = asyncio.get_running_loop()
            try:
                config = await loop.run_in_executor(self._io, read_configuration, self.settings)
                await self._apply(config)
            except TermpromError as problem:
                self._state.config_ok, self._state.config_error = False, str(problem)
                self._metrics.reloaded(ok=False, now_ms=self.clock.now_ms())
                log.error("reload failed, the old configuration goes on: %s", problem)
                self.hub.publish(Topic.CONFIG, f"reload failed: {problem}")
                if isinstance(problem, ConfigError):
                    raise
                raise ConfigError(str(problem)) from problem
            for warning in config.warnings:
                log.warning(warning)
            log.info("configuration reloaded")
            self.hub.publish(Topic.CONFIG, "configuration reloaded")

    # --- What the parts call ------------------------------------------------------------------

    async def evaluate(self, expr: str, at_ms: int) -> QueryResult:
        """An instant query of a rule."""
        loop = asyncio.get_running_loop()
        # In a copy of the context, which knows the rule group that asks.
        ask = partial(copy_context().run, self.query_engine.instant, self.database, expr, at_ms)
        return await loop.run_in_executor(self._evaluations, ask)

    def _query_for_template(self, expr: str, at_ms: int) -> QueryResult:
        """Called in a worker thread."""
        return self.query_engine.instant(self.database, expr, at_ms)

    async def _self_page(self) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(
            self._io, generate_latest, self.registry
        )

    async def _host_page(self) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._io, self.host.render)

    async def _push_page(self) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._io, self.push.render)

    async def _on_discovered(self, job: str, groups: Sequence[TargetGroup]) -> None:
        await self.scraper.update_targets(job, groups)

    async def _on_alertmanagers(self, number: str, groups: Sequence[TargetGroup]) -> None:
        await self.notifier.update_targets(int(number), groups)

    def _on_targets(self, text: str) -> None:
        self.hub.publish(Topic.TARGETS, text)

    def _on_alerts(self, text: str) -> None:
        self.hub.publish(Topic.ALERTS if text else Topic.RULES, text)

    # --- Living -------------------------------------------------------------------------------

    async def _maintain(self) -> None:
        """Blocks, retention, checkpoints: once a minute, off the loop."""
        loop = asyncio.get_running_loop()
        while True:
            await self.clock.sleep(_MAINTENANCE_SECONDS)
            try:
                await loop.run_in_executor(self._io, self.database.maintain)
            except TermpromError as problem:
                log.error("maintenance of the store failed: %s", problem)

    async def _tick(self) -> None:
        """Once a second: the rate of samples, and the sign that there is something new to see."""
        seen, at = self.scraper.samples_appended(), self.clock.monotonic()
        while True:
            await self.clock.sleep(_STATS_SECONDS)
            now_seen, now = self.scraper.samples_appended(), self.clock.monotonic()
            # Smoothed over about ten seconds, so that scrape bursts do not make it dance.
            rate = (now_seen - seen) / max(now - at, 1e-3)
            self._state.samples_per_second += 0.1 * (rate - self._state.samples_per_second)
            seen, at = now_seen, now
            self._garbage.tick()
            self.hub.publish(Topic.STATS)

    # --- Stopping -----------------------------------------------------------------------------

    async def stop(self) -> None:
        """Stop in the reverse order of starting; every part is tried, none is waited for twice."""
        self._ready = False
        self._garbage.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for name in (
            "discovery",
            "alertmanager_discovery",
            "scraper",
            "rules",
            "silence_mirror",
            "notifier",
        ):
            part = getattr(self, name, None)
            if part is not None:
                await self._stop_part(name, part.stop)
        # Event streams end with the hub; open ones would hold the listeners up.
        self.hub.close()
        if hasattr(self, "doors"):
            await self._stop_part("doors", self.doors.close)
        loop = asyncio.get_running_loop()
        for name in ("push", "database"):
            part = getattr(self, name, None)
            if part is not None:
                await self._stop_part(name, partial(loop.run_in_executor, self._io, part.close))
        if hasattr(self, "query_watch"):
            self.query_watch.close()
        for pool in (self._queries, self._evaluations, self._io):
            pool.shutdown(wait=False, cancel_futures=True)
        log.info("stopped")

    async def _stop_part(self, name: str, stop: Callable[[], Awaitable[object]]) -> None:
        try:
            await stop()
        except Exception:
            # The data folder must be closed properly whatever another part does.
            log.exception("%s did not stop cleanly", name)
