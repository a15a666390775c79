"""An Alertmanager's API on the loopback, as well or badly behaved as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import orjson
from aiohttp import web

from termprom.config.schema import AlertmanagerConfig, TargetGroup
from termprom.model.labels import EMPTY, Labels
from termprom.views import AlertState, AlertView


class FakeAlertmanager:
    """Keeps what is posted; `status` and `gate` make it refuse or hang."""

    def __init__(self) -> None:
        self.posts: list[list[dict[str, object]]] = []
        self.requests: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.status = 200
        self.gate: asyncio.Event | None = None
        self.address = ""

    @property
    def names(self) -> list[str]:
        """The names of all alerts that arrived, in order."""
        return [str(alert["labels"]["alertname"]) for post in self.posts for alert in post]  # type: ignore[index]

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(dict(request.headers))
        self.paths.append(request.path)
        if self.gate is not None:
            await self.gate.wait()
        if self.status == 200:
            self.posts.append(orjson.loads(body))
        return web.Response(status=self.status)


@asynccontextmanager
async def alertmanager() -> AsyncIterator[FakeAlertmanager]:
    fake = FakeAlertmanager()
    app = web.Application()
    app.router.add_post("/{tail:.*}", fake._handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        fake.address = "{}:{}".format(*runner.addresses[0][:2])
        yield fake
    finally:
        if fake.gate is not None:
            fake.gate.set()
        await runner.cleanup()


def block(*addresses: str, **fields: object) -> AlertmanagerConfig:
    groups = (TargetGroup(addresses, EMPTY, "0"),)
    return AlertmanagerConfig(static_configs=groups, **fields)  # type: ignore[arg-type]


def firing(name: str, annotations: Labels = EMPTY, **labels: str) -> AlertView:
    return AlertView(
        name=name,
        labels=Labels.of(labels, alertname=name),
        annotations=annotations,
        state=AlertState.FIRING,
        active_since_ms=1_767_323_040_000,
        value=1.0,
        fired_ms=1_767_323_045_678,
        valid_until_ms=1_767_323_285_678,
        generator_url="http://here/graph?g0.expr=up&g0.tab=1",
    )


async def until(condition: Callable[[], object]) -> None:
    """Give the loop turns until something holds; a test's own timeout ends a wait in vain."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.002)
