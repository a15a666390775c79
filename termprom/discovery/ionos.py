"""ionos_sd_configs: the servers of an IONOS data centre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from termprom.discovery.labelled import Found, host_port, listed, sanitized, under
from termprom.discovery.polled import PolledDiscovery, at, items

_PREFIX: Final = "__meta_ionos_server_"


class IonosDiscovery(PolledDiscovery):
    source = "ionos"
    url = "https://api.ionos.com/cloudapi/v6"

    async def find(self) -> list[Found]:
        datacenter = quote(self.values["datacenter_id"], safe="")
        content = await self.ask(f"/datacenters/{datacenter}/servers", depth="3")
        servers_id = content.get("id") or ""
        targets = (self._target(server, servers_id) for server in items(content["items"]))
        return [target for target in targets if target is not None]

    def _target(self, server: Mapping[str, Any], servers_id: str) -> Found | None:
        """None for a server without an address."""
        found: list[str] = []
        by_name: dict[str, list[str]] = {}
        for nic in at(server, "entities", "nics", "items") or ():
            name, own = at(nic, "properties", "name") or "unnamed", at(nic, "properties", "ips")
            # The last interface comes first, whose first address is the target's.
            found = [*(own or ()), *found]
            by_name[name] = [*(own or ()), *by_name.get(name, ())]
        if not found:
            return None
        properties = server.get("properties") or {}
        volumes: Sequence[Any] = at(server, "entities", "volumes", "items") or ({},)
        labels = {
            "availability_zone": properties.get("availabilityZone"),
            "boot_cdrom_id": at(properties, "bootCdrom", "id"),
            "boot_image_id": at(volumes[0], "properties", "image"),
            "boot_volume_id": at(properties, "bootVolume", "id"),
            "cpu_family": properties.get("cpuFamily"),
            "id": server["id"],
            "ip": listed(found),
            "lifecycle": at(server, "metadata", "state"),
            "name": properties.get("name"),
            "servers_id": servers_id,
            "state": properties.get("vmState"),
            "type": properties.get("type"),
            **{f"nic_ip_{sanitized(name)}": listed(own) for name, own in by_name.items()},
        }
        return Found(host_port(found[0], self.port), under(_PREFIX, labels))
