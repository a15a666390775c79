"""dockerswarm_sd_configs: the services, tasks or nodes of a swarm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from termprom.discovery.docker_api import DockerMechanism
from termprom.discovery.labelled import Found, host_port, prefixed, truth

_PREFIX: Final = "__meta_dockerswarm_"
_Labels = Mapping[str, Mapping[str, str]]


class SwarmDiscovery(DockerMechanism):
    source = "DockerSwarm"

    async def find(self) -> list[Found]:
        found = await self.listing(f"/{self.values['role']}", self.values["filters"])
        match self.values["role"]:
            case "nodes":
                return [
                    Found(host_port(node["Status"].get("Addr", ""), self.port), node_labels(node))
                    for node in found
                ]
            case "services":
                networks = await self.networks(_PREFIX)
                return [target for one in found for target in self._service(one, networks)]
            case _:
                networks = await self.networks(_PREFIX)
                nodes = {node["ID"]: place_labels(node) for node in await self.listing("/nodes")}
                services = {one["ID"]: one for one in await self.listing("/services")}
                return [
                    target for one in found for target in self._task(one, nodes, services, networks)
                ]

    def _service(self, service: Mapping[str, Any], networks: _Labels) -> Iterator[Found]:
        template = (service["Spec"].get("TaskTemplate") or {}).get("ContainerSpec") or {}
        shared = {
            **service_labels(service),
            f"{_PREFIX}service_updating_status": (service.get("UpdateStatus") or {}).get(
                "State", ""
            ),
            f"{_PREFIX}service_task_container_hostname": template.get("Hostname", ""),
            f"{_PREFIX}service_task_container_image": template.get("Image", ""),
        }
        ports = _tcp(service)
        for virtual in (service.get("Endpoint") or {}).get("VirtualIPs") or ():
            address = _without_mask(virtual["Addr"])
            common = {**shared, **networks.get(virtual.get("NetworkID", ""), {})}
            for port in ports:
                own = {
                    f"{_PREFIX}service_endpoint_port_name": port.get("Name", ""),
                    f"{_PREFIX}service_endpoint_port_publish_mode": port.get("PublishMode", ""),
                }
                yield Found(host_port(address, port["PublishedPort"]), {**common, **own})
            if not ports:
                yield Found(host_port(address, self.port), common)

    def _task(
        self,
        task: Mapping[str, Any],
        nodes: _Labels,
        services: Mapping[str, Mapping[str, Any]],
        networks: _Labels,
    ) -> Iterator[Found]:
        status = task["Status"]
        service = services.get(task.get("ServiceID", ""))
        container = (task.get("Spec") or {}).get("ContainerSpec") or {}
        shared = {
            f"{_PREFIX}task_id": task["ID"],
            f"{_PREFIX}task_desired_state": task.get("DesiredState", ""),
            f"{_PREFIX}task_state": status.get("State", ""),
            f"{_PREFIX}task_slot": str(task.get("Slot", 0)),
            f"{_PREFIX}task_container_id": (status.get("ContainerStatus") or {}).get(
                "ContainerID", ""
            ),
            **prefixed(f"{_PREFIX}container_label_", container.get("Labels")),
            **(service_labels(service) if service is not None else {}),
            **nodes.get(task.get("NodeID", ""), {}),
        }
        mode = f"{_PREFIX}task_port_publish_mode"
        for port in (status.get("PortStatus") or {}).get("Ports") or ():
            if port.get("Protocol") == "tcp":
                address = host_port(shared.get(f"{_PREFIX}node_address", ""), port["PublishedPort"])
                yield Found(address, {**shared, mode: port.get("PublishMode", "")})
        ports = _tcp(service) if service is not None else []
        for attachment in task.get("NetworksAttachments") or ():
            common = {**shared, **networks.get(attachment["Network"]["ID"], {})}
            for masked in attachment.get("Addresses") or ():
                address = _without_mask(masked)
                for port in ports:
                    own = {mode: port.get("PublishMode", "")}
                    yield Found(host_port(address, port["PublishedPort"]), {**common, **own})
                if not ports:
                    yield Found(host_port(address, self.port), common)


def service_labels(service: Mapping[str, Any]) -> dict[str, str]:
    spec = service["Spec"]
    mode = spec.get("Mode") or {}
    word = "global" if mode.get("Global") is not None else ""
    return {
        f"{_PREFIX}service_id": service["ID"],
        f"{_PREFIX}service_name": spec.get("Name", ""),
        f"{_PREFIX}service_mode": "replicated" if mode.get("Replicated") is not None else word,
        **prefixed(f"{_PREFIX}service_label_", spec.get("Labels")),
    }


def node_labels(node: Mapping[str, Any]) -> dict[str, str]:
    engine, manager = node["Description"].get("Engine") or {}, node.get("ManagerStatus")
    found = {
        **place_labels(node),
        f"{_PREFIX}node_engine_version": engine.get("EngineVersion", ""),
    }
    if manager is not None:
        found |= {
            f"{_PREFIX}node_manager_leader": truth(manager.get("Leader")),
            f"{_PREFIX}node_manager_reachability": manager.get("Reachability", ""),
            f"{_PREFIX}node_manager_address": manager.get("Addr", ""),
        }
    return found


def place_labels(node: Mapping[str, Any]) -> dict[str, str]:
    """What a task says of the node that it runs on."""
    spec, status, described = node["Spec"], node["Status"], node["Description"]
    platform = described.get("Platform") or {}
    return {
        f"{_PREFIX}node_id": node["ID"],
        f"{_PREFIX}node_role": spec.get("Role", ""),
        f"{_PREFIX}node_availability": spec.get("Availability", ""),
        f"{_PREFIX}node_hostname": described.get("Hostname", ""),
        f"{_PREFIX}node_platform_architecture": platform.get("Architecture", ""),
        f"{_PREFIX}node_platform_os": platform.get("OS", ""),
        f"{_PREFIX}node_status": status.get("State", ""),
        f"{_PREFIX}node_address": status.get("Addr", ""),
        **prefixed(f"{_PREFIX}node_label_", spec.get("Labels")),
    }


def _tcp(service: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    ports = (service.get("Endpoint") or {}).get("Ports") or ()
    return [port for port in ports if port.get("Protocol") == "tcp"]


def _without_mask(address: str) -> str:
    return address.partition("/")[0]
