"""Labels that a Kubernetes object lends to targets, and the objects that belong to it.

Everything here is a function of objects as the API prints them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from termprom.discovery.kubernetes_watch import Object
from termprom.discovery.labelled import sanitized, truth

PREFIX: Final = "__meta_kubernetes_"


@dataclass(slots=True)
class Related:
    """All objects by resource and key. Remembers what it was asked for, whether it is there or
    not: when that changes, so does the answer that was made of it.
    """

    objects: Mapping[str, Mapping[str, Object]]
    attached: frozenset[str] = frozenset()
    asked: set[tuple[str, str]] = field(default_factory=set)

    def get(self, resource: str, key: str) -> Object | None:
        self.asked.add((resource, key))
        return self.objects.get(resource, {}).get(key)


def meta_labels(item: Object, role: str, *, named: bool = True) -> dict[str, str]:
    """Name, labels and annotations of an object."""
    meta = item["metadata"]
    found = {f"{PREFIX}{role}_name": str(meta.get("name", ""))} if named else {}
    for kind, key in (("label", "labels"), ("annotation", "annotations")):
        for name, value in (meta.get(key) or {}).items():
            found[f"{PREFIX}{role}_{kind}_{sanitized(name)}"] = value
            found[f"{PREFIX}{role}_{kind}present_{sanitized(name)}"] = "true"
    return found


def namespace_labels(namespace: str, related: Related) -> dict[str, str]:
    """The namespace, and its labels where they are asked for."""
    found = {f"{PREFIX}namespace": namespace}
    if "namespace" in related.attached:
        item = related.get("namespaces", namespace)
        if item is not None:
            found |= meta_labels(item, "namespace", named=False)
    return found


def node_labels(name: str | None, related: Related) -> dict[str, str]:
    """The node's metadata where it is asked for and known."""
    if "node" not in related.attached or not name:
        return {}
    item = related.get("nodes", name)
    return meta_labels(item, "node") if item is not None else {}


def controller(item: Object) -> tuple[str, str]:
    """Kind and name of what controls an object; empty when nothing does."""
    for owner in item["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return owner.get("kind", ""), owner.get("name", "")
    return "", ""


def pod_labels(pod: Object, related: Related) -> dict[str, str]:
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    kind, name = controller(pod)
    return {
        f"{PREFIX}pod_ip": status.get("podIP", ""),
        f"{PREFIX}pod_ready": _ready(status),
        f"{PREFIX}pod_phase": status.get("phase", ""),
        f"{PREFIX}pod_node_name": spec.get("nodeName", ""),
        f"{PREFIX}pod_host_ip": status.get("hostIP", ""),
        f"{PREFIX}pod_uid": pod["metadata"].get("uid", ""),
        f"{PREFIX}pod_controller_kind": kind,
        f"{PREFIX}pod_controller_name": name,
        **_owners(pod["metadata"].get("namespace", ""), kind, name, related),
        **meta_labels(pod, "pod"),
    }


def _owners(namespace: str, kind: str, name: str, related: Related) -> dict[str, str]:
    """Deployment, job and cron job of a pod, where they are asked for."""
    found: dict[str, str] = {}
    if kind == "ReplicaSet" and "deployment" in related.attached:
        owner = related.get("replicasets", f"{namespace}/{name}")
        if owner is not None and controller(owner)[0] == "Deployment":
            found[f"{PREFIX}pod_deployment_name"] = controller(owner)[1]
    if kind == "Job":
        if "job" in related.attached:
            found[f"{PREFIX}pod_job_name"] = name
        if "cronjob" in related.attached:
            owner = related.get("jobs", f"{namespace}/{name}")
            if owner is not None and controller(owner)[0] == "CronJob":
                found[f"{PREFIX}pod_cronjob_name"] = controller(owner)[1]
    return found


def _ready(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Ready":
            return str(condition.get("status", "Unknown")).lower()
    return "unknown"


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """A container of a pod with one of its ports; `port` None for a container without any."""

    container: Mapping[str, Any]
    port: Mapping[str, Any] | None
    init: bool

    @property
    def number(self) -> int:
        return int(self.port["containerPort"]) if self.port is not None else 0

    def labels(self) -> dict[str, str]:
        found = {
            f"{PREFIX}pod_container_name": self.container.get("name", ""),
            f"{PREFIX}pod_container_image": self.container.get("image", ""),
            f"{PREFIX}pod_container_init": truth(self.init),
        }
        if self.port is not None:
            found |= {
                f"{PREFIX}pod_container_port_name": self.port.get("name", ""),
                f"{PREFIX}pod_container_port_number": str(self.number),
                f"{PREFIX}pod_container_port_protocol": self.port.get("protocol", "TCP"),
            }
        return found


def container_ports(pod: Object) -> Iterator[ContainerPort]:
    """All ports of containers, then of init containers."""
    spec = pod.get("spec") or {}
    for key, init in (("containers", False), ("initContainers", True)):
        for container in spec.get(key) or ():
            for port in container.get("ports") or (None,):
                yield ContainerPort(container, port, init)


def container_ids(pod: Object) -> dict[str, str]:
    """The identity of each container that has been started, by its name."""
    status = pod.get("status") or {}
    return {
        one["name"]: one.get("containerID", "")
        for key in ("containerStatuses", "initContainerStatuses")
        for one in status.get(key) or ()
    }
