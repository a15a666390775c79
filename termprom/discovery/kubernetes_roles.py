"""What each Kubernetes role makes of an object: labels of the group, and targets.

Source: reference of service discovery, "kubernetes_sd_configs", roles.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from termprom.discovery.kubernetes_endpoints import endpoints_group, slice_group
from termprom.discovery.kubernetes_objects import (
    PREFIX,
    Related,
    container_ids,
    container_ports,
    meta_labels,
    namespace_labels,
    node_labels,
    pod_labels,
)
from termprom.discovery.kubernetes_watch import Object
from termprom.discovery.labelled import Found, host_port, sanitized

log = logging.getLogger("termprom.discovery")

Group = tuple[Mapping[str, str], list[Found]]
_NOTHING: Final[Group] = ({}, [])

_ADDRESS_TYPES: Final = (
    "InternalIP",
    "InternalDNS",
    "ExternalIP",
    "ExternalDNS",
    "LegacyHostIP",
    "Hostname",
)


def node_group(node: Object, related: Related) -> Group:
    status = node.get("status") or {}
    first: dict[str, str] = {}
    for one in status.get("addresses") or ():
        first.setdefault(one["type"], one["address"])
    address = next((first[kind] for kind in _ADDRESS_TYPES if first.get(kind)), "")
    if not address:
        fields = {"node": node["metadata"]["name"]}
        log.warning("a Kubernetes node has no address", extra={"fields": fields})
        return _NOTHING
    port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port", 0)
    shared = {
        f"{PREFIX}node_provider_id": (node.get("spec") or {}).get("providerID", ""),
        **{
            f"{PREFIX}node_condition_{sanitized(str(one['type']).lower())}": str(
                one["status"]
            ).lower()
            for one in status.get("conditions") or ()
        },
        **meta_labels(node, "node"),
    }
    own = {f"{PREFIX}node_address_{sanitized(kind)}": value for kind, value in first.items()}
    own["instance"] = node["metadata"]["name"]
    return shared, [Found(host_port(address, port), own)]


def service_group(service: Object, related: Related) -> Group:
    meta, spec = service["metadata"], service.get("spec") or {}
    namespace = meta["namespace"]
    kind = spec.get("type", "ClusterIP")
    own = {f"{PREFIX}service_type": kind}
    if kind == "ExternalName":
        own[f"{PREFIX}service_external_name"] = spec.get("externalName", "")
    else:
        own[f"{PREFIX}service_cluster_ip"] = spec.get("clusterIP", "")
    if kind == "LoadBalancer":
        balancer = (service.get("status") or {}).get("loadBalancer") or {}
        addresses = [one["ip"] for one in balancer.get("ingress") or () if one.get("ip")]
        own[f"{PREFIX}service_loadbalancer_ip"] = ",".join(addresses) or spec.get(
            "loadBalancerIP", ""
        )
    targets = [
        Found(
            f"{meta['name']}.{namespace}.svc:{port['port']}",
            {
                **own,
                f"{PREFIX}service_port_name": port.get("name", ""),
                f"{PREFIX}service_port_number": str(port["port"]),
                f"{PREFIX}service_port_protocol": port.get("protocol", "TCP"),
            },
        )
        for port in spec.get("ports") or ()
    ]
    return {**namespace_labels(namespace, related), **meta_labels(service, "service")}, targets


def pod_group(pod: Object, related: Related) -> Group:
    address = (pod.get("status") or {}).get("podIP", "")
    node = (pod.get("spec") or {}).get("nodeName", "")
    if not address:
        return _NOTHING
    # A selector of nodes is also one of the pods that run on them.
    if "node" in related.attached and related.get("nodes", node) is None:
        return _NOTHING
    shared = {
        **namespace_labels(pod["metadata"]["namespace"], related),
        **pod_labels(pod, related),
        **node_labels(node, related),
    }
    ids = container_ids(pod)
    targets = []
    for place in container_ports(pod):
        own = place.labels()
        own[f"{PREFIX}pod_container_id"] = ids.get(place.container.get("name", ""), "")
        full = host_port(address, place.number) if place.port is not None else address
        targets.append(Found(full, own))
    return shared, targets


def ingress_group(ingress: Object, related: Related) -> Group:
    spec = ingress.get("spec") or {}
    encrypted = [host for tls in spec.get("tls") or () for host in tls.get("hosts") or ()]
    shared = {
        **namespace_labels(ingress["metadata"]["namespace"], related),
        f"{PREFIX}ingress_class_name": spec.get("ingressClassName", ""),
        **meta_labels(ingress, "ingress"),
    }
    targets = []
    for rule in spec.get("rules") or ():
        host = rule.get("host", "")
        scheme = "https" if any(_covers(name, host) for name in encrypted) else "http"
        targets += [
            Found(
                host,
                {
                    f"{PREFIX}ingress_scheme": scheme,
                    f"{PREFIX}ingress_host": host,
                    f"{PREFIX}ingress_path": path,
                },
            )
            for path in _paths(rule)
        ]
    return shared, targets


def _paths(rule: Mapping[str, Any]) -> Iterator[str]:
    paths: list[Mapping[str, Any]] = (rule.get("http") or {}).get("paths") or [{}]
    for one in paths:
        yield one.get("path") or "/"


def _covers(pattern: str, host: str) -> bool:
    """Whether a name of a certificate, which may begin with `*.`, is that of `host`."""
    if pattern == host:
        return True
    if not pattern.startswith("*."):
        return False
    first, _, rest = host.partition(".")
    return bool(first) and rest == pattern[2:]


# The resource whose objects make the groups of a role, the prefix of their sources, and how.
ROLES: Final[dict[str, tuple[str, str, Callable[[Object, Related], Group]]]] = {
    "node": ("nodes", "node", node_group),
    "pod": ("pods", "pod", pod_group),
    "service": ("services", "svc", service_group),
    "endpoints": ("endpoints", "endpoints", endpoints_group),
    "endpointslice": ("endpointslices", "endpointslice", slice_group),
    "ingress": ("ingresses", "ingress", ingress_group),
}
