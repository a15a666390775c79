"""The doors of an engine: its API and its Pushgateway, as listeners on their addresses."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry

from termprom.backend.interface import Backend
from termprom.clock import Clock
from termprom.daemon.configuration import query_features
from termprom.daemon.settings import Settings
from termprom.model.labels import Labels
from termprom.push.store import PushStore
from termprom.remote.receiver import WriteReceiver
from termprom.remote.responder import ReadResponder
from termprom.server.app import Hooks, ServerOptions, create_app
from termprom.server.context import Administration
from termprom.server.door_metrics import DoorMetrics
from termprom.server.listen import Gate, Listener, listen
from termprom.server.pushgateway import push_routes, pushgateway_app, pushgateway_routes
from termprom.server.remote_read import read_routes
from termprom.server.remote_write import MESSAGES, write_routes
from termprom.server.web_security import WebSecurity
from termprom.storage import Storage
from termprom.views import ListenerView

log = logging.getLogger("termprom.daemon")


class Store(Storage, Administration, Protocol):
    """What the doors need of a store."""


class House(Hooks, Protocol):
    """What the doors lead into."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def backend(self) -> Backend: ...
    @property
    def database(self) -> Store: ...
    @property
    def push(self) -> PushStore: ...
    @property
    def registry(self) -> CollectorRegistry: ...
    @property
    def owner_secret(self) -> str: ...
    def external_labels(self) -> Labels: ...


class Doors:
    """Opened once, closed once."""

    def __init__(self, house: House) -> None:
        self._house = house
        # One count for all of them: a client that floods one door must not starve the process.
        self._metrics = DoorMetrics(house.registry)
        self._gate = Gate(house.settings.max_connections, self._metrics)
        self._listeners: list[Listener] = []
        self._receiver: WriteReceiver | None = None
        self._security: WebSecurity | None = None
        self.views: tuple[ListenerView, ...] = ()

    def __repr__(self) -> str:
        return f"Doors({', '.join(one.address for one in self.views)})"

    async def open(self) -> None:
        """Raises AddressInUse, BadAddress, ConfigError; what was opened before, `close` closes."""
        house, settings = self._house, self._house.settings
        if settings.enable_remote_write:
            self._receiver = WriteReceiver(house.database, clock=house.clock)
        options = ServerOptions(
            enable_lifecycle=settings.enable_lifecycle,
            owner_secret=house.owner_secret,
            enable_remote_write=settings.enable_remote_write,
            external_url=settings.external_url,
            route_prefix=settings.route_prefix,
            cors_origin=settings.cors_origin,
            page_title=settings.page_title,
            lookback_ms=settings.lookback_ms,
            features=query_features(settings),
            feature_names=settings.features,
            search_limit_max=settings.search_limit_max,
            notification_streams_max=settings.notification_streams_max,
            body_seconds=settings.read_timeout_seconds,
            external_labels=house.external_labels,
        )
        reads = read_routes(
            ReadResponder(house.database, samples_max=settings.remote_read_samples_max),
            house.external_labels,
            concurrency_max=settings.remote_read_concurrency,
            metrics=self._metrics,
        )
        accepted = settings.remote_write_messages or MESSAGES
        writes = write_routes(self._receiver, self._metrics, accepted=accepted)
        extra = [*push_routes(house.push), *writes, *reads]
        admin = house.database if settings.enable_admin_api else None
        app = create_app(house.backend, options, house, admin=admin, extra_routes=extra)
        if settings.web_config_file is not None:
            self._security = await asyncio.to_thread(
                WebSecurity, settings.web_config_file, owner_secret=house.owner_secret
            )
            self._security.protect(app)
        for wanted in settings.listen:
            await self._open("api", app, wanted.address, movable=not wanted.explicit)
        if settings.push_listen is not None:
            routes = pushgateway_routes(
                house.push,
                registry=house.registry,
                enable_admin=settings.enable_admin_api,
                enable_lifecycle=settings.enable_lifecycle,
                on_quit=house.quit,
                flags=settings.flags,
                page=settings.push_page,
            )
            wanted = settings.push_listen
            app = pushgateway_app(routes, body_seconds=settings.read_timeout_seconds)
            if self._security is not None:
                self._security.protect(app)
            await self._open("pushgateway", app, wanted.address, movable=not wanted.explicit)

    async def _open(
        self, purpose: str, app: web.Application, address: str, *, movable: bool
    ) -> None:
        tls = None
        if self._security is not None and self._security.tls() is not None:
            tls = self._security.tls
        listener = await listen(app, address, movable=movable, gate=self._gate, tls=tls)
        self._listeners.append(listener)
        view = ListenerView(purpose, listener.address, listener.url, listener.moved_from)
        self.views = (*self.views, view)
        if listener.moved_from:
            log.warning(
                "default port is taken, moved to the next free one",
                extra={"fields": {"purpose": purpose, "address": listener.address}},
            )

    async def close(self) -> None:
        for listener in reversed(self._listeners):
            await listener.close()
        self._listeners = []
        if self._receiver is not None:
            self._receiver.close()

    def address_of(self, purpose: str) -> str:
        """`host:port` of the first listener for that purpose; empty without one."""
        return next((one.address for one in self.views if one.purpose == purpose), "")

    def url_of(self, purpose: str) -> str:
        return next((one.url for one in self.views if one.purpose == purpose), "")
