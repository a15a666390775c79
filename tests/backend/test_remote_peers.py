"""RemoteBackend on servers of others: every call of every pane is answered, or not offered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress

import aiohttp
import cramjam
import pytest
import pytest_asyncio

from termprom.backend.interface import Backend, Feature
from termprom.backend.remote import RemoteBackend
from termprom.errors import EvaluationError, NotOffered, ParseError, TermpromError
from termprom.model.grid import Grid
from termprom.views import Health
from tests.differential.side_by_side import free_port
from tests.peers import running
from tests.remote.encoder import Series
from tests.remote.encoder import request as write_request

pytestmark = [pytest.mark.peer, pytest.mark.slow]

CONFIG = """scrape_configs:
- job_name: self
  scrape_interval: 1s
  static_configs: [{{targets: ['127.0.0.1:{port}']}}]
rule_files: [{rules}]
"""
RULES = """groups:
- name: g
  interval: 1s
  rules:
  - alert: Always
    expr: vector(1) > 0
    labels: {severity: page}
"""

LACKS = {Feature.LOGS, Feature.PUSH_GROUPS, Feature.SILENCES, Feature.RELOAD}


async def _write(url: str) -> int:
    """Ten samples of three series, one a second; the time of the last one."""
    now_ms = int(time.time()) * 1000
    times = [now_ms - 1000 * age for age in range(9, -1, -1)]
    series = [
        Series([("__name__", "load"), ("cpu", str(cpu))], [(at, float(cpu)) for at in times])
        for cpu in range(3)
    ]
    body = bytes(cramjam.snappy.compress_raw(write_request(*series)))
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(url + "/api/v1/write", data=body, headers=headers) as response,
    ):
        assert response.status in (200, 204), await response.text()
    return now_ms


@pytest.fixture(scope="module", params=["prometheus", "victoria-metrics"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, int]]:
    """Name, URL, and the time of the last sample that was written to it. One for all tests: a
    VictoriaMetrics takes ten seconds to show what it was given.
    """
    name, port, folder = str(request.param), free_port(), tmp_path_factory.mktemp("server")
    url, address = f"http://127.0.0.1:{port}", f"127.0.0.1:{port}"
    (folder / "rules.yml").write_text(RULES, "utf-8")
    config = folder / "prom.yml"
    config.write_text(CONFIG.format(port=port, rules=folder / "rules.yml"), "utf-8")
    flags = {
        "prometheus": (
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--web.enable-remote-write-receiver",
        ),
        "victoria-metrics": (
            f"-httpListenAddr={address}",
            f"-storageDataPath={folder / 'data'}",
            f"-promscrape.config={config}",
            "-promscrape.config.strictParse=false",
            "-search.latencyOffset=0s",
        ),
    }[name]
    with running(url, "/-/ready", folder / "log", name, *flags):
        yield name, url, asyncio.run(_write(url))


@pytest_asyncio.fixture
async def end(server: tuple[str, str, int]) -> AsyncIterator[tuple[str, RemoteBackend, int]]:
    name, url, at_ms = server
    backend = await RemoteBackend.connect(url)
    try:
        await _until(lambda: _seen(backend, at_ms))
        yield name, backend, at_ms
    finally:
        await backend.close()


async def _seen(backend: Backend, at_ms: int) -> bool:
    return len((await backend.query("load", at_ms)).labels) == 3


async def _until(ask: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await ask():  # noqa: ASYNC110  another process flushes at a time of its own
            await asyncio.sleep(0.1)


async def test_all_that_the_panes_ask(end: tuple[str, RemoteBackend, int]) -> None:
    _, backend, at_ms = end
    assert {one for one in Feature if not backend.offers(one)} == LACKS

    found = await backend.query("sum by (cpu) (load)", at_ms)
    assert [(one.get("cpu"), float(value)) for one, value in _pairs(found)] == [
        ("0", 0.0), ("1", 1.0), ("2", 2.0),
    ]  # fmt: skip
    grid = Grid(at_ms - 5000, at_ms, 1000)
    graph = await backend.query_range("load", grid)
    assert graph.values.shape == (3, 6)
    assert bool(graph.present.all())

    day = 86_400_000
    series = await backend.series(["load"], at_ms - day, at_ms + day)
    assert [dict(one)["cpu"] for one in series.labels] == ["0", "1", "2"]
    names = await backend.label_names([], at_ms - day, at_ms + day)
    assert {"__name__", "cpu"} <= set(names.names)
    values = await backend.label_values("cpu", ["load"], at_ms - day, at_ms + day)
    assert list(values.names) == ["0", "1", "2"]
    few = await backend.label_values("cpu", ["load"], at_ms - day, at_ms + day, limit=2)
    assert len(few.names) <= 2

    assert isinstance(await backend.metadata(), dict)
    with suppress(NotOffered):
        await backend.targets_metadata()
    await _until(lambda: _one_up(backend))
    status = await backend.status()
    assert status.build.version
    assert status.now_ms
    cardinality = await backend.cardinality()
    assert cardinality.series > 0


def _pairs(found: object) -> list[tuple[object, float]]:
    labels, values = found.labels, found.values  # type: ignore[attr-defined]
    return sorted(zip(labels, values[:, 0], strict=True))


async def _one_up(backend: Backend) -> bool:
    targets = await backend.targets()
    return [one.health for one in targets.active] == [Health.UP]


async def test_rules_and_alerts(end: tuple[str, RemoteBackend, int]) -> None:
    name, backend, _ = end
    if name == "victoria-metrics":  # which leaves rules to another program and says so with none
        assert not list(await backend.rules())
        assert not list(await backend.alerts())
        return

    async def firing() -> bool:
        return [one.name for one in await backend.alerts()] == ["Always"]

    await _until(firing)
    assert [group.name for group in await backend.rules()] == ["g"]


async def test_what_it_lacks_is_not_offered(end: tuple[str, RemoteBackend, int]) -> None:
    _, backend, _ = end
    for call in (backend.logs, backend.silences, backend.push_groups):
        with pytest.raises(NotOffered):
            await call()


async def test_mistakes_are_told_as_such(end: tuple[str, RemoteBackend, int]) -> None:
    _, backend, at_ms = end
    for bad in ("load{", "foo(", "sum("):
        with pytest.raises((ParseError, EvaluationError)):
            await backend.query(bad, at_ms)
    with pytest.raises(TermpromError):
        await backend.query("load + on(x) load", at_ms)
