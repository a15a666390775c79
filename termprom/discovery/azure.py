"""azure_sd_configs: virtual machines of an Azure subscription, those of scale sets among them.

Where a machine is reached is told by its network interface, one request each. Interfaces hardly
ever change, so they are kept for about ten refreshes.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from termprom.config.schema import MechanismConfig
from termprom.discovery.access_token import AccessToken, Fetched
from termprom.discovery.azure_credentials import CLOUDS, Cloud, fetch_token
from termprom.discovery.client import Answer
from termprom.discovery.interface import Surroundings
from termprom.discovery.labelled import Found, host_port, prefixed, under
from termprom.discovery.polled import PolledDiscovery, at, gathered, items, pages
from termprom.errors import ConfigError, DiscoveryError

_PREFIX: Final = "__meta_azure_"
_COMPUTE: Final = "/providers/Microsoft.Compute"
_COMPUTE_VERSION: Final = "2023-07-01"
_NETWORK_VERSION: Final = "2023-05-01"
_SCALE_SET_NETWORK_VERSION: Final = "2018-10-01"
_CONCURRENT: Final = 16
_KEPT_MAX: Final = 5000  # network interfaces
_KEPT_REFRESHES: Final = 10


class AzureDiscovery(PolledDiscovery):
    source = "azure"

    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for client settings that are not implemented, unknown clouds."""
        super().__init__(config, around)
        name = config.values["environment"]
        cloud = CLOUDS.get(name.upper())
        if cloud is None:
            raise ConfigError(f'there is no cloud configuration matching the name "{name}"')
        self.cloud: Cloud = cloud
        self._token = AccessToken(around.clock, self._fetch_token)
        self._kept: dict[str, tuple[float, Mapping[str, Any]]] = {}  # by id, with their end

    async def _fetch_token(self) -> Fetched:
        return await fetch_token(self.client, self.values, self.cloud)

    async def find(self) -> list[Found]:
        metrics = self.around.metrics
        try:
            machines = [(one, "") for one in await self._all("virtualMachines")]
            for scale_set in await self._all("virtualMachineScaleSets"):
                machines += [
                    (one, scale_set["name"])
                    for one in await self._list(f"{scale_set['id']}/virtualMachines")
                ]
            found = await gathered(self._target, machines, concurrent=_CONCURRENT)
        except Exception:
            metrics.azure_failures.inc()
            raise
        return [target for target in found if target is not None]

    async def _all(self, kind: str) -> list[Mapping[str, Any]]:
        group = self.values["resource_group"]
        where = f"/resourceGroups/{quote(group, safe='')}" if group else ""
        subscription = quote(self.values["subscription_id"], safe="")
        return await self._list(f"/subscriptions/{subscription}{where}{_COMPUTE}/{kind}")

    async def _list(self, path: str) -> list[Mapping[str, Any]]:
        first = f"{self.cloud.manager_url}{path}?{urlencode({'api-version': _COMPUTE_VERSION})}"

        async def page(url: str) -> Any:
            return (await self._get(url or first)).json()

        following = pages(page, lambda one: at(one, "nextLink"))
        return [one async for content in following for one in items(content.get("value"))]

    async def _get(self, url: str) -> Answer:
        # The next page's address comes from outside, and the token goes with the request.
        if urlsplit(url)[:2] != urlsplit(self.cloud.manager_url)[:2]:
            raise DiscoveryError(f"a next page at another server: {url}")
        answer = await self.client.get(url, await self._token.headers())
        if answer.status == 401:
            self._token.forget()
        return answer

    async def _target(self, machine: tuple[Mapping[str, Any], str]) -> Found | None:
        """None for a machine that is deallocated or whose network interface is gone."""
        vm, scale_set = machine
        properties = vm.get("properties") or {}
        own = {
            "subscription_id": self.values["subscription_id"],
            "tenant_id": self.values["tenant_id"],
            "machine_id": vm["id"],
            "machine_name": vm["name"],
            "machine_computer_name": at(properties, "osProfile", "computerName"),
            "machine_os_type": at(properties, "storageProfile", "osDisk", "osType"),
            "machine_location": vm.get("location"),
            "machine_resource_group": resource_group(vm["id"]),
            "machine_scale_set": scale_set,
            "machine_size": at(properties, "hardwareProfile", "vmSize"),
        }
        for one in at(properties, "networkProfile", "networkInterfaces") or ():
            interface = await self._interface(one["id"], in_scale_set=bool(scale_set))
            if interface is None or interface.get("primary") is None:
                return None
            if interface["primary"]:
                return self._reached(interface, own, vm)
        return None

    def _reached(
        self, interface: Mapping[str, Any], own: Mapping[str, Any], vm: Mapping[str, Any]
    ) -> Found | None:
        for one in interface.get("ipConfigurations") or ():
            address = at(one, "properties", "privateIPAddress")
            if not address:
                raise DiscoveryError(f"unable to find a private IP for VM {vm['name']}")
            public = at(one, "properties", "publicIPAddress", "properties", "ipAddress")
            labels = {
                **under(_PREFIX, own),
                **under(f"{_PREFIX}machine_", {"private_ip": address, "public_ip": public}),
                **prefixed(f"{_PREFIX}machine_tag_", vm.get("tags")),
            }
            return Found(host_port(address, self.port), labels)
        return None

    async def _interface(self, identity: str, *, in_scale_set: bool) -> Mapping[str, Any] | None:
        """Its properties; None where it does not exist."""
        now = self.around.clock.monotonic()
        until, kept = self._kept.get(identity, (0.0, {}))
        if now < until:
            self.around.metrics.azure_cache_hits.inc()
            return kept
        version = _SCALE_SET_NETWORK_VERSION if in_scale_set else _NETWORK_VERSION
        query = urlencode({"api-version": version, "$expand": "IPConfigurations/PublicIPAddress"})
        answer = await self._get(f"{self.cloud.manager_url}{identity}?{query}")
        if answer.status == 404:
            return None
        properties: Mapping[str, Any] = answer.json().get("properties") or {}
        if len(self._kept) >= _KEPT_MAX:
            self._kept.pop(next(iter(self._kept)))
        # Not all at once again: some end up to three refreshes later than others.
        refreshes = _KEPT_REFRESHES + 3 * random.random()
        self._kept[identity] = (
            now + refreshes * self.values["refresh_interval"] / 1000,
            properties,
        )
        return properties


def resource_group(identity: str) -> str:
    """The part of a resource's id that names its group; empty where there is none."""
    parts = identity.split("/")
    named = (place for place, part in enumerate(parts[:-1]) if part.lower() == "resourcegroups")
    place = next(named, None)
    return "" if place is None else parts[place + 1]
