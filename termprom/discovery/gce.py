"""gce_sd_configs: the instances of a Google Compute Engine project and zone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from termprom.config.schema import HTTPClientConfig, MechanismConfig
from termprom.discovery.access_token import AccessToken, Fetched
from termprom.discovery.google_credentials import fetch_token
from termprom.discovery.interface import Surroundings
from termprom.discovery.labelled import Found, listed, prefixed, sanitized, under
from termprom.discovery.polled import PolledDiscovery, at, items, pages

_PREFIX: Final = "__meta_gce_"
_SCOPE: Final = "https://www.googleapis.com/auth/compute.readonly"


class GCEDiscovery(PolledDiscovery):
    url = "https://compute.googleapis.com"

    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        super().__init__(config, around, http=HTTPClientConfig())
        self._token = AccessToken(around.clock, self._fetch_token)
        project, zone = config.values["project"], config.values["zone"]
        self.source = f"GCE_{project}_{zone}"
        where = (quote(project, safe=":"), quote(zone, safe=""))
        self._path = "/compute/v1/projects/{}/zones/{}/instances".format(*where)

    async def _fetch_token(self) -> Fetched:
        return await fetch_token(self.client, self.around.clock, _SCOPE)

    async def find(self) -> list[Found]:
        wanted = {"filter": self.values["filter"]} if self.values["filter"] else {}

        async def page(token: str) -> Any:
            query = urlencode({**wanted, **({"pageToken": token} if token else {})})
            answer = await self.client.get(
                f"{self.url}{self._path}?{query}", await self._token.headers()
            )
            if answer.status == 401:
                self._token.forget()
            return answer.json()

        following = pages(page, lambda one: at(one, "nextPageToken"))
        instances = [one async for content in following for one in items(content.get("items"))]
        return [self._target(one) for one in instances if one.get("networkInterfaces")]

    def _target(self, instance: Mapping[str, Any]) -> Found:
        interfaces = instance["networkInterfaces"]
        first = interfaces[0]
        access = (first.get("accessConfigs") or [{}])[0]
        one_to_one = access.get("type") == "ONE_TO_ONE_NAT"
        own = {
            "instance_id": instance.get("id"),
            "instance_name": instance["name"],
            "instance_status": instance.get("status"),
            "machine_type": instance.get("machineType"),
            "network": first.get("network"),
            "private_ip": first["networkIP"],
            "project": self.values["project"],
            "public_ip": access.get("natIP") if one_to_one else "",
            "subnetwork": first.get("subnetwork"),
            "tags": listed(at(instance, "tags", "items"), self.values["tag_separator"]),
            "zone": instance.get("zone"),
            **{
                f"interface_ipv4_{sanitized(one['name'])}": one.get("networkIP")
                for one in interfaces
            },
            **{
                f"metadata_{sanitized(one['key'])}": one.get("value")
                for one in at(instance, "metadata", "items") or ()
            },
        }
        labels = {**under(_PREFIX, own), **prefixed(f"{_PREFIX}label_", instance.get("labels"))}
        return Found(f"{first['networkIP']}:{self.port}", labels)
