"""What discovery tests stand on: a server on the loopback, a log of emissions, work done inline."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from termprom.config.schema import TargetGroup
from termprom.discovery.interface import Discoverer, Surroundings
from termprom.discovery.metrics import DiscoveryMetrics
from termprom.testing.clock import ManualClock

Answerer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class InlineExecutor(Executor):
    """Does the work while it is handed over, so that a manual clock need not wait for a thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as problem:
            future.set_exception(problem)
        return future


class Site:
    """An HTTP server whose answers a test sets by path; each request is kept."""

    def __init__(self) -> None:
        self.answers: dict[str, Answerer | web.Response | Any] = {}
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.address = ""

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        answer = self.answers.get(request.path)
        if answer is None:
            return web.json_response({"error": "no such page"}, status=404)
        if callable(answer):
            answer = await answer(request)
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.json_response(answer)


@asynccontextmanager
async def site(secured: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """A server for the time of the block. Hanging answers are cut off at its end."""
    fake = Site()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{tail:.*}", fake._handle)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    try:
        listening = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=secured)
        await listening.start()
        fake.address = "{}:{}".format(*runner.addresses[0][:2])
        yield fake
    finally:
        await runner.cleanup()


def plain(body: str | bytes, *, status: int = 200, kind: str = "text/plain") -> Answerer:
    """The same answer each time; a Response object itself can be sent only once."""

    async def answer(_: web.Request) -> web.Response:
        content = body.encode() if isinstance(body, str) else body
        return web.Response(status=status, body=content, content_type=kind)

    return answer


def surroundings(clock: ManualClock, job: str = "job") -> Surroundings:
    metrics = DiscoveryMetrics(CollectorRegistry())
    return Surroundings(job, clock, metrics, InlineExecutor(), jitter=lambda: 0.0)


class Emissions:
    """A running mechanism and all that it has emitted."""

    def __init__(self) -> None:
        self.all: list[Sequence[TargetGroup]] = []
        self._queue: asyncio.Queue[Sequence[TargetGroup]] = asyncio.Queue()
        self._groups: dict[str, TargetGroup] = {}

    def __call__(self, groups: Sequence[TargetGroup]) -> None:
        self.all.append(groups)
        self._queue.put_nowait(groups)
        for group in groups:
            if group.targets:
                self._groups[group.source] = group
            else:
                self._groups.pop(group.source, None)

    async def next(self) -> Sequence[TargetGroup]:
        return await asyncio.wait_for(self._queue.get(), 20)

    @property
    def groups(self) -> list[TargetGroup]:
        """What is known after all emissions."""
        return list(self._groups.values())

    @property
    def targets(self) -> list[dict[str, str]]:
        """The labels of every target known, sorted by address."""
        found = [
            {"__address__": address, **group.labels.as_dict()}
            for group in self._groups.values()
            for address in group.targets
        ]
        return sorted(found, key=lambda labels: sorted(labels.items()))


@asynccontextmanager
async def running(discoverer: Discoverer) -> AsyncIterator[Emissions]:
    emissions = Emissions()
    task = asyncio.create_task(discoverer.run(emissions))
    try:
        yield emissions
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled():
        raise AssertionError("the mechanism ended by itself") from task.exception()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until `condition` holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the condition has no event of its own
            await asyncio.sleep(0.001)


def value(registry: CollectorRegistry, metric: str, /, **labels: str) -> float:
    found = registry.get_sample_value(metric, labels)
    return -1.0 if found is None else found
