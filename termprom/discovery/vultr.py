"""vultr_sd_configs: the instances of a Vultr account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from termprom.discovery.labelled import Found, host_port, listed, under
from termprom.discovery.polled import PolledDiscovery, at, items, pages

_PREFIX: Final = "__meta_vultr_instance_"


class VultrDiscovery(PolledDiscovery):
    source = "Vultr"
    url = "https://api.vultr.com"

    async def find(self) -> list[Found]:
        async def page(cursor: str) -> Any:
            where = {"cursor": cursor} if cursor else {}
            return await self.ask("/v2/instances", per_page="100", **where)

        following = pages(page, lambda one: at(one, "meta", "links", "next"))
        return [
            self._target(one) async for content in following for one in items(content["instances"])
        ]

    def _target(self, instance: Mapping[str, Any]) -> Found:
        own = {
            "id": instance["id"],
            "label": instance.get("label"),
            "os": instance.get("os"),
            "os_id": instance.get("os_id", 0),
            "region": instance.get("region"),
            "plan": instance.get("plan"),
            "main_ip": instance["main_ip"],
            "main_ipv6": instance.get("v6_main_ip"),
            "internal_ip": instance.get("internal_ip"),
            "hostname": instance.get("hostname"),
            "server_status": instance.get("server_status"),
            "vcpu_count": instance.get("vcpu_count", 0),
            "ram_mb": instance.get("ram", 0),
            "allowed_bandwidth_gb": instance.get("allowed_bandwidth", 0),
            "disk_gb": instance.get("disk", 0),
            "features": listed(instance.get("features")),
            "tags": listed(instance.get("tags")),
        }
        return Found(host_port(instance["main_ip"], self.port), under(_PREFIX, own))
