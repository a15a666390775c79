"""All jobs together, over real HTTP on loopback and over pages of this process."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from termprom.clock import SystemClock
from termprom.config.schema import (
    Authorization,
    BasicAuth,
    HTTPClientConfig,
    ScrapeConfig,
    Secret,
    TargetGroup,
    TLSConfig,
)
from termprom.errors import ConfigError
from termprom.relabel import RelabelAction, RelabelConfig
from termprom.scrape.manager import ScrapeManager
from termprom.testing.memory_storage import MemoryStorage
from termprom.views import Health, TargetView

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
AUTHORITY = (Path(__file__).parent.parent / "server" / "pki" / "ca.pem").read_bytes()
TEXT = {"Content-Type": "text/plain; version=0.0.4"}


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def scraped(address: str, **job: object) -> tuple[TargetView, MemoryStorage]:
    """The first scrape of one target."""
    storage, done = MemoryStorage(), asyncio.Event()

    async def page() -> bytes:
        return b"inside 1\n"

    manager = ScrapeManager(
        storage,
        clock=SystemClock(),
        registry=CollectorRegistry(),
        internal_pages={"/metrics": page},
        on_change=lambda text: (
            manager.view().active[0].last_scrape_ms and done.set()
            if manager.view().active
            else None
        ),
    )
    config = ScrapeConfig("j", **{"scrape_timeout": 5_000, **job})  # type: ignore[arg-type]
    await manager.apply([config])
    await manager.update_targets("j", [TargetGroup((address,))])
    try:
        async with asyncio.timeout(20):
            await done.wait()
        return manager.view().active[0], storage
    finally:
        await manager.stop()


async def test_a_packed_page_over_http_with_upstreams_headers() -> None:
    seen: dict[str, str] = {}

    async def answer(request: web.Request) -> web.Response:
        seen.update(request.headers)
        body = gzip.compress(b"# TYPE a counter\na 1\n")
        return web.Response(body=body, headers={**TEXT, "Content-Encoding": "gzip"})

    async with serving(answer) as address:
        view, storage = await scraped(address)
    assert (view.health, view.last_error, view.samples) == (Health.UP, "", 1)
    assert view.body_bytes == len(b"# TYPE a counter\na 1\n")
    assert any(labels.metric == "a" for labels in storage.samples)
    assert seen["Accept-Encoding"] == "gzip"
    assert seen["User-Agent"].startswith("Prometheus/")
    assert seen["X-Prometheus-Scrape-Timeout-Seconds"] == "5"
    assert seen["Accept"].endswith("*/*;q=0.2")


async def test_a_status_that_is_not_200() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=503)

    async with serving(answer) as address:
        view, _ = await scraped(address)
    assert view.last_error == "server returned HTTP status 503 Service Unavailable"


async def test_a_body_of_exactly_the_limit_fails() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"a 1\n", headers=TEXT)

    async with serving(answer) as address:
        view, _ = await scraped(address, body_size_limit=4)
        assert view.last_error == "body size limit exceeded"
        view, _ = await scraped(address, body_size_limit=5)
        assert view.health is Health.UP


async def test_what_claims_to_be_gzip_and_is_not() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=bodies.pop(0), headers={**TEXT, "Content-Encoding": "gzip"})

    bodies = [b"a 1\n" * 10, b"a 1\n"]
    async with serving(answer) as address:
        view, _ = await scraped(address)
        assert view.last_error == "gzip: invalid header"
        view, _ = await scraped(address)
        assert view.last_error == "unexpected EOF"


async def test_a_gzip_bomb_stops_at_the_limit() -> None:
    async def answer(request: web.Request) -> web.Response:
        body = gzip.compress(b"\n" * (4 << 20))
        return web.Response(body=body, headers={**TEXT, "Content-Encoding": "gzip"})

    async with serving(answer) as address:
        view, _ = await scraped(address, body_size_limit=1 << 20)
    assert view.last_error == "body size limit exceeded"


async def test_a_target_that_hangs_runs_into_the_timeout() -> None:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(answer) as address:
        view, _ = await scraped(address, scrape_timeout=100)
    assert view.last_error == f'Get "http://{address}/metrics": context deadline exceeded'


async def test_nobody_listens() -> None:
    view, _ = await scraped("127.0.0.1:1")
    assert view.last_error == (
        'Get "http://127.0.0.1:1/metrics": dial tcp 127.0.0.1:1: connect: connection refused'
    )


async def test_credentials_are_sent() -> None:
    sent: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        sent.append(request.headers["Authorization"])
        return web.Response(body=b"", headers=TEXT)

    async with serving(answer) as address:
        basic = HTTPClientConfig(basic_auth=BasicAuth("u", "", Secret("p")))
        await scraped(address, http=basic)
        bearer = HTTPClientConfig(authorization=Authorization("Bearer", Secret("t")))
        await scraped(address, http=bearer)
    assert sent == ["Basic dTpw", "Bearer t"]


async def test_redirects_are_followed_unless_told_not_to() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/metrics":
            raise web.HTTPFound("/moved")
        return web.Response(body=b"a 1\n", headers=TEXT)

    async with serving(answer) as address:
        view, _ = await scraped(address)
        assert view.health is Health.UP
        view, _ = await scraped(address, http=HTTPClientConfig(follow_redirects=False))
        assert view.last_error == "server returned HTTP status 302 Found"


async def test_a_page_of_this_process() -> None:
    view, storage = await scraped("me", scheme="internal")
    assert view.health is Health.UP
    assert any(labels.metric == "inside" for labels in storage.samples)


async def test_an_unchanged_job_keeps_its_loops_and_a_dropped_one_goes() -> None:
    registry = CollectorRegistry()
    manager = ScrapeManager(MemoryStorage(), clock=SystemClock(), registry=registry)
    jobs = [ScrapeConfig("a", scheme="internal"), ScrapeConfig("b", scheme="internal")]
    await manager.apply(jobs)
    for job in jobs:
        await manager.update_targets(job.job_name, [TargetGroup(("x", "y"))])
    before = manager._pools["a"].loops
    await manager.apply(jobs[:1])
    assert manager._pools["a"].loops is before
    assert [target.pool for target in manager.view().active] == ["a", "a"]
    assert b'prometheus_target_scrape_pool_targets{scrape_job="a"} 2.0' in generate_latest(registry)
    await manager.stop()
    assert manager.view().active == ()


async def test_a_job_that_cannot_be_set_up_is_left_out_until_it_can(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    tls = TLSConfig(ca_file=str(authority))
    bad = ScrapeConfig("bad", scheme="internal", http=HTTPClientConfig(tls_config=tls))
    good = ScrapeConfig("good", scheme="internal")
    registry = CollectorRegistry()
    manager = ScrapeManager(MemoryStorage(), clock=SystemClock(), registry=registry)
    await manager.apply([bad, good])
    for job in (bad, good):
        await manager.update_targets(job.job_name, [TargetGroup(("x",))])
    assert {target.pool for target in manager.view().active} == {"good"}
    assert registry.get_sample_value("prometheus_target_scrape_pools_failed_total") == 2
    authority.write_bytes(AUTHORITY)
    await manager.update_targets("bad", [TargetGroup(("x",))])
    assert {target.pool for target in manager.view().active} == {"bad", "good"}
    # A job that runs keeps what it has, and says that it could not change.
    broken = replace(bad, http=HTTPClientConfig(tls_config=TLSConfig(ca_file="/nowhere")))
    with pytest.raises(ConfigError, match="unable to read CA cert"):
        await manager.apply([broken, good])
    assert {target.pool for target in manager.view().active} == {"bad", "good"}
    await manager.stop()


async def test_dropped_targets_are_kept_with_the_rule_that_dropped_them() -> None:
    drop = RelabelConfig(("__address__",), regex="x.*", action=RelabelAction.DROP)
    rules = (RelabelConfig(target_label="seen", replacement="1"), drop)
    job = ScrapeConfig("a", scheme="internal", relabel_configs=rules, keep_dropped_targets=2)
    manager = ScrapeManager(MemoryStorage(), clock=SystemClock(), registry=CollectorRegistry())
    await manager.apply([job])
    await manager.update_targets("a", [TargetGroup(("x1", "y", "x2", "x3"))])
    view = manager.view()
    assert [target.labels.get("instance") for target in view.active] == ["y"]
    assert [(one.discovered.get("__address__"), one.rule) for one in view.dropped] == [
        ("x1", 1),
        ("x2", 1),
    ]
    assert view.dropped_counts == {"a": 3}
    await manager.stop()
