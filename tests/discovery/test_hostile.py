"""Discovery servers that die, lie, or send more than anybody wants: what runs goes on, there is one
clear error, and memory has a bound.
"""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from termprom import limits
from termprom.config.schema import FileSDConfig, HTTPSDConfig, TargetGroup
from termprom.discovery.file import FileDiscovery
from termprom.discovery.http import HTTPDiscovery
from termprom.discovery.manager import DiscoveryManager
from termprom.testing.clock import ManualClock
from tests.discovery.fakes import Site, plain, running, site, surroundings, until, value
from tests.discovery.mechanisms import mechanism, section
from tests.discovery.test_kubernetes import Cluster, _pod

_MIB = 1 << 20
_JSON = "application/json"


class Flood:
    """A JSON list without end; counts what the client took."""

    def __init__(self, *, declared: int = 0, size: int = 100 * _MIB) -> None:
        self.sent = 0
        self._declared, self._size = declared, size

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = _JSON
        if self._declared:
            response.content_length = self._declared
        await response.prepare(request)
        part = b'"a:1",' * 10_000
        await response.write(b"[")
        while self.sent < self._size:
            try:
                await response.write(part)
            except (ConnectionError, web.HTTPException):
                break
            self.sent += len(part)
        return response


def _http(server: Site, clock: ManualClock) -> tuple[HTTPDiscovery, Any]:
    around = surroundings(clock)
    return HTTPDiscovery(HTTPSDConfig(f"{server.url}/sd"), around), around


_GOOD = [{"targets": ["a:1"]}]


@pytest.mark.parametrize("declared", [0, 100 * _MIB])
async def test_a_hundred_megabytes_are_refused_while_they_come(
    declared: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(limits, "DISCOVERY_BODY_BYTES_MAX", _MIB)
    clock, flood = ManualClock(), Flood(declared=declared)
    async with site() as server:
        server.answers["/sd"] = _GOOD
        http, around = _http(server, clock)
        async with running(http) as emissions:
            await emissions.next()
            server.answers["/sd"] = flood
            for _ in range(3):
                await clock.advance(60)
                await until(lambda: around.progress.failing)
            assert [target["__address__"] for target in emissions.targets] == ["a:1"]
        assert around.progress.error == f"the answer is larger than {_MIB} bytes"
    # What lies in buffers between the two comes on top of the limit.
    assert flood.sent < 20 * _MIB
    assert [one.levelname for one in caplog.records if one.name.startswith("termprom")].count(
        "ERROR"
    ) == 1


async def test_what_is_packed_counts_as_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DISCOVERY_BODY_BYTES_MAX", _MIB)
    bomb = gzip.compress(b" " * (50 * _MIB))

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=bomb, content_type=_JSON, headers={"Content-Encoding": "gzip"})

    clock = ManualClock()
    async with site() as server:
        server.answers["/sd"] = answer
        http, around = _http(server, clock)
        async with running(http):
            await until(lambda: around.progress.failing)
    assert around.progress.error


async def test_memory_stays_below_the_limit_of_an_answer() -> None:
    clock, flood = ManualClock(), Flood()
    async with site() as server:
        server.answers["/sd"] = flood
        http, around = _http(server, clock)
        tracemalloc.start()
        try:
            async with running(http):
                await until(lambda: around.progress.failing)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert "larger than" in around.progress.error
    assert peak < limits.DISCOVERY_BODY_BYTES_MAX + 16 * _MIB


async def test_pages_without_end_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DISCOVERY_PAGES_MAX", 5)
    asked = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response({"Vms": [], "NextPageToken": "again"})

    async with site() as server:
        server.answers["/ReadVms"] = answer
        outscale, around, _ = mechanism("outscale", endpoint=server.url)
        async with running(outscale):
            await until(lambda: around.progress.failing)
    assert around.progress.error == "a list has more than 5 pages"
    assert asked == 5


async def test_all_answers_of_a_refresh_have_a_limit_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "DISCOVERY_REFRESH_BYTES_MAX", 2_000)
    machines = [{"VmId": "x" * 100, "PrivateIp": f"10.0.0.{number}"} for number in range(5)]
    more = True

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"Vms": machines, "NextPageToken": "again" if more else ""})

    async with site() as server:
        server.answers["/ReadVms"] = answer
        outscale, around, clock = mechanism("outscale", endpoint=server.url)
        async with running(outscale) as emissions:
            await until(lambda: around.progress.failing)
            assert "larger than" in around.progress.error
            more = False  # one page alone is well below it, again and again
            for _ in range(5):
                await clock.advance(60)
                await emissions.next()
            assert len(emissions.targets) == 5


async def test_a_line_of_a_watch_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    flood = Flood(size=20 * _MIB)
    async with site() as server:
        cluster = Cluster(server)
        cluster.collection("/api/v1/pods", _pod("one"))
        lists = server.answers["/api/v1/pods"]

        async def answer(request: web.Request) -> web.StreamResponse:
            ask: Callable[[web.Request], Awaitable[web.StreamResponse]] = lists
            return await (flood(request) if "watch" in request.query else ask(request))

        server.answers["/api/v1/pods"] = answer
        kubernetes, around, _ = mechanism("kubernetes", role="pod", api_server=server.url)
        monkeypatch.setattr(limits, "DISCOVERY_BODY_BYTES_MAX", _MIB)
        async with running(kubernetes) as emissions:
            await emissions.next()
            await until(lambda: around.progress.failing)
            assert len(emissions.targets) == 3
    assert around.progress.error == "a line of the answer is too long"
    assert flood.sent < 20 * _MIB


