"""Kubernetes discovery against an API server on the loopback: lists, watches and what they mean."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from aiohttp import web

from termprom.config.schema import HTTPClientConfig, MechanismConfig
from termprom.config.sd_kinds import KINDS
from termprom.discovery.kubernetes import KubernetesDiscovery
from termprom.discovery.kubernetes_access import access
from termprom.errors import ConfigError
from termprom.testing.clock import ManualClock
from tests.discovery.fakes import Emissions, Site, plain, running, site, surroundings, until, value

K = "__meta_kubernetes_"


class Cluster:
    """Objects by path of their collection; each change goes out to the watches of the path."""

    def __init__(self, server: Site) -> None:
        self._server = server
        self._objects: dict[str, dict[str, Any]] = {}
        self._watches: dict[str, list[asyncio.Queue[Mapping[str, Any]]]] = {}
        self._version = 10

    def collection(self, path: str, *items: Mapping[str, Any]) -> None:
        self._objects[path] = {item["metadata"]["name"]: self._stamped(item) for item in items}
        self._watches[path] = []

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.query.get("watch") != "1":
                return web.json_response(
                    {
                        "items": list(self._objects[path].values()),
                        "metadata": {"resourceVersion": str(self._version)},
                    }
                )
            response = web.StreamResponse()
            await response.prepare(request)
            queue: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
            self._watches[path].append(queue)
            while event := await queue.get():
                await response.write(orjson.dumps(event) + b"\n")
            return response

        self._server.answers[path] = answer

    def _stamped(self, item: Mapping[str, Any]) -> dict[str, Any]:
        self._version += 1
        return {**item, "metadata": {**item["metadata"], "resourceVersion": str(self._version)}}

    async def change(self, path: str, kind: str, item: Mapping[str, Any]) -> None:
        await until(lambda: bool(self._watches[path]))
        item = self._stamped(item)
        if kind == "DELETED":
            del self._objects[path][item["metadata"]["name"]]
        else:
            self._objects[path][item["metadata"]["name"]] = item
        self.send(path, {"type": kind, "object": item})

    def send(self, path: str, event: Mapping[str, Any]) -> None:
        for queue in self._watches[path]:
            queue.put_nowait(event)

    async def expire(self, path: str) -> None:
        """End the watches of a path: their version is too old."""
        await until(lambda: bool(self._watches[path]))
        self.send(path, {"type": "ERROR", "object": {"kind": "Status", "code": 410}})
        self.send(path, {})
        self._watches[path] = []


def _named(name: str, **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "ns", **more.pop("metadata", {})}
    return {"metadata": meta, **more}


def _pod(name: str, ip: str = "10.1.0.1", **more: Any) -> dict[str, Any]:
    return _named(
        name,
        spec={
            "nodeName": "node-1",
            "containers": [
                {
                    "name": "app",
                    "image": "app:1",
                    "ports": [
                        {"containerPort": 8080, "name": "web", "protocol": "TCP"},
                        {"containerPort": 9100, "name": "metrics", "protocol": "TCP"},
                    ],
                },
                {"name": "helper", "image": "helper:1"},
            ],
        },
        status={
            "podIP": ip,
            "hostIP": "10.0.0.1",
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "app", "containerID": "docker://x"}],
        },
        **more,
    )


def _discovery(server: Site, role: str, **values: Any) -> tuple[KubernetesDiscovery, Any, Any]:
    clock = ManualClock()
    around = surroundings(clock)
    fields = {name: field.default for name, field in KINDS["kubernetes"].fields.items()}
    section = {**fields, "role": role, "api_server": server.url, **values}
    if "attach_metadata" in values:
        section["attach_metadata"] = {**fields["attach_metadata"], **values["attach_metadata"]}
    config = MechanismConfig("kubernetes", section, HTTPClientConfig())
    return KubernetesDiscovery(config, around), around, clock


def _addresses(emissions: Emissions) -> list[str]:
    return [target["__address__"] for target in emissions.targets]


async def test_pods_are_followed_and_each_port_is_a_target() -> None:
    async with site() as server:
        cluster = Cluster(server)
        owner = {"kind": "ReplicaSet", "name": "rs", "controller": True}
        meta = {"labels": {"app.io/name": "a"}, "uid": "u1", "ownerReferences": [owner]}
        cluster.collection("/api/v1/pods", _pod("one", metadata=meta))
        discovery, around, _ = _discovery(server, "pod")
        async with running(discovery) as emissions:
            await emissions.next()
            assert _addresses(emissions) == ["10.1.0.1", "10.1.0.1:8080", "10.1.0.1:9100"]
            assert emissions.targets[1] == {
                "__address__": "10.1.0.1:8080",
                f"{K}namespace": "ns",
                f"{K}pod_name": "one",
                f"{K}pod_ip": "10.1.0.1",
                f"{K}pod_ready": "true",
                f"{K}pod_phase": "Running",
                f"{K}pod_node_name": "node-1",
                f"{K}pod_host_ip": "10.0.0.1",
                f"{K}pod_uid": "u1",
                f"{K}pod_controller_kind": "ReplicaSet",
                f"{K}pod_controller_name": "rs",
                f"{K}pod_label_app_io_name": "a",
                f"{K}pod_labelpresent_app_io_name": "true",
                f"{K}pod_container_name": "app",
                f"{K}pod_container_image": "app:1",
                f"{K}pod_container_id": "docker://x",
                f"{K}pod_container_init": "false",
                f"{K}pod_container_port_name": "web",
                f"{K}pod_container_port_number": "8080",
                f"{K}pod_container_port_protocol": "TCP",
            }
            await cluster.change("/api/v1/pods", "ADDED", _pod("two", "10.1.0.2"))
            await emissions.next()
            assert len(emissions.targets) == 6
            await cluster.change("/api/v1/pods", "MODIFIED", _pod("two", ""))
            await emissions.next()
            await cluster.change("/api/v1/pods", "DELETED", _pod("one"))
            await until(lambda: emissions.targets == [])
        registry = around.metrics.registry
        events = "prometheus_sd_kubernetes_events_total"
        assert value(registry, events, role="pod", event="add") == 2
        assert value(registry, events, role="pod", event="delete") == 1


async def test_an_expired_watch_lists_again_and_misses_nothing() -> None:
    async with site() as server:
        cluster = Cluster(server)
        cluster.collection("/api/v1/pods", _pod("one"), _pod("two", "10.1.0.2"))
        discovery, _, clock = _discovery(server, "pod")
        async with running(discovery) as emissions:
            await emissions.next()
            await cluster.expire("/api/v1/pods")
            cluster._objects["/api/v1/pods"].pop("one")
            await until(lambda: bool(clock._sleepers))
            await clock.advance(1)
            await emissions.next()
            assert set(_addresses(emissions)) == {"10.1.0.2", "10.1.0.2:8080", "10.1.0.2:9100"}


async def test_a_server_that_fails_keeps_the_targets() -> None:
    async with site() as server:
        cluster = Cluster(server)
        cluster.collection("/api/v1/pods", _pod("one"))
        discovery, around, clock = _discovery(server, "pod")
        async with running(discovery) as emissions:
            await emissions.next()
            await cluster.expire("/api/v1/pods")
            server.answers["/api/v1/pods"] = plain("x", status=500)
            await until(lambda: bool(clock._sleepers))
            await clock.advance(1)
            registry = around.metrics.registry
            await until(lambda: value(registry, "prometheus_sd_kubernetes_failures_total") >= 1)
            assert len(emissions.targets) == 3


async def test_endpoints_take_on_their_pods_and_service() -> None:
    async with site() as server:
        cluster = Cluster(server)
        cluster.collection("/api/v1/pods", _pod("one"))
        cluster.collection(
            "/api/v1/services", _named("web", metadata={"annotations": {"scrape": "yes"}})
        )
        address = {
            "ip": "10.1.0.1",
            "nodeName": "node-1",
            "targetRef": {"kind": "Pod", "name": "one", "namespace": "ns"},
        }
        subset = {
            "ports": [{"port": 8080, "name": "http", "protocol": "TCP"}],
            "addresses": [address],
            "notReadyAddresses": [{"ip": "10.1.0.9", "hostname": "h"}],
        }
        cluster.collection("/api/v1/endpoints", _named("web", subsets=[subset]))
        discovery, _, _ = _discovery(server, "endpoints")
        async with running(discovery) as emissions:
            await emissions.next()
            found = {target["__address__"]: target for target in emissions.targets}
            assert list(found) == ["10.1.0.1:8080", "10.1.0.1:9100", "10.1.0.9:8080"]
            ready, other, absent = found.values()
            assert ready[f"{K}endpoint_ready"] == "true"
            assert ready[f"{K}endpoint_port_name"] == "http"
            assert ready[f"{K}pod_container_port_name"] == "web"
            assert ready[f"{K}service_annotation_scrape"] == "yes"
            assert ready[f"{K}endpoint_address_target_name"] == "one"
            assert ready[f"{K}endpoints_name"] == "web"
            assert f"{K}endpoint_ready" not in other
            assert other[f"{K}pod_container_port_name"] == "metrics"
            assert absent[f"{K}endpoint_ready"] == "false"
            assert absent[f"{K}endpoint_hostname"] == "h"
            changed = _pod("one", metadata={"labels": {"v": "2"}})
            await cluster.change("/api/v1/pods", "MODIFIED", changed)
            await emissions.next()
            assert emissions.targets[0][f"{K}pod_label_v"] == "2"
            await cluster.change("/api/v1/services", "DELETED", _named("web"))
            await emissions.next()
            assert f"{K}service_name" not in emissions.targets[0]


async def test_slices_of_the_second_family_give_nothing() -> None:
    async with site() as server:
        cluster = Cluster(server)
        path = "/apis/discovery.k8s.io/v1/endpointslices"
        spec = {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]}
        cluster.collection("/api/v1/pods")
        cluster.collection("/api/v1/services", _named("web", spec=spec))
        label = {"labels": {"kubernetes.io/service-name": "web"}}
        ports = [{"port": 80, "name": "http", "protocol": "TCP"}, {"name": "none", "port": None}]
        endpoint = {
            "addresses": ["10.1.0.1"],
            "conditions": {"ready": True, "serving": False},
            "zone": "z",
        }
        six = {"addresses": ["fd00::1"]}
        cluster.collection(
            path,
            _named("v4", metadata=label, addressType="IPv4", ports=ports, endpoints=[endpoint]),
            _named("v6", metadata=label, addressType="IPv6", ports=ports, endpoints=[six]),
        )
        discovery, _, _ = _discovery(server, "endpointslice")
        async with running(discovery) as emissions:
            await emissions.next()
            assert _addresses(emissions) == ["10.1.0.1", "10.1.0.1:80"]
            slice_labels = {
                name.removeprefix(f"{K}endpointslice_"): held
                for name, held in emissions.targets[1].items()
                if "endpointslice_" in name and "label" not in name
            }
            assert slice_labels == {
                "address_type": "IPv4",
                "name": "v4",
                "port": "80",
                "port_name": "http",
                "port_protocol": "TCP",
                "endpoint_conditions_ready": "true",
                "endpoint_conditions_serving": "false",
                "endpoint_zone": "z",
            }


async def test_a_node_is_reached_at_its_kubelet() -> None:
    async with site() as server:
        node = {
            "metadata": {"name": "n1", "labels": {"zone": "a"}},
            "spec": {"providerID": "aws:///i-1"},
            "status": {
                "addresses": [
                    {"type": "Hostname", "address": "n1"},
                    {"type": "InternalIP", "address": "10.0.0.1"},
                ],
                "conditions": [{"type": "Ready", "status": "True"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            },
        }
        Cluster(server).collection("/api/v1/nodes", node, {"metadata": {"name": "bare"}})
        discovery, _, _ = _discovery(server, "node")
        async with running(discovery) as emissions:
            await emissions.next()
            assert emissions.targets == [
                {
                    "__address__": "10.0.0.1:10250",
                    "instance": "n1",
                    f"{K}node_name": "n1",
                    f"{K}node_label_zone": "a",
                    f"{K}node_labelpresent_zone": "true",
                    f"{K}node_provider_id": "aws:///i-1",
                    f"{K}node_condition_ready": "true",
                    f"{K}node_address_Hostname": "n1",
                    f"{K}node_address_InternalIP": "10.0.0.1",
                }
            ]


async def test_services_and_ingresses() -> None:
    async with site() as server:
        cluster = Cluster(server)
        spec = {
            "type": "LoadBalancer",
            "clusterIP": "10.9.0.1",
            "loadBalancerIP": "1.2.3.4",
            "ports": [{"port": 80, "name": "http", "protocol": "TCP"}],
        }
        cluster.collection("/api/v1/services", _named("web", spec=spec))
        discovery, _, _ = _discovery(server, "service")
        async with running(discovery) as emissions:
            await emissions.next()
            (target,) = emissions.targets
            assert target["__address__"] == "web.ns.svc:80"
            assert target[f"{K}service_loadbalancer_ip"] == "1.2.3.4"
            assert target[f"{K}service_cluster_ip"] == "10.9.0.1"
        rules = [
            {"host": "a.example.com", "http": {"paths": [{"path": "/x"}, {}]}},
            {"host": "b.sub.example.com"},
        ]
        tls = [{"hosts": ["*.example.com"]}]
        path = "/apis/networking.k8s.io/v1/namespaces/ns/ingresses"
        cluster.collection(path, _named("in", spec={"rules": rules, "tls": tls}))
        discovery, _, _ = _discovery(
            server, "ingress", namespaces={"own_namespace": False, "names": ("ns",)}
        )
        async with running(discovery) as emissions:
            await emissions.next()
            found = [
                (t["__address__"], t[f"{K}ingress_scheme"], t[f"{K}ingress_path"])
                for t in emissions.targets
            ]
            assert sorted(found) == [
                ("a.example.com", "https", "/"),
                ("a.example.com", "https", "/x"),
                ("b.sub.example.com", "http", "/"),
            ]


async def test_metadata_that_is_asked_for_is_attached() -> None:
    async with site() as server:
        cluster = Cluster(server)
        owner = {"kind": "ReplicaSet", "name": "rs", "controller": True}
        meta = {"ownerReferences": [owner]}
        cluster.collection("/api/v1/pods", _pod("one", metadata=meta))
        cluster.collection(
            "/api/v1/nodes", {"metadata": {"name": "node-1", "labels": {"disk": "ssd"}}}
        )
        cluster.collection(
            "/api/v1/namespaces", {"metadata": {"name": "ns", "labels": {"team": "t"}}}
        )
        owner = {"kind": "Deployment", "name": "dep", "controller": True}
        cluster.collection(
            "/apis/apps/v1/replicasets", _named("rs", metadata={"ownerReferences": [owner]})
        )
        wanted = {"node": True, "namespace": True, "deployment": True}
        selectors = ({"role": "pod", "label": "app=a", "field": ""},)
        discovery, _, _ = _discovery(server, "pod", attach_metadata=wanted, selectors=selectors)
        async with running(discovery) as emissions:
            await emissions.next()
            labels = emissions.targets[0]
            assert labels[f"{K}node_label_disk"] == "ssd"
            assert labels[f"{K}namespace_label_team"] == "t"
            assert labels[f"{K}pod_deployment_name"] == "dep"
            pods = [one for one in server.requests if one.path == "/api/v1/pods"]
            assert {one.query["labelSelector"] for one in pods} == {"app=a"}
            gone = {"metadata": {"name": "node-1"}}
            await cluster.change("/api/v1/nodes", "DELETED", gone)
            await emissions.next()
            assert emissions.targets == []


def _access(**values: Any) -> tuple[str, HTTPClientConfig]:
    fields = {name: field.default for name, field in KINDS["kubernetes"].fields.items()}
    return access(MechanismConfig("kubernetes", {**fields, **values}, HTTPClientConfig()))


def test_a_kubeconfig_names_server_and_credentials(tmp_path: Path) -> None:
    path = tmp_path / "config"
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [
            {"name": "k", "cluster": {"server": "https://h:6443/", "certificate-authority": "ca"}}
        ],
        "users": [{"name": "u", "user": {"token": "hush"}}],
    }
    path.write_text(yaml.safe_dump(content))
    url, http = _access(kubeconfig_file=str(path))
    assert url == "https://h:6443"
    assert http.tls_config.ca_file == str(tmp_path / "ca")
    assert http.authorization is not None
    assert http.authorization.credentials.reveal() == "hush"
    path.write_text(yaml.safe_dump({**content, "current-context": "x"}))
    with pytest.raises(ConfigError, match="context x"):
        _access(kubeconfig_file=str(path))


def test_outside_of_a_cluster_nothing_can_be_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigError, match="unable to load in-cluster configuration"):
        _access()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    url, http = _access()
    assert url == "https://[fd00::1]:443"
    assert http.authorization is not None
