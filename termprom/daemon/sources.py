"""What the backend and the HTTP API ask of a running engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from termprom.alerting.notifier import Notifier
from termprom.alerting.silencing import Silencing
from termprom.clock import Clock
from termprom.config.schema import Config, ScrapeConfig
from termprom.daemon.lock import FolderLock
from termprom.daemon.logs import LogRing
from termprom.daemon.settings import Settings
from termprom.daemon.status import EngineState, picture
from termprom.discovery.manager import DiscoveryManager
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.silences import Silence
from termprom.push.grouping import GroupingKey
from termprom.push.store import PushStore
from termprom.rules.manager import RuleManager
from termprom.scrape.manager import ScrapeManager
from termprom.storage import Exemplar
from termprom.tsdb.db import Database
from termprom.views import (
    AlertView,
    CardinalityView,
    LogLine,
    MetadataView,
    PushGroupView,
    RuleGroupView,
    SilenceView,
    StatusView,
    TargetsView,
)


class EngineSources:
    """Answers from the parts that the engine has built: the `Sources` of a `LocalBackend`."""

    settings: Settings
    clock: Clock
    ring: LogRing
    quit_requested: asyncio.Event
    database: Database
    push: PushStore
    notifier: Notifier
    silencing: Silencing
    scraper: ScrapeManager
    discovery: DiscoveryManager
    alertmanager_discovery: DiscoveryManager
    rules: RuleManager
    _lock: FolderLock | None
    _state: EngineState
    _config: Config
    _jobs: list[ScrapeConfig]
    _queries: ThreadPoolExecutor
    _ready: bool

    @property
    def name(self) -> str:
        return self._state.hostname

    @property
    def owner_secret(self) -> str:
        """What stands in the data folder for those who may read it; empty without a lock."""
        return self._lock.secret if self._lock is not None else ""

    def external_labels(self) -> Labels:
        """Those of the configuration in force."""
        return self._config.global_.external_labels

    @property
    def queryable(self) -> Database:
        return self.database

    @property
    def executor(self) -> ThreadPoolExecutor:
        return self._queries

    def ready(self) -> bool:
        return self._ready

    def quit(self) -> None:
        """Ask whoever runs this engine to stop it."""
        self.quit_requested.set()

    def targets(self) -> TargetsView:
        managers = (self.discovery, self.alertmanager_discovery)
        found = tuple(view for manager in managers for view in manager.view())
        return replace(self.scraper.view(), discovery=found)

    def targets_metadata(self) -> Sequence[MetadataView]:
        return self.scraper.metadata()

    def rule_groups(self) -> Sequence[RuleGroupView]:
        return self.rules.view()

    def alerts(self) -> Sequence[AlertView]:
        return self.silencing.marked(self.rules.alerts())

    def silences(self) -> Sequence[SilenceView]:
        return self.silencing.view(self.rules.alerts())

    async def create_silence(self, wanted: Silence) -> str:
        return await self.silencing.set(wanted)

    async def expire_silence(self, silence_id: str) -> None:
        await self.silencing.expire(silence_id)

    def push_groups(self) -> Sequence[PushGroupView]:
        return self.push.view()

    async def delete_push_group(self, labels: Labels) -> None:
        key = GroupingKey.of(dict(labels))
        await self.push.queue.run(partial(self.push.delete, key))

    def scrape_configs(self) -> Sequence[ScrapeConfig]:
        """The jobs in force, the built-in one for pushed groups among them."""
        return self._jobs

    def exemplars(
        self, selectors: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> list[tuple[Labels, list[Exemplar]]]:
        return self.database.exemplars(selectors, start_ms, end_ms)

    def cardinality(self, limit: int) -> CardinalityView:
        return self.database.cardinality(limit)

    def logs(self, after: int) -> Sequence[LogLine]:
        return self.ring.after(after)

    def status(self) -> StatusView:
        return picture(
            self.settings,
            self._config,
            self._state,
            self.clock.now_ms(),
            storage=self.database.view(),
            alertmanagers=self.notifier.alertmanagers(),
            dropped_alertmanagers=self.notifier.dropped_alertmanagers(),
        )
