"""nomad_sd_configs: the services that Nomad itself registers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from termprom.discovery.labelled import Found, host_port, listed, under
from termprom.discovery.polled import PolledDiscovery, gathered, items
from termprom.errors import DiscoveryError

_PREFIX: Final = "__meta_nomad_"
_CONCURRENT: Final = 8


class NomadDiscovery(PolledDiscovery):
    source = "Nomad"

    async def find(self) -> list[Found]:
        self.url = self.values["server"].rstrip("/")
        try:
            namespaces = items(await self._get("/v1/services"))
            names = [
                one["ServiceName"] for space in namespaces for one in items(space.get("Services"))
            ]
            found = await gathered(self._instances, names, concurrent=_CONCURRENT)
        except DiscoveryError:
            self.around.metrics.nomad_failures.inc()
            raise
        return [self._target(one) for instances in found for one in instances]

    async def _instances(self, name: str) -> list[Mapping[str, Any]]:
        return items(await self._get(f"/v1/service/{quote(name, safe='')}"))

    async def _get(self, path: str) -> Any:
        parameters = {
            "namespace": self.values["namespace"],
            "region": self.values["region"],
            "stale": "" if self.values["allow_stale"] else None,
        }
        wanted = {name: value for name, value in parameters.items() if value is not None}
        return await self.ask(path, **wanted)

    def _target(self, instance: Mapping[str, Any]) -> Found:
        separator = self.values["tag_separator"]
        own = {
            "address": instance["Address"],
            "dc": instance.get("Datacenter"),
            "namespace": instance.get("Namespace"),
            "node_id": instance.get("NodeID"),
            "service": instance["ServiceName"],
            "service_address": instance["Address"],
            "service_id": instance.get("ID"),
            "service_port": instance["Port"],
            "tags": listed(instance.get("Tags"), separator),
        }
        return Found(host_port(instance["Address"], instance["Port"]), under(_PREFIX, own))
