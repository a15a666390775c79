"""Docker and Swarm discovery against a daemon on the loopback and one behind a Unix socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from tests.discovery.fakes import Site, plain, running, site, until, value
from tests.discovery.mechanisms import found, mechanism, named

_NETWORKS = [
    {"Id": "n1", "Name": "front", "Scope": "local", "Internal": False, "Labels": {"a.b": "c"}},
    {"Id": "n2", "Name": "back", "Scope": "swarm", "Ingress": True},
]


def _container(name: str, mode: str = "front", **more: Any) -> dict[str, Any]:
    return {
        "Id": f"id-{name}",
        "Names": [f"/{name}"],
        "Image": "img",
        "ImageID": "sha256:1",
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {"Networks": {"front": {"NetworkID": "n1", "IPAddress": "172.0.0.2"}}},
        **more,
    }


def _daemon(server: Site, *containers: dict[str, Any]) -> None:
    async def ping(_: web.Request) -> web.Response:
        return web.Response(text="OK", headers={"Api-Version": "1.43"})

    server.answers["/_ping"] = ping
    server.answers["/v1.43/networks"] = _NETWORKS
    server.answers["/v1.43/containers/json"] = list(containers)


async def test_each_tcp_port_of_a_container_is_a_target() -> None:
    ports = [
        {"PrivatePort": 80, "PublicPort": 8080, "IP": "0.0.0.0", "Type": "tcp"},
        {"PrivatePort": 53, "Type": "udp"},
    ]
    async with site() as server:
        _daemon(server, _container("web", Ports=ports, Labels={"com.x/y": "z"}))
        filters = ({"name": "label", "values": ("a", "b")},)
        (target,) = await found("docker", host=server.url, filters=filters)
        assert named("docker", target) == {
            "__address__": "172.0.0.2:80",
            "container_id": "id-web",
            "container_name": "/web",
            "container_network_mode": "front",
            "container_image": "img",
            "container_image_id": "sha256:1",
            "container_label_com_x_y": "z",
            "network_id": "n1",
            "network_name": "front",
            "network_scope": "local",
            "network_internal": "false",
            "network_ingress": "false",
            "network_ip": "172.0.0.2",
            "network_label_a_b": "c",
            "port_private": "80",
            "port_public": "8080",
            "port_public_ip": "0.0.0.0",
        }
        asked = next(one for one in server.requests if one.path.endswith("/containers/json"))
        assert orjson.loads(asked.query["filters"]) == {"label": {"a": True, "b": True}}


@pytest.mark.parametrize(
    ("containers", "values", "addresses"),
    [
        ([_container("a")], {}, ["172.0.0.2:80"]),
        ([_container("a", mode="host")], {"host_networking_host": "me"}, ["me"]),
        (
            [
                _container("a"),
                _container("b", "container:id-a", NetworkSettings={"Networks": {}}),
                _container("c", "container:gone", NetworkSettings={"Networks": {}}),
            ],
            {"port": 9},
            ["172.0.0.2:9", "172.0.0.2:9"],
        ),
        (
            [
                _container("a", "container:id-b", NetworkSettings={"Networks": {}}),
                _container("b", "container:id-a", NetworkSettings={"Networks": {}}),
            ],
            {},
            [],
        ),
        ([{**_container("a"), "Names": []}], {}, []),
    ],
)
async def test_the_address_follows_the_network_mode(
    containers: list[dict[str, Any]], values: dict[str, Any], addresses: list[str]
) -> None:
    async with site() as server:
        _daemon(server, *containers)
        targets = await found("docker", host=server.url, **values)
        assert [target["__address__"] for target in targets] == addresses


@pytest.mark.parametrize(("first_only", "count"), [(True, 1), (False, 2)])
async def test_the_first_network_by_name_is_enough_unless_asked(
    first_only: bool, count: int
) -> None:
    networks = {
        "front": {"NetworkID": "n1", "IPAddress": "172.0.0.2"},
        "back": {"NetworkID": "n2", "IPAddress": "172.1.0.2"},
    }
    async with site() as server:
        _daemon(server, _container("a", NetworkSettings={"Networks": networks}))
        targets = await found("docker", host=server.url, match_first_network=first_only)
        assert len(targets) == count
        assert {target["__meta_docker_network_name"] for target in targets} >= {"back"}


async def test_a_daemon_behind_a_unix_socket(tmp_path: Path) -> None:
    app = web.Application()
    app.router.add_get("/_ping", plain("OK"))
    fake = Site()
    fake.answers = {"/networks": [], "/containers/json": [_container("a")]}
    app.router.add_route("*", "/{tail:.*}", fake._handle)
    runner = web.AppRunner(app)
    await runner.setup()
    path = tmp_path / "d.sock"
    await web.UnixSite(runner, str(path)).start()
    try:
        targets = await found("docker", host=f"unix://{path}")
        assert [target["__address__"] for target in targets] == ["172.0.0.2:80"]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "answer", [plain("x", status=500), plain("{}"), plain('[{"Names": ["x"]}]')]
)
async def test_whatever_goes_wrong_keeps_the_targets(answer: Any) -> None:
    async with site() as server:
        _daemon(server, _container("a"))
        docker, around, clock = mechanism("docker", host=server.url)
        async with running(docker) as emissions:
            await emissions.next()
            server.answers["/v1.43/containers/json"] = answer
            await clock.advance(60)
            failures = "prometheus_sd_refresh_failures_total"
            registry, at = around.metrics.registry, {"mechanism": "docker", "config": "job"}
            await until(lambda: value(registry, failures, **at) == 1)
            assert len(emissions.targets) == 1
            server.answers["/v1.43/containers/json"] = []
            await clock.advance(60)
            await emissions.next()
            assert emissions.targets == []


_SERVICE = {
    "ID": "s1",
    "Spec": {
        "Name": "web",
        "Labels": {"team": "t"},
        "Mode": {"Replicated": {"Replicas": 2}},
        "TaskTemplate": {"ContainerSpec": {"Image": "img:1"}},
    },
    "Endpoint": {
        "Ports": [{"Protocol": "tcp", "PublishedPort": 8080, "PublishMode": "ingress"}],
        "VirtualIPs": [{"NetworkID": "n2", "Addr": "10.0.0.5/24"}],
    },
}
_NODE = {
    "ID": "node1",
    "Spec": {"Role": "manager", "Availability": "active", "Labels": {"rack": "7"}},
    "Description": {
        "Hostname": "h",
        "Platform": {"Architecture": "x86_64", "OS": "linux"},
        "Engine": {"EngineVersion": "26"},
    },
    "Status": {"State": "ready", "Addr": "192.168.0.1"},
    "ManagerStatus": {"Leader": True, "Reachability": "reachable", "Addr": "192.168.0.1:2377"},
}
_TASK = {
    "ID": "t1",
    "ServiceID": "s1",
    "NodeID": "node1",
    "Slot": 1,
    "DesiredState": "running",
    "Spec": {"ContainerSpec": {"Labels": {"a": "b"}}},
    "Status": {
        "State": "running",
        "ContainerStatus": {"ContainerID": "c1"},
        "PortStatus": {
            "Ports": [{"Protocol": "tcp", "PublishedPort": 9000, "PublishMode": "host"}]
        },
    },
    "NetworksAttachments": [{"Network": {"ID": "n2"}, "Addresses": ["10.0.0.7/24"]}],
}


def _manager(server: Site) -> None:
    server.answers |= {
        "/v1.43/services": [_SERVICE],
        "/v1.43/nodes": [_NODE],
        "/v1.43/tasks": [_TASK],
    }


async def _swarm(role: str) -> list[dict[str, str]]:
    async with site() as server:
        _daemon(server)
        _manager(server)
        targets = await found("dockerswarm", host=server.url, role=role)
        return [named("dockerswarm", target) for target in targets]


_NETWORK_LABELS = {
    "network_id": "n2",
    "network_name": "back",
    "network_scope": "swarm",
    "network_internal": "false",
    "network_ingress": "true",
}
_SERVICE_LABELS = {
    "service_id": "s1",
    "service_name": "web",
    "service_mode": "replicated",
    "service_label_team": "t",
}
_PLACE_LABELS = {
    "node_id": "node1",
    "node_role": "manager",
    "node_availability": "active",
    "node_hostname": "h",
    "node_platform_architecture": "x86_64",
    "node_platform_os": "linux",
    "node_status": "ready",
    "node_address": "192.168.0.1",
    "node_label_rack": "7",
}
_NODE_LABELS = {
    **_PLACE_LABELS,
    "node_engine_version": "26",
    "node_manager_leader": "true",
    "node_manager_reachability": "reachable",
    "node_manager_address": "192.168.0.1:2377",
}
_TASK_LABELS = {
    "task_id": "t1",
    "task_desired_state": "running",
    "task_state": "running",
    "task_slot": "1",
    "task_container_id": "c1",
    "container_label_a": "b",
    **_SERVICE_LABELS,
    **_PLACE_LABELS,
}


async def test_services_of_a_swarm() -> None:
    assert await _swarm("services") == [
        {
            "__address__": "10.0.0.5:8080",
            **_SERVICE_LABELS,
            **_NETWORK_LABELS,
            "service_task_container_image": "img:1",
            "service_endpoint_port_publish_mode": "ingress",
        }
    ]


async def test_nodes_of_a_swarm() -> None:
    assert await _swarm("nodes") == [{"__address__": "192.168.0.1:80", **_NODE_LABELS}]


async def test_tasks_of_a_swarm() -> None:
    assert await _swarm("tasks") == [
        {
            "__address__": "10.0.0.7:8080",
            **_TASK_LABELS,
            **_NETWORK_LABELS,
            "task_port_publish_mode": "ingress",
        },
        {"__address__": "192.168.0.1:9000", **_TASK_LABELS, "task_port_publish_mode": "host"},
    ]
