"""scaleway_sd_configs: instances or bare metal servers of a Scaleway zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from termprom.discovery.labelled import Found, host_port, listed, under
from termprom.discovery.polled import PolledDiscovery, at, items, pages
from termprom.discovery.secret_files import revealed

_PREFIX: Final = "__meta_scaleway_"
_PER_PAGE: Final = 100


class ScalewayDiscovery(PolledDiscovery):
    source = "scaleway"

    async def find(self) -> list[Found]:
        values = self.values
        self.url = values["api_url"].rstrip("/")
        secret = await revealed(values["secret_key"], values["secret_key_file"])
        self._headers = {"Accept": "application/json", "X-Auth-Token": secret}
        named = [("name", values["name_filter"])] if values["name_filter"] else []
        wanted: Iterable[Found | None]
        if values["role"] == "instance":
            tagged = [("tags", ",".join(values["tags_filter"]))] if values["tags_filter"] else []
            where = [("project", values["project_id"]), *named, *tagged]
            servers = await self._all("instance", "servers", where)
            wanted = (self._instance(one) for one in servers)
        else:
            where = [("project_id", values["project_id"]), *named]
            where += [("tags", tag) for tag in values["tags_filter"]]
            servers = await self._all("baremetal", "servers", where)
            offers = {one["id"]: one for one in await self._all("baremetal", "offers", ())}
            systems = {one["id"]: one for one in await self._all("baremetal", "os", ())}
            wanted = (self._bare_metal(one, offers, systems) for one in servers)
        return [one for one in wanted if one is not None]

    async def _all(
        self, product: str, kind: str, where: Iterable[tuple[str, str]]
    ) -> list[Mapping[str, Any]]:
        base = f"{self.url}/{product}/v1/zones/{quote(self.values['zone'], safe='')}/{kind}"
        size = "per_page" if product == "instance" else "page_size"
        number = 0

        async def page(_: str) -> list[Any]:
            query = urlencode([*where, (size, _PER_PAGE), ("page", number + 1)])
            content = await self.client.json(f"{base}?{query}", self._headers)
            return items(content[kind])

        found: list[Mapping[str, Any]] = []
        # A page that is not full is the last one.
        async for content in pages(page, lambda one: len(one) >= _PER_PAGE):
            number += 1
            found += content
        return found

    def _instance(self, server: Mapping[str, Any]) -> Found | None:
        """None for a server without an address."""
        public = server.get("public_ips") or ()
        v4 = [one["address"] for one in public if one.get("family") == "inet"]
        v6 = [one["address"] for one in public if one.get("family") == "inet6"]
        private = server.get("private_ip") or ""
        only_v4, only_v6 = at(server, "public_ip", "address"), at(server, "ipv6", "address")
        address = private or only_v4 or only_v6 or next(iter([*v4, *v6]), "")
        zone = server.get("zone") or ""
        own = {
            "boot_type": server.get("boot_type"),
            "hostname": server.get("hostname"),
            "id": server["id"],
            "image_arch": at(server, "image", "arch"),
            "image_id": at(server, "image", "id"),
            "image_name": at(server, "image", "name"),
            "location_cluster_id": at(server, "location", "cluster_id"),
            "location_hypervisor_id": at(server, "location", "hypervisor_id"),
            "location_node_id": at(server, "location", "node_id"),
            "name": server["name"],
            "organization_id": server.get("organization"),
            "private_ipv4": private,
            "project_id": server.get("project"),
            "public_ipv4": only_v4,
            "public_ipv6": only_v6,
            "public_ipv4_addresses": listed(v4),
            "public_ipv6_addresses": listed(v6),
            "region": zone.rpartition("-")[0],
            "security_group_id": at(server, "security_group", "id"),
            "security_group_name": at(server, "security_group", "name"),
            "status": server.get("state"),
            "tags": listed(server.get("tags")),
            "type": server.get("commercial_type"),
            "zone": zone,
        }
        return self._found("instance_", address, own)

    def _bare_metal(
        self,
        server: Mapping[str, Any],
        offers: Mapping[str, Mapping[str, Any]],
        systems: Mapping[str, Mapping[str, Any]],
    ) -> Found | None:
        """None for a server without an address."""
        addresses = [(one.get("version"), one["address"]) for one in server.get("ips") or ()]
        v4 = next((address for version, address in addresses if version == "IPv4"), "")
        v6 = next((address for version, address in addresses if version == "IPv6"), "")
        system = systems.get(at(server, "install", "os_id"), {})
        own = {
            "id": server["id"],
            "name": server["name"],
            "os_name": system.get("name"),
            "os_version": system.get("version"),
            "project_id": server.get("project_id"),
            "public_ipv4": v4,
            "public_ipv6": v6,
            "status": server.get("status"),
            "tags": listed(server.get("tags")),
            "type": offers.get(server.get("offer_id") or "", {}).get("name"),
            "zone": server.get("zone"),
        }
        return self._found("baremetal_", v4 or v6, own)

    def _found(self, kind: str, address: str, own: Mapping[str, object]) -> Found | None:
        labels = under(_PREFIX + kind, own)
        return Found(host_port(address, self.port), labels) if address else None
