"""ovhcloud_sd_configs: virtual private or dedicated servers of OVHcloud, asked by signed requests.

A server whose details cannot be had is left out; the others are found all the same.

Source: OVHcloud API, "First steps with the API", section on signing.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from termprom.config.schema import HTTPClientConfig, MechanismConfig
from termprom.discovery.interface import Surroundings
from termprom.discovery.labelled import Found, under
from termprom.discovery.polled import PolledDiscovery, at, gathered, items
from termprom.errors import DiscoveryError

log = logging.getLogger("termprom.discovery")

_PREFIX: Final = "__meta_ovhcloud_"
_CONCURRENT: Final = 8
_ENDPOINTS: Final = {
    "ovh-eu": "https://eu.api.ovh.com/1.0",
    "ovh-ca": "https://ca.api.ovh.com/1.0",
    "ovh-us": "https://api.us.ovhcloud.com/1.0",
    "kimsufi-eu": "https://eu.api.kimsufi.com/1.0",
    "kimsufi-ca": "https://ca.api.kimsufi.com/1.0",
    "soyoustart-eu": "https://eu.api.soyoustart.com/1.0",
    "soyoustart-ca": "https://ca.api.soyoustart.com/1.0",
}
_PATHS: Final = {"vps": "/vps", "dedicated_server": "/dedicated/server"}
# Label, and where its value stands in the answer.
_FIELDS: Final[dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "vps": (
        ("cluster", ("cluster",)),
        ("disk", ("model", "disk")),
        ("display_name", ("displayName",)),
        ("maximum_additional_ip", ("model", "maximumAdditionnalIp")),
        ("memory", ("model", "memory")),
        ("memory_limit", ("memoryLimit",)),
        ("model_name", ("model", "name")),
        ("model_vcore", ("model", "vcore")),
        ("name", ("name",)),
        ("netboot_mode", ("netbootMode",)),
        ("offer", ("model", "offer")),
        ("offer_type", ("offerType",)),
        ("state", ("state",)),
        ("vcore", ("vcore",)),
        ("version", ("model", "version")),
        ("zone", ("zone",)),
    ),
    "dedicated_server": (
        ("commercial_range", ("commercialRange",)),
        ("datacenter", ("datacenter",)),
        ("link_speed", ("linkSpeed",)),
        ("name", ("name",)),
        ("no_intervention", ("noIntervention",)),
        ("os", ("os",)),
        ("rack", ("rack",)),
        ("reverse", ("reverse",)),
        ("server_id", ("serverId",)),
        ("state", ("state",)),
        ("support_level", ("supportLevel",)),
    ),
}


class OVHCloudDiscovery(PolledDiscovery):
    _ahead_seconds: int | None = None  # of the service's clock over ours

    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for client settings that are not implemented."""
        super().__init__(config, around, http=HTTPClientConfig())
        endpoint = config.values["endpoint"]
        self.url = (endpoint if "/" in endpoint else _ENDPOINTS.get(endpoint, "")).rstrip("/")
        self._service: str = config.values["service"]
        self.source = f"ovhcloud_{self._service}"

    async def find(self) -> list[Found]:
        if not self.url:
            raise DiscoveryError(f"unknown endpoint {self.values['endpoint']!r}")
        names = items(await self._get(_PATHS[self._service]))
        found = await gathered(self._target, names, concurrent=_CONCURRENT)
        return [target for target in found if target is not None]

    async def _target(self, name: str) -> Found | None:
        path = f"{_PATHS[self._service]}/{quote(name, safe='')}"
        try:
            server = await self._get(path)
            v4, v6 = addresses(items(await self._get(f"{path}/ips")))
        except (DiscoveryError, ValueError, TypeError) as problem:
            fields = {"server": name, "config": self.around.job, "error": str(problem)}
            log.warning("a server of OVHcloud is left out", extra={"fields": fields})
            return None
        own = {label: at(server, *place) for label, place in _FIELDS[self._service]}
        if self._service == "vps":
            own["datacenter"] = f"[{' '.join(at(server, 'model', 'datacenter') or ())}]"
        own |= {"ipv4": v4, "ipv6": v6}
        labels = {"instance": server["name"], **under(f"{_PREFIX}{self._service}_", own)}
        return Found(v4 or v6, labels)

    async def _get(self, path: str) -> Any:
        if self._ahead_seconds is None:
            theirs = int(await self.ask("/auth/time"))
            self._ahead_seconds = theirs - self.around.clock.now_ms() // 1000
        at_seconds = str(self.around.clock.now_ms() // 1000 + self._ahead_seconds)
        url = self.url + path
        return await self.client.json(url, signed(self.values, url, at_seconds))


def signed(values: Mapping[str, Any], url: str, at_seconds: str) -> dict[str, str]:
    """The headers of a GET request for `url`."""
    secret, consumer = values["application_secret"].reveal(), values["consumer_key"].reveal()
    whole = "+".join([secret, consumer, "GET", url, "", at_seconds])
    # What the service asks for; a shared secret is part of what is hashed.
    signature = hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest()
    return {
        "Accept": "application/json",
        "X-Ovh-Application": values["application_key"],
        "X-Ovh-Consumer": consumer,
        "X-Ovh-Signature": f"$1${signature}",
        "X-Ovh-Timestamp": at_seconds,
    }


def addresses(written: Sequence[str]) -> tuple[str, str]:
    """The last IPv4 and IPv6 address; of blocks only those of one IPv4 address count, as in the
    original. Raises ValueError where there is neither.
    """
    found = {4: "", 6: ""}
    for one in written:
        network = ipaddress.ip_network(one)
        single = "/" not in one or (network.version, network.prefixlen) == (4, 32)
        if single and not network.network_address.is_unspecified:
            found[network.version] = str(network.network_address)
    if not any(found.values()):
        raise ValueError("no address is among its IPs")
    return found[4], found[6]
