"""Hands alerts to every configured Alertmanager.

Each endpoint has a queue and a task of its own, so one that is dead or slow delays nobody: neither
the other endpoints nor the evaluation of rules, which only ever appends to a bounded queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry

from termprom import limits
from termprom.alerting.client import AlertmanagerClient, TokenFactory, tls_context
from termprom.alerting.endpoints import Endpoints, find_endpoints
from termprom.alerting.metrics import NotifierMetrics
from termprom.alerting.payload import as_message, outside, relabelled, with_external
from termprom.alerting.queue import NotificationQueue
from termprom.alerting.retry import Pending
from termprom.alerting.sender import Sender
from termprom.alerting.silence_mirror import Door
from termprom.clock import Clock
from termprom.config.schema import AlertingConfig, AlertmanagerConfig, TargetGroup
from termprom.model.labels import EMPTY, Labels
from termprom.relabel import RelabelConfig
from termprom.views import AlertView

_log = logging.getLogger("termprom.alerting")


_PIECE: Final = 128  # alerts; about 2 ms with relabelling


class _Block:
    """One entry of `alertmanagers`: its client and the senders of its endpoints."""

    def __init__(self, config: AlertmanagerConfig, client: AlertmanagerClient) -> None:
        self.config = config
        self.client = client
        self.senders: dict[str, Sender] = {}
        self.endpoints = Endpoints()
        self._ending: set[asyncio.Task[None]] = set()

    def end(self, url: str, *, drain: bool) -> None:
        """Let an endpoint that is gone drain in its own time."""
        task = asyncio.create_task(self.senders.pop(url).stop(drain=drain), name=f"ending {url}")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self, *, drain: bool) -> None:
        stopping = [sender.stop(drain=drain) for sender in self.senders.values()]
        await asyncio.gather(*stopping, *self._ending)
        await self.client.close()


class Notifier:
    """Belongs to the event loop. `send` never blocks and never raises."""

    def __init__(
        self,
        *,
        clock: Clock,
        registry: CollectorRegistry,
        external_labels: Labels = EMPTY,
        queue_capacity: int = limits.NOTIFIER_QUEUE_MAX,
        batch_size: int = limits.NOTIFIER_BATCH_MAX,
        drain_on_stop: bool = True,
        user_agent: str = "Prometheus/termprom",
        tokens: TokenFactory | None = None,
    ) -> None:
        self._clock = clock
        self._metrics = NotifierMetrics(registry, clock)
        self._metrics.queue_capacity.set(queue_capacity)
        self._external = external_labels
        self._capacity = queue_capacity
        self._batch = batch_size
        self._drain = drain_on_stop
        self._user_agent = user_agent
        self._tokens = tokens
        self._rules: Sequence[RelabelConfig] = ()
        # An alert's labels as they go out; another object with each configuration.
        self.outside: Callable[[Labels], Labels] = partial(outside, external_labels, ())
        self._blocks: list[_Block] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._incoming: NotificationQueue[AlertView] = NotificationQueue(queue_capacity)
        self._dealing: asyncio.Task[None] | None = None
        self._stopped = False

    def __repr__(self) -> str:
        return f"Notifier({len(self.alertmanagers())} alertmanagers)"

    async def apply(self, alerting: AlertingConfig, external_labels: Labels) -> None:
        """Follow a new configuration. A block that did not change keeps its queues and targets.

        Raises ConfigError when a client cannot be made; everything stays as it was then.
        """
        if self._stopped:
            return
        running = list(self._blocks)
        made: list[_Block] = []
        blocks: list[_Block] = []
        try:
            for config in alerting.alertmanagers:
                same = next((block for block in running if block.config == config), None)
                if same is not None:
                    running.remove(same)
                    blocks.append(same)
                else:
                    made.append(await self._make(config))
                    blocks.append(made[-1])
        except Exception:
            for block in made:
                await block.client.close()
            raise
        self._rules = alerting.alert_relabel_configs
        self._external = external_labels
        self.outside = partial(outside, external_labels, self._rules)
        self._blocks = blocks
        for block in running:
            # In its own time: a reload does not wait for an Alertmanager that hangs.
            task = asyncio.create_task(block.close(drain=self._drain), name="ending alertmanagers")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        for block in made:
            self._follow(block, block.config.static_configs)
        self._count()

    async def update_targets(self, number: int, groups: Sequence[TargetGroup]) -> None:
        """What discovery found for block `number` of the configuration, all mechanisms together;
        static targets are added here.
        """
        if number < len(self._blocks) and not self._stopped:
            block = self._blocks[number]
            self._follow(block, (*block.config.static_configs, *groups))
            self._count()

    def send(self, alerts: Sequence[AlertView]) -> None:
        """Queue alerts for every endpoint, labelled and relabelled for each block.

        Many are dealt with a piece at a time, so that everything else on the loop has its turn.
        """
        if self._stopped or not alerts:
            return
        if len(alerts) <= _PIECE and not len(self._incoming):
            self._hand_over(alerts)
            return
        lost = self._incoming.add(alerts)
        for block in self._blocks if lost else ():
            for sender in block.senders.values():
                sender.lose(lost)
        if self._dealing is None:
            self._dealing = asyncio.create_task(self._deal(), name="incoming alerts")

    async def _deal(self) -> None:
        try:
            while len(self._incoming):
                self._hand_over(self._incoming.take(_PIECE))
                await asyncio.sleep(0)
        finally:
            self._dealing = None

    def _hand_over(self, alerts: Sequence[AlertView]) -> None:
        labelled = with_external(alerts, self._external, self._rules)
        for block in self._blocks:
            if not block.senders:
                continue
            own = relabelled(labelled, block.config.alert_relabel_configs)
            if own:
                items = [
                    Pending(as_message(alert, labels), alert.valid_until_ms)
                    for alert, labels in own
                ]
                for sender in block.senders.values():
                    sender.add(items)

    async def stop(self) -> None:
        """Send what is queued (or not, as configured) and end."""
        self._stopped = True
        if self._dealing is not None:
            self._dealing.cancel()
            await asyncio.wait([self._dealing])
            self._hand_over(self._incoming.take(self._capacity))
        blocks, self._blocks = self._blocks, []
        await asyncio.gather(*(block.close(drain=self._drain) for block in blocks), *self._ending)

    def alertmanagers(self) -> tuple[str, ...]:
        """The URLs of the endpoints that get alerts."""
        return tuple(url for block in self._blocks for url in block.endpoints.active)

    def dropped_alertmanagers(self) -> tuple[str, ...]:
        """The URLs of endpoints that relabelling dropped."""
        return tuple(url for block in self._blocks for url in block.endpoints.dropped)

    def doors(self) -> tuple[Door, ...]:
        """How to ask the blocks that have endpoints about silences."""
        return tuple(
            Door(
                block.client.request,
                tuple(url.removesuffix("/alerts") for url in block.endpoints.active),
            )
            for block in self._blocks
            if block.endpoints.active
        )

    async def _make(self, config: AlertmanagerConfig) -> _Block:
        # Certificates come from files: not on the event loop.
        context = await asyncio.to_thread(tls_context, config.http.tls_config)
        client = AlertmanagerClient(
            config.http,
            context,
            timeout_ms=config.timeout,
            user_agent=self._user_agent,
            tokens=self._tokens,
        )
        return _Block(config, client)

    def _follow(self, block: _Block, groups: Sequence[TargetGroup]) -> None:
        """Bring the senders of a block in line with its targets."""
        block.endpoints = find_endpoints(block.config, groups)
        for problem in block.endpoints.problems:
            _log.warning(
                "creating discovered alertmanagers failed", extra={"fields": {"error": problem}}
            )
        gone = [url for url in block.senders if url not in block.endpoints.active]
        for url in gone:
            block.end(url, drain=self._drain)
        for url in block.endpoints.active:
            if url not in block.senders:
                block.senders[url] = Sender(
                    url,
                    block.client.post,
                    clock=self._clock,
                    metrics=self._metrics,
                    capacity=self._capacity,
                    batch=self._batch,
                )

    def _count(self) -> None:
        self._metrics.discovered.set(len(self.alertmanagers()))
