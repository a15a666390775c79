"""docker_sd_configs: running containers, one target per network and TCP port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from termprom.discovery.docker_api import DockerMechanism
from termprom.discovery.labelled import Found, host_port, prefixed

_PREFIX: Final = "__meta_docker_"
_SHARED: Final = "container:"


class DockerDiscovery(DockerMechanism):
    source = "Docker"

    async def find(self) -> list[Found]:
        containers = await self.listing("/containers/json", self.values["filters"])
        networks = await self.networks(_PREFIX)
        by_id = {container["Id"]: container for container in containers}
        return [
            target
            for container in containers
            if container.get("Names")
            for target in self._targets(container, by_id, networks)
        ]

    def _targets(
        self,
        container: Mapping[str, Any],
        by_id: Mapping[str, Mapping[str, Any]],
        networks: Mapping[str, Mapping[str, str]],
    ) -> Iterator[Found]:
        mode = container["HostConfig"].get("NetworkMode", "")
        shared = {
            f"{_PREFIX}container_id": container["Id"],
            f"{_PREFIX}container_name": container["Names"][0],
            f"{_PREFIX}container_network_mode": mode,
            f"{_PREFIX}container_image": container.get("Image", ""),
            f"{_PREFIX}container_image_id": container.get("ImageID", ""),
            **prefixed(f"{_PREFIX}container_label_", container.get("Labels")),
        }
        ports = [port for port in container.get("Ports") or () if port.get("Type") == "tcp"]
        attached = attached_networks(container, by_id)
        names = sorted(attached)
        if self.values["match_first_network"]:
            names = names[:1]
        for name in names:
            network = attached[name]
            address = network.get("IPAddress") or network.get("GlobalIPv6Address") or ""
            common = {
                **shared,
                **networks.get(network.get("NetworkID", ""), {}),
                f"{_PREFIX}network_ip": address,
            }
            for port in ports:
                number = port["PrivatePort"]
                yield Found(host_port(address, number), {**common, **_port_labels(port)})
            if not ports and mode == "host":
                yield Found(self.values["host_networking_host"], common)
            elif not ports:
                yield Found(host_port(address, self.port), common)


def attached_networks(
    container: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Mapping[str, Any]]:
    """The networks of a container by name; those of another where it lives in that one's."""
    current, seen = container, set[str]()
    while True:
        networks: Mapping[str, Any] = (current.get("NetworkSettings") or {}).get("Networks") or {}
        mode = current["HostConfig"].get("NetworkMode", "")
        other = mode.removeprefix(_SHARED)
        # Two containers cannot share each other's networks, but an answer may say anything.
        if networks or other == mode or other not in by_id or other in seen:
            return networks
        seen.add(other)
        current = by_id[other]


def _port_labels(port: Mapping[str, Any]) -> dict[str, str]:
    found = {f"{_PREFIX}port_private": str(port["PrivatePort"])}
    if port.get("PublicPort"):
        found[f"{_PREFIX}port_public"] = str(port["PublicPort"])
        found[f"{_PREFIX}port_public_ip"] = port.get("IP", "")
    return found
