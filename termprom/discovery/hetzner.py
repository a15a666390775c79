"""hetzner_sd_configs: servers of the Hetzner cloud, or of Hetzner's Robot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from termprom.discovery.labelled import Found, host_port, present, sanitized, under
from termprom.discovery.polled import PolledDiscovery, at, items, pages

_PREFIX: Final = "__meta_hetzner_"
_PER_PAGE: Final = "50"


class HetznerDiscovery(PolledDiscovery):
    source = "hetzner"
    url = "https://api.hetzner.cloud"
    robot_url = "https://robot-ws.your-server.de"

    async def find(self) -> list[Found]:
        if self.values["role"] == "robot":
            servers = items(await self.client.json(f"{self.robot_url}/server"))
            return [self._robot(one["server"]) for one in servers]
        selector = self.values["label_selector"]
        selected = {"label_selector": selector} if selector else {}
        servers = await self._all("servers", **selected)
        networks = {one["id"]: one["name"] for one in await self._all("networks")}
        return [self._hcloud(one, networks) for one in servers]

    async def _all(self, kind: str, **parameters: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []

        async def page(number: str) -> Any:
            where = {"page": number or "1", "per_page": _PER_PAGE}
            return await self.ask(f"/v1/{kind}", **parameters, **where)

        async for content in pages(page, lambda one: at(one, "meta", "pagination", "next_page")):
            found += items(content[kind])
        return found

    def _hcloud(self, server: Mapping[str, Any], networks: Mapping[int, str]) -> Found:
        public = at(server, "public_net", "ipv4", "ip")
        datacenter, kind = server.get("datacenter") or {}, server.get("server_type") or {}
        location = server.get("location") or datacenter.get("location") or {}
        own = {
            "role": "hcloud",
            "server_id": server["id"],
            "server_name": server["name"],
            "server_status": server.get("status"),
            "public_ipv4": public,
            "public_ipv6_network": at(server, "public_net", "ipv6", "ip"),
        }
        cloud = {
            "image_name": at(server, "image", "name"),
            "image_description": at(server, "image", "description"),
            "image_os_flavor": at(server, "image", "os_flavor"),
            "image_os_version": at(server, "image", "os_version"),
            "location": location.get("name"),
            "location_network_zone": location.get("network_zone"),
            "datacenter_location": location.get("name"),
            "datacenter_location_network_zone": location.get("network_zone"),
            "server_type": kind.get("name"),
            "cpu_cores": kind.get("cores"),
            "cpu_type": kind.get("cpu_type"),
            "memory_size_gb": int(kind.get("memory") or 0),
            "disk_size_gb": kind.get("disk"),
            **{
                f"private_ipv4_{sanitized(networks[one['network']])}": one.get("ip")
                for one in server.get("private_net") or ()
                if one.get("network") in networks
            },
        }
        labels = {
            **under(_PREFIX, own),
            **under(f"{_PREFIX}hcloud_", cloud),
            **present(f"{_PREFIX}hcloud_", server.get("labels")),
        }
        return Found(host_port(public, self.port), labels)

    def _robot(self, server: Mapping[str, Any]) -> Found:
        address, datacenter = server["server_ip"] or "", (server.get("dc") or "").lower()
        subnets = server.get("subnet") or ()
        own = {
            "role": "robot",
            "server_id": server["server_number"],
            "server_name": server.get("server_name"),
            "server_status": server.get("status"),
            "datacenter": datacenter,
            "public_ipv4": address,
            "public_ipv6_network": next(
                (f"{one['ip']}/{one['mask']}" for one in subnets if ":" in one["ip"]), ""
            ),
            "robot_datacenter": datacenter,
            "robot_product": server.get("product"),
            "robot_cancelled": bool(server.get("cancelled")),
        }
        return Found(host_port(address, self.port), under(_PREFIX, own))
