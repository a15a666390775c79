"""lightsail_sd_configs: the instances of Amazon Lightsail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from termprom.discovery.aws import AWSMechanism
from termprom.discovery.labelled import Found, host_port, listed, tags
from termprom.discovery.polled import items

_PREFIX: Final = "__meta_lightsail_"


class LightsailDiscovery(AWSMechanism):
    async def find(self) -> list[Found]:
        found: list[Found] = []
        page: dict[str, str] = {}
        while True:
            content = await self.call("lightsail", "Lightsail_20161128.GetInstances", page)
            found += [
                self._target(one)
                for one in items(content.get("instances"))
                if one.get("privateIpAddress")
            ]
            if not content.get("nextPageToken"):
                return found
            page = {"pageToken": content["nextPageToken"]}

    def _target(self, instance: Mapping[str, Any]) -> Found:
        location = instance.get("location") or {}
        addresses = instance.get("ipv6Addresses") or ()
        own = {
            "availability_zone": location.get("availabilityZone", ""),
            "blueprint_id": instance.get("blueprintId", ""),
            "bundle_id": instance.get("bundleId", ""),
            "instance_name": instance.get("name", ""),
            "instance_state": (instance.get("state") or {}).get("name", ""),
            "instance_support_code": instance.get("supportCode", ""),
            "ipv6_addresses": listed(addresses),
            "private_ip": instance["privateIpAddress"],
            "public_ip": instance.get("publicIpAddress", ""),
            "region": self.source,
            **tags("tag_", instance.get("tags")),
        }
        labels = {_PREFIX + name: value for name, value in own.items()}
        return Found(host_port(instance["privateIpAddress"], self.port), labels)