async def test_a_long_list_of_kubernetes_comes_in_pages() -> None:
    async def pods(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return web.Response(status=500)
        assert request.query["limit"] == "500"
        second = request.query.get("continue") == "more"
        meta = {"resourceVersion": "7", "continue": "" if second else "more"}
        pod = _pod("two", "10.1.0.2") if second else _pod("one")
        pod["metadata"]["managedFields"] = [{"a": "long story"}]
        return web.json_response({"items": [pod], "metadata": meta})

    async with site() as server:
        server.answers["/api/v1/pods"] = pods
        kubernetes, _, _ = mechanism("kubernetes", role="pod", api_server=server.url)
        async with running(kubernetes) as emissions:
            await emissions.next()
            await until(lambda: len(emissions.targets) == 6)
        held = kubernetes._objects["pods"].values()  # type: ignore[attr-defined]
        assert not any("managedFields" in pod["metadata"] for pod in held)


async def test_a_server_that_dies_leaves_the_targets_and_one_error_to_be_seen(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handed: list[list[str]] = []

    async def on_targets(job: str, groups: Any) -> None:
        handed.append([target for group in groups for target in group.targets])

    clock = ManualClock()
    manager = DiscoveryManager(clock=clock, registry=CollectorRegistry(), on_targets=on_targets)
    async with site() as server:
        server.answers["/sd"] = _GOOD
        url = f"{server.url}/sd"
        static = (TargetGroup(("s:1",)),)
        await manager.apply({"job": (static, (HTTPSDConfig(url),))})
        await until(lambda: handed[-1:] == [["s:1", "a:1"]])
    count = len(handed)
    try:
        for _ in range(5):
            await clock.advance(60)
            await until(lambda: manager.view()[0].failing)
        (view,) = manager.view()
        assert (view.manager, view.job, view.mechanism) == ("scrape", "job", "http")
        assert (view.targets, view.groups, view.found_ms) == (1, 1, 1_700_000_000_000)
        assert view.failed_ms > view.found_ms
        assert f'Get "{url}":' in view.error
        assert len(handed) == count  # nobody was told of anything
        told = [one for one in caplog.records if one.name == "termprom.discovery"]
        assert [one.levelname for one in told].count("ERROR") == 1
    finally:
        await manager.stop()


async def test_a_section_that_cannot_be_set_up_is_seen_too() -> None:
    async def on_targets(job: str, groups: Any) -> None:
        """Nobody is interested."""

    clock = ManualClock()
    manager = DiscoveryManager(clock=clock, registry=CollectorRegistry(), on_targets=on_targets)
    broken = section("oci", auth="instance_principal", region="r")
    await manager.apply({"job": ((), (broken,))})
    try:
        (view,) = manager.view()
        assert view.mechanism == "oci"
        assert view.failing
        assert "not implemented" in view.error
    finally:
        await manager.stop()


async def test_an_answer_that_lies_about_itself_is_an_error_and_no_targets() -> None:
    clock = ManualClock()
    lies = [
        plain('[{"targets": ["b:1"]}]'),  # of the wrong kind
        plain('[{"targets": "b:1"}]', kind=_JSON),
        plain('[{"targets": [1]}]', kind=_JSON),
        plain('[{"targets": ["b:1"], "labels": {"": "x"}}]', kind=_JSON),
        plain("[" * 100_000, kind=_JSON),
        plain(b"\xff\xfe", kind=_JSON),
    ]
    async with site() as server:
        server.answers["/sd"] = _GOOD
        http, around = _http(server, clock)
        async with running(http) as emissions:
            await emissions.next()
            registry, failures = around.metrics.registry, "prometheus_sd_http_failures_total"
            for number, lie in enumerate(lies, 1):
                server.answers["/sd"] = lie
                await clock.advance(60)
                await until(lambda count=number: value(registry, failures) == count)  # type: ignore[misc]
                assert [target["__address__"] for target in emissions.targets] == ["a:1"]


async def test_more_targets_than_anybody_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DISCOVERY_TARGETS_MAX", 3)
    clock = ManualClock()
    path = tmp_path / "t.json"
    path.write_text('[{"targets": ["f:1"]}]')
    async with site() as server:
        server.answers["/sd"] = _GOOD
        http, http_around = _http(server, clock)
        around = surroundings(clock)
        file = FileDiscovery(FileSDConfig((str(path),)), around)
        async with running(http) as from_http, running(file) as from_file:
            await from_http.next()
            await from_file.next()
            many = [{"targets": ["x:1", "x:2"]}, {"targets": ["x:3", "x:4"]}]
            server.answers["/sd"] = many
            path.write_text(orjson.dumps(many).decode())
            await clock.advance(60)
            await until(lambda: http_around.progress.failing and around.progress.failing)
            assert len(from_http.targets) == len(from_file.targets) == 1
            assert "4 targets are more than 3" in around.progress.error
            server.answers["/sd"] = many[:1]
            await clock.advance(60)
            await until(lambda: len(from_http.targets) == 2)
