"""digitalocean_sd_configs: Droplets, or managed databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

from termprom.discovery.labelled import Found, host_port, listed, under
from termprom.discovery.polled import PolledDiscovery, at, items, pages

_PREFIX: Final = "__meta_digitalocean_"
_CONNECTIONS: Final = ("connection", "private_connection")


class DigitalOceanDiscovery(PolledDiscovery):
    source = "DigitalOcean"
    url = "https://api.digitalocean.com"

    async def find(self) -> list[Found]:
        if self.values["role"] == "databases":
            return [self._database(one) async for one in self._all("databases")]
        droplets = self._all("droplets")
        return [self._droplet(one) async for one in droplets if at(one, "networks", "v4")]

    async def _all(self, kind: str) -> AsyncIterator[Mapping[str, Any]]:
        number = 1

        async def page(_: str) -> Any:
            return await self.ask(f"/v2/{kind}", page=str(number), per_page="200")

        async for content in pages(page, lambda one: at(one, "links", "pages", "next")):
            number += 1
            for one in items(content[kind]):
                yield one

    def _droplet(self, droplet: Mapping[str, Any]) -> Found:
        public = next(_addresses(droplet, "v4", "public"), "")
        own = {
            "droplet_id": droplet["id"],
            "droplet_name": droplet["name"],
            "image": at(droplet, "image", "slug"),
            "image_name": at(droplet, "image", "name"),
            "private_ipv4": next(_addresses(droplet, "v4", "private"), ""),
            "public_ipv4": public,
            "public_ipv6": next(_addresses(droplet, "v6", "public"), ""),
            "region": at(droplet, "region", "slug"),
            "size": droplet.get("size_slug"),
            "status": droplet.get("status"),
            "vpc": droplet.get("vpc_uuid"),
            "features": listed(droplet.get("features")),
            "tags": listed(droplet.get("tags")),
        }
        return Found(host_port(public, self.port), under(_PREFIX, own))

    def _database(self, database: Mapping[str, Any]) -> Found:
        host, private = (at(database, kind, "host") for kind in _CONNECTIONS)
        own = {
            "db_id": database["id"],
            "db_name": database["name"],
            "db_engine": database.get("engine"),
            "db_version": database.get("version"),
            "db_status": database.get("status"),
            "db_region": database.get("region"),
            "db_size": database.get("size"),
            "db_num_nodes": database.get("num_nodes"),
            "db_host": host,
            "db_private_host": private,
            # Tags stand in the name as they are written.
            **{f"db_tag_{tag}": True for tag in database.get("tags") or ()},
        }
        return Found(host_port(private or host, self.port), under(_PREFIX, own))


def _addresses(droplet: Mapping[str, Any], family: str, kind: str) -> Iterator[str]:
    networks = at(droplet, "networks", family) or ()
    return (network["ip_address"] for network in networks if network.get("type") == kind)
