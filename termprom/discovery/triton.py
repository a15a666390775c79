"""triton_sd_configs: the containers or compute nodes of a Triton data centre."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from termprom.config.schema import HTTPClientConfig, MechanismConfig
from termprom.discovery.interface import Surroundings
from termprom.discovery.labelled import Found, host_port, listed, under
from termprom.discovery.polled import PolledDiscovery, items
from termprom.errors import DiscoveryError

_PREFIX: Final = "__meta_triton_"


class TritonDiscovery(PolledDiscovery):
    scheme = "https"

    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for client settings that are not implemented."""
        http = HTTPClientConfig(tls_config=config.values["tls_config"])
        super().__init__(config, around, http=http)

    async def find(self) -> list[Found]:
        values = self.values
        compute_nodes = values["role"] == "cn"
        self.url = f"{self.scheme}://{host_port(values['endpoint'], values['port'])}"
        self.source = f"{self.url}/v{values['version']}/"
        self.source += "gz/discover" if compute_nodes else "discover"
        query = f"?{urlencode({'groups': ','.join(values['groups'])})}" if values["groups"] else ""
        # Whatever the status: an error's body is no list and fails just as well.
        answer = await self.client.get(self.source + query, {"Accept": "application/json"})
        try:
            content = orjson.loads(answer.body)
        except orjson.JSONDecodeError as problem:
            raise DiscoveryError(f"{answer.status_line}: no JSON: {problem}") from problem
        found = items(content["cns" if compute_nodes else "containers"])
        return [self._compute_node(one) if compute_nodes else self._container(one) for one in found]

    def _container(self, container: Mapping[str, Any]) -> Found:
        own = {
            "groups": listed(container.get("groups")),
            "machine_id": container["vm_uuid"],
            "machine_alias": container.get("vm_alias"),
            "machine_brand": container.get("vm_brand"),
            "machine_image": container.get("vm_image_uuid"),
            "server_id": container.get("server_uuid"),
        }
        return self._found(container["vm_uuid"], own)

    def _compute_node(self, node: Mapping[str, Any]) -> Found:
        own = {"machine_id": node["server_uuid"], "machine_alias": node.get("server_hostname")}
        return self._found(node["server_uuid"], own)

    def _found(self, identity: str, own: Mapping[str, Any]) -> Found:
        return Found(
            host_port(f"{identity}.{self.values['dns_suffix']}", self.port), under(_PREFIX, own)
        )
