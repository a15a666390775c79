"""The Docker Engine API: where a daemon listens, which version it speaks, its networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import orjson

from termprom.config.schema import HTTPClientConfig, MechanismConfig
from termprom.discovery.client import DiscoveryClient
from termprom.discovery.interface import Surroundings
from termprom.discovery.labelled import prefixed, truth
from termprom.discovery.polled import PolledDiscovery, items

_PLAIN: Final = {"Accept": "application/json"}


class DockerMechanism(PolledDiscovery):
    """What containers and Swarm have in common: one daemon that is asked."""

    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for client settings that are not implemented."""
        host = urlsplit(config.values["host"])
        over_http = host.scheme in ("http", "https")
        super().__init__(
            config,
            around,
            http=config.http if over_http else HTTPClientConfig(),
            socket_path=host.path if host.scheme == "unix" else "",
        )
        if over_http:
            self._url = config.values["host"].rstrip("/")
        else:
            self._url = f"http://{host.netloc or 'docker'}"

    async def listing(
        self, path: str, filters: Iterable[Mapping[str, Any]] = (), **parameters: str
    ) -> list[Any]:
        """A list of the daemon's. Raises DiscoveryError, TypeError."""
        prefix = await api_prefix(self.client, self._url)
        chosen = {one["name"]: dict.fromkeys(one["values"], True) for one in filters}
        if chosen:
            parameters["filters"] = orjson.dumps(chosen).decode()
        query = f"?{urlencode(parameters)}" if parameters else ""
        return items(await self.client.json(f"{self._url}{prefix}{path}{query}", _PLAIN))

    async def networks(self, prefix: str) -> dict[str, dict[str, str]]:
        """The labels of each network, by its identity."""
        return {
            network["Id"]: {
                f"{prefix}network_id": network["Id"],
                f"{prefix}network_name": network["Name"],
                f"{prefix}network_scope": network.get("Scope", ""),
                f"{prefix}network_internal": truth(network.get("Internal")),
                f"{prefix}network_ingress": truth(network.get("Ingress")),
                **prefixed(f"{prefix}network_label_", network.get("Labels")),
            }
            for network in await self.listing("/networks")
        }


async def api_prefix(client: DiscoveryClient, url: str) -> str:
    """`/v1.43`: the version that the daemon speaks; empty where it does not say."""
    answer = await client.get(f"{url}/_ping", _PLAIN)
    version = answer.headers.get("Api-Version", "")
    return f"/v{version}" if version else ""
