"""Side by side with a real Prometheus on one Kubernetes API: every role, before and after
relabelling.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.discovery.fakes import Site, site
from tests.discovery.side_by_side import compare, job_section, write_config

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]


def _meta(name: str, namespace: str = "ns", **more: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": name, "bare": ""}
    annotations = {"prometheus.io/scrape": "true"}
    space = {"namespace": namespace} if namespace else {}
    return {"name": name, **space, "labels": labels, "annotations": annotations, **more}


def _pod(name: str, ip: str, **spec: Any) -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": "rs-1", "controller": True, "apiVersion": "apps/v1"}
    ports = [
        {"containerPort": 8080, "name": "web", "protocol": "TCP"},
        {"containerPort": 53, "name": "dns", "protocol": "UDP"},
    ]
    return {
        "metadata": _meta(name, uid=f"uid-{name}", ownerReferences=[{**owner, "uid": "u"}]),
        "spec": {
            "nodeName": "node-1",
            "containers": [
                {"name": "app", "image": "app:1", "ports": ports},
                {"name": "helper", "image": "helper:1"},
            ],
            "initContainers": [{"name": "init", "image": "init:1"}],
            **spec,
        },
        "status": {
            "podIP": ip,
            "hostIP": "10.0.0.1",
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [{"name": "app", "containerID": "containerd://x"}],
        },
    }


_POD_REF = {"kind": "Pod", "name": "one", "namespace": "ns"}
_PODS = [_pod("one", "10.1.0.1"), _pod("two", "fd00::2"), _pod("pending", "")]
_NODES = [
    {
        "metadata": _meta("node-1", ""),
        "spec": {"providerID": "aws:///i-1"},
        "status": {
            "addresses": [
                {"type": "Hostname", "address": "host-1"},
                {"type": "InternalIP", "address": "10.0.0.1"},
                {"type": "InternalIP", "address": "10.0.0.2"},
                {"type": "ExternalIP", "address": "1.2.3.4"},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
]
_SERVICES = [
    {
        "metadata": _meta("web"),
        "spec": {
            "type": "LoadBalancer",
            "clusterIP": "10.9.0.1",
            "loadBalancerIP": "9.9.9.9",
            "ports": [
                {"name": "http", "port": 80, "protocol": "TCP"},
                {"name": "dns", "port": 53, "protocol": "UDP"},
            ],
        },
        "status": {"loadBalancer": {}},  # newer versions read its addresses first
    },
    {
        "metadata": _meta("outside"),
        "spec": {
            "type": "ExternalName",
            "externalName": "ext.example",
            "ports": [{"name": "x", "port": 9999, "protocol": "TCP"}],
        },
        "status": {"loadBalancer": {}},
    },
]
_ENDPOINTS = [
    {
        "metadata": _meta("web"),
        "subsets": [
            {
                "addresses": [
                    {"ip": "10.1.0.1", "nodeName": "node-1", "targetRef": _POD_REF},
                    {"ip": "10.7.7.7", "hostname": "h7"},
                ],
                "notReadyAddresses": [{"ip": "10.1.0.9"}],
                "ports": [{"name": "web", "port": 8080, "protocol": "TCP"}],
            }
        ],
    }
]
_SLICES = [
    {
        "metadata": {
            **_meta("web-abc"),
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": ["10.1.0.1"],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": "node-1",
                "zone": "z1",
                "targetRef": _POD_REF,
            },
            {"addresses": ["10.7.7.7"], "conditions": {"ready": False}, "hostname": "h7"},
        ],
        "ports": [{"name": "web", "port": 8080, "protocol": "TCP", "appProtocol": "http"}],
    }
]
_PATHS = [{"path": "/a", "pathType": "Prefix"}, {"path": "/b", "pathType": "Prefix"}]
_BACKEND = {"backend": {"service": {"name": "web", "port": {"number": 80}}}}
_INGRESSES = [
    {
        "metadata": _meta("in"),
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": ["*.example"]}],
            "rules": [
                {"host": "a.example", "http": {"paths": [{**p, **_BACKEND} for p in _PATHS]}},
                {"host": "plain.test"},
            ],
        },
        "status": {"loadBalancer": {}},
    }
]
_REPLICA_SETS = [
    {
        "metadata": {
            **_meta("rs-1"),
            "ownerReferences": [
                {
                    "kind": "Deployment",
                    "name": "dep-1",
                    "controller": True,
                    "apiVersion": "apps/v1",
                    "uid": "u",
                }
            ],
        }
    }
]
_COLLECTIONS: Mapping[str, tuple[str, str, Sequence[Mapping[str, Any]]]] = {
    "/api/v1/pods": ("v1", "Pod", _PODS),
    "/api/v1/nodes": ("v1", "Node", _NODES),
    "/api/v1/services": ("v1", "Service", _SERVICES),
    "/api/v1/endpoints": ("v1", "Endpoints", _ENDPOINTS),
    "/api/v1/namespaces": ("v1", "Namespace", [{"metadata": _meta("ns", "")}]),
    "/apis/discovery.k8s.io/v1/endpointslices": ("discovery.k8s.io/v1", "EndpointSlice", _SLICES),
    "/apis/networking.k8s.io/v1/ingresses": ("networking.k8s.io/v1", "Ingress", _INGRESSES),
    "/apis/apps/v1/replicasets": ("apps/v1", "ReplicaSet", _REPLICA_SETS),
}


_INVALID = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "reason": "Invalid",
    "code": 422,
}


def _cluster(server: Site) -> None:
    for path, (version, kind, objects) in _COLLECTIONS.items():
        content = {
            "kind": f"{kind}List",
            "apiVersion": version,
            "metadata": {"resourceVersion": "10"},
            "items": [{"kind": kind, "apiVersion": version, **one} for one in objects],
        }

        async def answer(request: web.Request, content: Any = content) -> web.StreamResponse:
            if "sendInitialEvents" in request.query:  # so that it lists, as with older servers
                return web.json_response(_INVALID, status=422)
            if request.query.get("watch") not in ("1", "true"):
                return web.json_response(content)
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            await asyncio.sleep(60)  # nothing ever happens
            return response

        server.answers[path] = answer


async def test_every_role(tmp_path: Path) -> None:
    attached = {"node": True}
    sections: dict[str, dict[str, Any]] = {
        "node": {"role": "node"},
        "pod": {"role": "pod"},
        "pod with node": {"role": "pod", "attach_metadata": attached},
        "service": {"role": "service"},
        "endpoints": {"role": "endpoints"},
        "endpoints with node": {"role": "endpoints", "attach_metadata": attached},
        "endpointslice": {"role": "endpointslice"},
        "slices with node": {"role": "endpointslice", "attach_metadata": attached},
        "ingress": {"role": "ingress"},
    }
    async with site() as server:
        _cluster(server)
        jobs = [
            job_section(name, kubernetes_sd_configs=[{"api_server": server.url, **section}])
            for name, section in sections.items()
        ]
        assert await compare(write_config(tmp_path, jobs)) > 30
