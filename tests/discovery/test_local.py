"""Exporters on this host: what is one, what is left in peace, what is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from termprom.config.load import load_config_text
from termprom.config.sd_local import EXPORTERS
from termprom.daemon.embedded import load_embedded
from termprom.errors import ConfigError
from termprom.relabel import relabel
from tests.discovery.fakes import Site, plain, running, site, until
from tests.discovery.mechanisms import mechanism

_PAGE = '# HELP up Help.\n# TYPE up gauge\nup{a="b"} 1\n'


def _port(server: Site) -> int:
    return int(server.address.rpartition(":")[2])


@asynccontextmanager
async def _sites(*answers: Any) -> AsyncIterator[list[Site]]:
    async with AsyncExitStack() as stack:
        servers = []
        for answer in answers:
            server = await stack.enter_async_context(site())
            server.answers["/metrics"] = answer
            servers.append(server)
        yield servers


def _local(*servers: Site) -> tuple[Any, ...]:
    return mechanism("local", ports=tuple(map(_port, servers)), timeout=2_000)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (plain(_PAGE), True),
        (plain("go_goroutines 7\n"), True),
        (plain('x{a="}"} NaN\n'), True),
        (plain(_PAGE + "x" * 100_000), True),
        (plain("<html>Welcome to metrics</html>"), False),
        (plain('{"up": 1}', kind="application/json"), False),
        (plain(_PAGE, status=401), False),
        (plain("", status=200), False),
        (plain("", status=302), False),
    ],
)
async def test_a_page_of_metrics_makes_an_exporter(answer: Any, found: bool) -> None:
    async with _sites(answer) as (server,):
        local, _, _ = _local(server)
        async with running(local) as emissions:
            await emissions.next()
            expected = {
                "__address__": server.address,
                "__meta_local_exporter": "unknown",
                "__meta_local_port": str(_port(server)),
            }
            assert emissions.targets == ([expected] if found else [])
        (request,) = server.requests
        assert request.headers["User-Agent"].startswith("termprom/")


async def test_what_is_an_exporter_is_not_asked_again_and_what_is_none_only_much_later() -> None:
    async with _sites(plain(_PAGE), plain("hello")) as servers:
        exporter, stranger = servers
        local, _, clock = _local(*servers)
        async with running(local) as emissions:
            await emissions.next()
            for _ in range(25):
                await clock.advance(30)
                await emissions.next()
            assert len(emissions.targets) == 1
        assert len(exporter.requests) == 1
        assert len(stranger.requests) == 2  # once in ten minutes


async def test_an_exporter_that_dies_stays_for_a_while_and_comes_back() -> None:
    async with AsyncExitStack() as stack:
        first = AsyncExitStack()
        server = await first.enter_async_context(site())
        server.answers["/metrics"] = plain(_PAGE)
        local, _, clock = _local(server)
        emissions = await stack.enter_async_context(running(local))
        await emissions.next()
        await first.aclose()
        for _ in range(29):
            await clock.advance(30)
            await emissions.next()
        assert len(emissions.targets) == 1  # so that it is seen to be down
        for _ in range(3):
            await clock.advance(30)
            await emissions.next()
        assert emissions.targets == []


async def test_something_that_never_answers_holds_nobody_up() -> None:
    asked = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, _sites(plain(_PAGE)) as (exporter,):
        ports = (port, _port(exporter))
        local, _, _ = mechanism("local", ports=ports, timeout=100)
        async with running(local) as emissions:
            await emissions.next()
            addresses = [target["__address__"] for target in emissions.targets]
            assert port not in [int(one.rpartition(":")[2]) for one in addresses]
        await until(lambda: asked >= 1)


async def test_where_nothing_listens_nothing_is_found() -> None:
    local, around, _ = mechanism("local", ports=(1, 2, 3))
    async with running(local) as emissions:
        assert await emissions.next() == []
    assert not around.progress.failing


def test_the_embedded_configuration_looks_for_exporters() -> None:
    job = next(one for one in load_embedded().scrape_configs if one.job_name == "local")
    (section,) = job.sd_configs
    assert section.values["ports"] == tuple(EXPORTERS)  # type: ignore[union-attr]
    found = {"__meta_local_exporter": "postgres", "__meta_local_port": "9187", "job": "local"}
    labels = relabel(found, job.relabel_configs).labels.as_dict()
    assert labels["job"] == "postgres"
    assert labels["instance"].endswith(":9187")
    node = relabel({**found, "__meta_local_exporter": "node"}, job.relabel_configs)
    assert node.dropped  # its metrics are there already


def test_a_port_is_a_port() -> None:
    text = "scrape_configs:\n- job_name: j\n  local_sd_configs: [{ports: [9187, 70000]}]\n"
    with pytest.raises(ConfigError, match="70000 is not a port"):
        load_config_text(text)
