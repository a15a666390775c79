"""kubernetes_sd_configs: one group of targets per object of the role's resource.

All objects that may matter are followed (`kubernetes_watch`). A group is made from its object and
the related ones that it asked for (`kubernetes_roles`); when any of these changes it is made anew.
Nothing is said before everything has been listed once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from termprom.config.schema import MechanismConfig, TargetGroup
from termprom.discovery.client import DiscoveryClient
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.kubernetes_access import access, own_namespace
from termprom.discovery.kubernetes_objects import Related
from termprom.discovery.kubernetes_roles import ROLES
from termprom.discovery.kubernetes_watch import Object, ResourceWatch
from termprom.discovery.labelled import Numbered

log = logging.getLogger("termprom.discovery")

_TIMEOUT_SECONDS: Final = 60.0
_API: Final = {
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "ingresses": "/apis/networking.k8s.io/v1",
    "replicasets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
}
_CLUSTER_WIDE: Final = frozenset({"nodes", "namespaces"})
_RELATED: Final = {"endpoints": ("services", "pods"), "endpointslice": ("services", "pods")}
_ATTACHED: Final = {
    "node": "nodes",
    "namespace": "namespaces",
    "deployment": "replicasets",
    "cronjob": "jobs",
}
_WITH_PODS: Final = ("pod", "endpoints", "endpointslice")


class KubernetesDiscovery:
    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for access that cannot be had, or that is not implemented."""
        values = config.values
        self._around = around
        self._url, http = access(config)
        self._client = DiscoveryClient(http, timeout_seconds=_TIMEOUT_SECONDS)
        self._namespaces = namespaces(values["namespaces"])
        self._role: str = values["role"]
        self._resource, self._source, self._make = ROLES[self._role]
        self._attached = _attached(self._role, values["attach_metadata"])
        self._selectors = {
            ROLES[one["role"]][0]: {
                f"{key}Selector": one[key] for key in ("label", "field") if one[key]
            }
            for one in values["selectors"]
        }
        self._objects: dict[str, dict[str, Object]] = defaultdict(dict)
        self._needed_by: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._due: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._numbered = Numbered()

    async def run(self, emit: Emit) -> None:
        async with self._client:
            watches = [
                ResourceWatch(
                    self._client,
                    self._around,
                    resource,
                    self._url + path,
                    self._selectors.get(resource, {}),
                    self._objects[resource],
                    self._changed,
                )
                for resource in self._resources()
                for path in self._paths(resource)
            ]
            tasks = [asyncio.create_task(watch.run(), name=repr(watch)) for watch in watches]
            try:
                for watch in watches:
                    await watch.synced.wait()
                emit(self._made())
                while True:
                    await self._wake.wait()
                    emit(self._made())
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _resources(self) -> list[str]:
        """What must be followed; the role's own resource last, so that it finds the others."""
        attached = [_ATTACHED[name] for name in sorted(self._attached & _ATTACHED.keys())]
        return [*attached, *_RELATED.get(self._role, ()), self._resource]

    def _paths(self, resource: str) -> list[str]:
        base = _API.get(resource, "/api/v1")
        if not self._namespaces or resource in _CLUSTER_WIDE:
            return [f"{base}/{resource}"]
        return [f"{base}/namespaces/{quote(name)}/{resource}" for name in self._namespaces]

    def _changed(self, resource: str, key: str, event: str) -> None:
        if resource == self._resource:
            self._around.metrics.kubernetes_events.labels(self._role, event).inc()
            self._due[key] = None
        for needing in self._needed_by.get((resource, key), ()):
            self._due[needing] = None
        if self._due:
            self._wake.set()

    def _made(self) -> list[TargetGroup]:
        """The groups of all objects that something happened to."""
        self._wake.clear()
        due, self._due = list(self._due), {}
        return [group for key in due for group in self._groups(key)]

    def _groups(self, key: str) -> Sequence[TargetGroup]:
        source = f"{self._source}/{key}"
        item = self._objects[self._resource].get(key)
        if item is None:
            return self._numbered.groups(source, ())
        related = Related(self._objects, self._attached)
        try:
            shared, found = self._make(item, related)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            fields = {"object": source, "error": repr(problem)}
            log.error("a Kubernetes object is not what it should be", extra={"fields": fields})
            return ()
        for need in related.asked:
            self._needed_by[need].add(key)
        return self._numbered.groups(source, found, shared)


def namespaces(values: Mapping[str, Any]) -> list[str]:
    """The namespaces to look into; none for all of them. Raises ConfigError."""
    names = list(values["names"])
    return [*names, own_namespace()] if values["own_namespace"] else names


def _attached(role: str, wanted: Mapping[str, bool]) -> frozenset[str]:
    """The metadata that is wanted and that the role can have."""
    possible = {name for name in wanted if role in _WITH_PODS}
    if role != "node":
        possible.add("namespace")
    return frozenset(name for name in possible if wanted[name])
