"""Consul discovery against an agent on the loopback that answers blocking queries."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from termprom.config.schema import HTTPClientConfig, MechanismConfig, Secret
from termprom.config.sd_kinds import KINDS
from termprom.discovery.consul import ConsulDiscovery, aggregated_health
from termprom.testing.clock import ManualClock
from tests.discovery.fakes import Site, plain, running, site, surroundings, until, value


class Agent:
    """A catalogue with an index that grows with each change; queries at the index hang."""

    def __init__(self, server: Site) -> None:
        self._server = server
        self._index = 1
        self._changed = asyncio.Event()
        server.answers["/v1/agent/self"] = {"Config": {"Datacenter": "dc9"}}

    def put(self, path: str, content: Any) -> None:
        self._index += 1
        at = str(self._index)

        async def answer(request: web.Request) -> web.Response:
            while request.query.get("index") == at and self._server.answers[path] is answer:
                await self._changed.wait()
            current = self._server.answers[path]
            if current is not answer:
                result: web.Response = await current(request)
                return result
            return web.json_response(content, headers={"X-Consul-Index": at})

        self._server.answers[path] = answer
        self._changed.set()
        self._changed = asyncio.Event()


def _entry(port: int, **service: Any) -> dict[str, Any]:
    return {
        "Node": {
            "Node": "n1",
            "Address": "10.0.0.1",
            "Meta": {"rack-no": "7"},
            "TaggedAddresses": {"lan": "10.0.0.1"},
        },
        "Service": {"ID": f"web-{port}", "Port": port, "Address": "", "Tags": None, **service},
        "Checks": [{"CheckID": "c", "Status": "passing"}],
    }


def _discovery(clock: ManualClock, server: Site, **values: Any) -> tuple[ConsulDiscovery, Any]:
    around = surroundings(clock)
    fields = {name: field.default for name, field in KINDS["consul"].fields.items()}
    section = MechanismConfig(
        "consul", {**fields, "server": server.address, **values}, HTTPClientConfig()
    )
    return ConsulDiscovery(section, around), around


async def test_services_and_their_instances_are_followed() -> None:
    clock = ManualClock()
    async with site() as server:
        agent = Agent(server)
        agent.put("/v1/catalog/services", {"web": ["v1"]})
        agent.put("/v1/health/service/web", [_entry(80, Tags=["v1", "x"], Meta={"a.b": "c"})])
        discovery, _ = _discovery(clock, server, token=Secret("hush"))
        async with running(discovery) as emissions:
            await emissions.next()
            assert emissions.targets == [
                {
                    "__address__": "10.0.0.1:80",
                    "__meta_consul_address": "10.0.0.1",
                    "__meta_consul_dc": "dc9",
                    "__meta_consul_health": "passing",
                    "__meta_consul_metadata_rack_no": "7",
                    "__meta_consul_node": "n1",
                    "__meta_consul_service": "web",
                    "__meta_consul_service_id": "web-80",
                    "__meta_consul_service_metadata_a_b": "c",
                    "__meta_consul_service_port": "80",
                    "__meta_consul_tagged_address_lan": "10.0.0.1",
                    "__meta_consul_tags": ",v1,x,",
                }
            ]
            last = server.requests[-1]
            assert last.headers["X-Consul-Token"] == "hush"
            assert (last.query["dc"], last.query["stale"], last.query["wait"]) == (
                "dc9",
                "",
                "120000ms",
            )
            agent.put("/v1/health/service/web", [_entry(80), _entry(81, Address="10.0.0.2")])
            await clock.advance(30)
            await emissions.next()
            addresses = [target["__address__"] for target in emissions.targets]
            assert addresses == ["10.0.0.1:80", "10.0.0.2:81"]
            agent.put("/v1/catalog/services", {})
            await clock.advance(30)
            await until(lambda: emissions.targets == [])


async def test_services_that_are_listed_need_no_catalogue() -> None:
    async with site() as server:
        Agent(server).put("/v1/health/service/web", [_entry(80)])
        discovery, _ = _discovery(ManualClock(), server, services=("web",), datacenter="d")
        async with running(discovery) as emissions:
            await emissions.next()
            assert [target["__meta_consul_tags"] for target in emissions.targets] == [",,"]
        assert set(server.paths) == {"/v1/health/service/web"}


async def test_only_services_with_all_tags_are_watched() -> None:
    async with site() as server:
        agent = Agent(server)
        agent.put("/v1/catalog/services", {"web": ["a", "b"], "db": ["a"]})
        agent.put("/v1/health/service/web", [_entry(80)])
        discovery, _ = _discovery(ManualClock(), server, tags=("a", "b"))
        async with running(discovery) as emissions:
            await emissions.next()
            assert server.requests[-1].query.getall("tag") == ["a", "b"]
        assert "/v1/health/service/db" not in server.paths


@pytest.mark.parametrize("answer", [plain("x", status=500), plain("{"), plain('[{"Node": {}}]')])
async def test_whatever_goes_wrong_keeps_the_instances(answer: Any) -> None:
    clock = ManualClock()
    async with site() as server:
        agent = Agent(server)
        agent.put("/v1/health/service/web", [_entry(80)])
        discovery, around = _discovery(clock, server, services=("web",), datacenter="d")
        async with running(discovery) as emissions:
            await emissions.next()
            server.answers["/v1/health/service/web"] = answer
            await clock.advance(30)
            registry = around.metrics.registry
            await until(lambda: value(registry, "prometheus_sd_consul_rpc_failures_total") >= 1)
            assert len(emissions.targets) == 1
            agent.put("/v1/health/service/web", [])
            await clock.advance(60)
            await until(lambda: emissions.targets == [])


@pytest.mark.parametrize(
    ("checks", "health"),
    [
        ([], "passing"),
        ([{"Status": "passing"}, {"Status": "warning"}], "warning"),
        ([{"Status": "critical"}, {"Status": "warning"}], "critical"),
        ([{"CheckID": "_node_maintenance", "Status": "critical"}], "maintenance"),
        ([{"CheckID": "_service_maintenance:web", "Status": "critical"}], "maintenance"),
    ],
)
def test_the_worst_check_decides(checks: list[dict[str, str]], health: str) -> None:
    assert aggregated_health(checks) == health
