"""The whole HTTP server over prepared answers, on a real socket, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from prometheus_client import CollectorRegistry, Gauge

from termprom.backend.local import LocalBackend
from termprom.config.schema import BasicAuth, HTTPClientConfig, ScrapeConfig, Secret
from termprom.relabel import RelabelAction, RelabelConfig
from termprom.server.app import ServerOptions, create_app
from termprom.server.context import Administration
from termprom.server.listen import listen
from tests.backend.sources import PreparedSources


@dataclass
class PreparedHooks:
    """Implements Hooks."""

    sources: PreparedSources
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    is_ready: bool = True
    quits: int = 0
    jobs: Sequence[ScrapeConfig] = (
        ScrapeConfig(
            "web",
            relabel_configs=(
                RelabelConfig(("__address__",), regex="(.*):.*", target_label="host"),
                RelabelConfig(("host",), regex="gone.*", action=RelabelAction.DROP),
                RelabelConfig(target_label="x", replacement="y"),
            ),
        ),
        ScrapeConfig("node", http=HTTPClientConfig(BasicAuth("anna", Secret("s3cret")))),
    )

    def __post_init__(self) -> None:
        Gauge("termprom_test", "One.", registry=self.registry).set(1)

    def ready(self) -> bool:
        return self.is_ready

    async def reload(self) -> None:
        await self.sources.reload()

    def quit(self) -> None:
        self.quits += 1

    def scrape_configs(self) -> Sequence[ScrapeConfig]:
        return self.jobs


@dataclass
class Api:
    """A client whose answers are (status, decoded JSON or text)."""

    url: str
    sources: PreparedSources
    hooks: PreparedHooks
    session: aiohttp.ClientSession

    async def get(self, path: str, **params: Any) -> tuple[int, Any]:
        return await self.ask("GET", path, params=_pairs(params))

    async def post(self, path: str, **form: Any) -> tuple[int, Any]:
        return await self.ask("POST", path, data=aiohttp.FormData(_pairs(form)))

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.url + path, **more) as response:
            body = await response.read()
            if response.content_type == "application/json":
                return response.status, orjson.loads(body)
            return response.status, body.decode()

    async def data(self, path: str, **params: Any) -> Any:
        """The `data` of a success."""
        status, found = await self.get(path, **params)
        assert status == 200, found
        assert found["status"] == "success"
        return found["data"]

    async def error(self, path: str, **params: Any) -> tuple[int, str, str]:
        """Status, errorType and error of a failure; the same by GET and by POST where both are."""
        status, found = await self.get(path, **params)
        assert found["status"] == "error", found
        assert set(found) == {"status", "errorType", "error"}
        return status, found["errorType"], found["error"]


def _pairs(params: dict[str, Any]) -> list[tuple[str, str]]:
    """`match` stands for match[]; a list is a parameter that repeats."""
    pairs = []
    for name, value in params.items():
        values = value if isinstance(value, list) else [value]
        pairs += [("match[]" if name == "match" else name, str(one)) for one in values]
    return pairs


@asynccontextmanager
async def serving(*, admin: Administration | None = None, **options: Any) -> AsyncIterator[Api]:
    sources = PreparedSources()
    hooks = PreparedHooks(sources)
    app = create_app(LocalBackend(sources), ServerOptions(**options), hooks, admin=admin)
    listener = await listen(app, "127.0.0.1:0", movable=False)
    try:
        async with aiohttp.ClientSession() as session:
            yield Api(listener.url, sources, hooks, session)
    finally:
        sources.hub.close()
        await listener.close()
        sources.executor.shutdown(wait=False)
