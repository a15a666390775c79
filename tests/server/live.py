"""A server of real parts, engine and store and Pushgateway, on a loop of its own thread."""

from __future__ import annotations

import asyncio
import http.client
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry

from termprom.backend.local import LocalBackend
from termprom.clock import SystemClock
from termprom.model.labels import Labels
from termprom.promql.engine import Engine, EngineOptions
from termprom.push.store import PushStore
from termprom.remote.receiver import WriteReceiver
from termprom.remote.responder import ReadResponder
from termprom.server.app import ServerOptions, create_app
from termprom.server.door_metrics import DoorMetrics
from termprom.server.listen import listen
from termprom.server.pushgateway import pushgateway_app, pushgateway_routes
from termprom.server.remote_read import read_routes
from termprom.server.remote_write import write_routes
from termprom.server.search import FEATURE
from termprom.tsdb.db import Database
from tests.backend.sources import PreparedSources
from tests.server.api import PreparedHooks

PATIENCE_SECONDS = 20.0


class _Failures(logging.Handler):
    """What was logged as an exception: nobody expected it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.found.append(logging.Formatter().format(record))


@dataclass
class Live:
    """Addresses as (host, port)."""

    api: tuple[str, int]
    push: tuple[str, int]
    failures: list[str]

    def ask(
        self,
        where: tuple[str, int],
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body; an answer that does not come in time is an error."""
        connection = http.client.HTTPConnection(*where, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _fill(database: Database) -> None:
    now_ms = int(time.time() * 1000)
    group = database.group(Labels.of(job="fuzz"))
    labels = [Labels.of(__name__="up", instance=str(one), job="fuzz") for one in range(3)]
    columns = group.columns([*labels, Labels.of({"__name__": "odd", "a b": "<\x1b[31m>"})])
    for age in range(40, 0, -1):
        group.append(now_ms - age * 15_000, columns, np.array([1.0, 0.0, np.nan, age / 3]))


@contextmanager
def living(folder: Path) -> Iterator[Live]:
    failures = _Failures()
    logging.getLogger().addHandler(failures)
    started: list[Any] = []
    ready, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(folder, started, ready, stop)))
    thread.start()
    try:
        assert ready.wait(PATIENCE_SECONDS)
        yield Live(started[0], started[1], failures.found)
    finally:
        stop.set()
        thread.join()
        logging.getLogger().removeHandler(failures)


async def _serve(
    folder: Path, started: list[Any], ready: threading.Event, stop: threading.Event
) -> None:
    database = Database.open(folder / "data", clock=SystemClock())
    _fill(database)
    sources = PreparedSources(clock=SystemClock())
    sources.query_engine = Engine(EngineOptions(timeout_seconds=5.0))  # type: ignore[assignment]
    sources.queryable = database
    sources.exemplars = database.exemplars  # type: ignore[method-assign]
    registry = CollectorRegistry()
    metrics = DoorMetrics(registry)
    receiver = WriteReceiver(database, clock=SystemClock())
    store = PushStore(folder / "push.json", clock=SystemClock(), registry=registry)
    options = ServerOptions(enable_lifecycle=True, feature_names=frozenset({FEATURE}))
    app = create_app(
        LocalBackend(sources, timeout_seconds_max=5.0),
        options,
        PreparedHooks(sources),
        admin=database,
        extra_routes=[
            *write_routes(receiver, metrics),
            *read_routes(ReadResponder(database), Labels, concurrency_max=2, metrics=metrics),
        ],
    )
    routes = pushgateway_routes(store, registry=registry, enable_admin=True)
    listeners = [
        await listen(one, "127.0.0.1:0", movable=False) for one in (app, pushgateway_app(routes))
    ]
    for one in listeners:
        host, port = one.address.split(":")
        started.append((host, int(port)))
    ready.set()
    await asyncio.to_thread(stop.wait)
    sources.hub.close()
    for one in listeners:
        await one.close()
    store.close()
    receiver.close()
    executor: Executor = sources.executor
    executor.shutdown(wait=True)
    database.close()
