"""The roles `endpoints` and `endpointslice`: addresses of a service, with the pods behind them.

An address that belongs to a known pod takes on the pod's labels and those of the container whose
port it is. The other ports of such pods become targets too, without the labels of an endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from termprom.discovery.kubernetes_objects import (
    PREFIX,
    Related,
    container_ports,
    meta_labels,
    namespace_labels,
    node_labels,
    pod_labels,
)
from termprom.discovery.kubernetes_watch import Object
from termprom.discovery.labelled import Found, host_port, sanitized, truth

_EMPTY: Final[Mapping[str, Any]] = {}


@dataclass(slots=True)
class _Pods:
    """The pods that endpoints were found to belong to, and their ports that are endpoints."""

    namespace: str
    related: Related
    seen: dict[str, tuple[Object, set[int]]] = field(default_factory=dict)

    def behind(self, reference: Mapping[str, Any]) -> Object | None:
        if reference.get("kind") != "Pod":
            return None
        namespace = reference.get("namespace") or self.namespace
        return self.related.get("pods", f"{namespace}/{reference.get('name', '')}")

    def labels(self, pod: Object, port: int | None) -> dict[str, str]:
        """The labels that an endpoint at `port` takes from its pod, which counts as seen."""
        _, ports = self.seen.setdefault(str(pod["metadata"]["name"]), (pod, set()))
        found = pod_labels(pod, self.related)
        if port is not None:
            ports.add(port)
        for place in container_ports(pod):
            if place.port is not None and place.number == port:
                found |= place.labels()
        return found

    def others(self) -> Iterator[Found]:
        """The ports of seen pods that are no endpoints."""
        for pod, ports in self.seen.values():
            address = (pod.get("status") or {}).get("podIP", "")
            for place in container_ports(pod) if address else ():
                if place.port is not None and place.number not in ports:
                    own = {**place.labels(), **pod_labels(pod, self.related)}
                    yield Found(host_port(address, place.number), own)


def _node_of(address: Mapping[str, Any]) -> str:
    reference = address.get("targetRef") or _EMPTY
    if address.get("nodeName"):
        return str(address["nodeName"])
    return str(reference.get("name", "")) if reference.get("kind") == "Node" else ""


def _service_labels(key: str, related: Related) -> dict[str, str]:
    service = related.get("services", key)
    return meta_labels(service, "service") if service is not None else {}


def endpoints_group(endpoints: Object, related: Related) -> tuple[Mapping[str, str], list[Found]]:
    meta = endpoints["metadata"]
    pods = _Pods(meta["namespace"], related)
    targets = [
        _endpoint(address, port, pods, ready=ready)
        for subset in endpoints.get("subsets") or ()
        for port in subset.get("ports") or ()
        for key, ready in (("addresses", True), ("notReadyAddresses", False))
        for address in subset.get(key) or ()
    ]
    shared = {
        **namespace_labels(meta["namespace"], related),
        **_service_labels(f"{meta['namespace']}/{meta['name']}", related),
        **meta_labels(endpoints, "endpoints"),
    }
    return shared, [*targets, *pods.others()]


def _endpoint(
    address: Mapping[str, Any], port: Mapping[str, Any], pods: _Pods, *, ready: bool
) -> Found:
    reference = address.get("targetRef") or _EMPTY
    own = {
        f"{PREFIX}endpoint_port_name": port.get("name", ""),
        f"{PREFIX}endpoint_port_protocol": port.get("protocol", "TCP"),
        f"{PREFIX}endpoint_ready": truth(ready),
        f"{PREFIX}endpoint_address_target_kind": reference.get("kind", ""),
        f"{PREFIX}endpoint_address_target_name": reference.get("name", ""),
        f"{PREFIX}endpoint_node_name": address.get("nodeName") or "",
        f"{PREFIX}endpoint_hostname": address.get("hostname") or "",
        **node_labels(_node_of(address), pods.related),
    }
    pod = pods.behind(reference)
    if pod is not None:
        own |= pods.labels(pod, int(port["port"]))
    return Found(host_port(address["ip"], port["port"]), own)


def slice_group(part: Object, related: Related) -> tuple[Mapping[str, str], list[Found]]:
    meta, kind = part["metadata"], part.get("addressType", "")
    namespace = meta["namespace"]
    service_name = (meta.get("labels") or {}).get("kubernetes.io/service-name", "")
    service_key = f"{namespace}/{service_name}"
    service = related.get("services", service_key) if service_name else None
    if service is not None and _is_secondary(service, kind):
        return {}, []
    pods = _Pods(namespace, related)
    targets = [
        _slice_endpoint(endpoint, address, port, pods)
        for port in part.get("ports") or ()
        for endpoint in part.get("endpoints") or ()
        for address in endpoint.get("addresses") or ()
    ]
    shared = {
        **namespace_labels(namespace, related),
        f"{PREFIX}endpointslice_address_type": kind,
        **_service_labels(service_key, related),
        **meta_labels(part, "endpointslice"),
    }
    return shared, [*targets, *pods.others()]


def _is_secondary(service: Object, kind: str) -> bool:
    """Whether addresses of this family stand beside the same ones of the service's first."""
    spec = service.get("spec") or {}
    families: list[str] = spec.get("ipFamilies") or []
    dual = spec.get("ipFamilyPolicy") in ("PreferDualStack", "RequireDualStack")
    return dual and bool(families) and families[0] != kind


def _slice_endpoint(
    endpoint: Mapping[str, Any], address: str, port: Mapping[str, Any], pods: _Pods
) -> Found:
    prefix = f"{PREFIX}endpointslice_"
    reference = endpoint.get("targetRef") or _EMPTY
    number = port.get("port")
    own = {
        f"{prefix}port": "" if number is None else str(number),
        f"{prefix}port_name": port.get("name") or "",
        f"{prefix}port_protocol": port.get("protocol") or "",
        f"{prefix}port_app_protocol": port.get("appProtocol") or "",
        f"{prefix}endpoint_hostname": endpoint.get("hostname") or "",
        f"{prefix}endpoint_node_name": endpoint.get("nodeName") or "",
        f"{prefix}endpoint_zone": endpoint.get("zone") or "",
        f"{prefix}address_target_kind": reference.get("kind", ""),
        f"{prefix}address_target_name": reference.get("name", ""),
    }
    for name in ("ready", "serving", "terminating"):
        state = (endpoint.get("conditions") or _EMPTY).get(name)
        if state is not None:
            own[f"{prefix}endpoint_conditions_{name}"] = truth(state)
    for name, value in (endpoint.get("deprecatedTopology") or _EMPTY).items():
        own[f"{prefix}endpoint_topology_{sanitized(name)}"] = value
        own[f"{prefix}endpoint_topology_present_{sanitized(name)}"] = "true"
    own |= node_labels(_node_of(endpoint), pods.related)
    pod = pods.behind(reference)
    if pod is not None:
        own |= pods.labels(pod, number)
    return Found(address if number is None else host_port(address, number), own)
