"""linode_sd_configs: the instances of a Linode account.

Between two full refreshes the account's events are asked for, which is one small request instead
of many: without events the last answer stands, at most nine times in a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from termprom.discovery.labelled import Found, host_port, listed, under
from termprom.discovery.polled import PolledDiscovery, at, items, pages
from termprom.errors import DiscoveryError

_PREFIX: Final = "__meta_linode_"
_PER_PAGE: Final = "500"
_QUIET_MAX: Final = 10  # refreshes after which events are no longer believed
_MIB: Final = 1 << 20


class LinodeDiscovery(PolledDiscovery):
    source = "Linode"
    url = "https://api.linode.com"

    _last: Sequence[Found] | None = None
    _since_ms = 0
    _quiet = 0
    _events_allowed = True

    async def find(self) -> Sequence[Found]:
        now_ms = self.around.clock.now_ms()
        if self._last is None or await self._something_happened():
            try:
                self._last = await self._everything()
            except DiscoveryError:
                self.around.metrics.linode_failures.inc()
                raise
            self._quiet = 0
        self._since_ms = now_ms
        return self._last

    async def _something_happened(self) -> bool:
        if not self._events_allowed:
            return True
        since = datetime.fromtimestamp(self._since_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        headers = self._headers({"created": {"+gte": since}})
        query = urlencode({"page": 1, "page_size": 25})
        answer = await self.client.get(f"{self.url}/v4/account/events?{query}", headers)
        if answer.status == 401:  # the token may not see events
            self._events_allowed = False
            return True
        self._quiet += 1
        return bool(answer.json()["data"]) or self._quiet >= _QUIET_MAX

    async def _everything(self) -> list[Found]:
        instances = await self._all("linode/instances")
        known = {one["address"]: one for one in await self._all("networking/ips")}
        ranges = await self._all("networking/ipv6/ranges")
        return [self._target(one, known, ranges) for one in instances if one.get("ipv4")]

    async def _all(self, path: str) -> list[Mapping[str, Any]]:
        region = self.values["region"]
        headers = self._headers({"region": region} if region else {})

        async def page(number: str) -> Any:
            query = urlencode({"page": number or "1", "page_size": _PER_PAGE})
            return await self.client.json(f"{self.url}/v4/{path}?{query}", headers)

        def following(content: Any) -> int | None:
            number = int(content.get("page") or 1)
            return number + 1 if number < int(content.get("pages") or 1) else None

        return [one async for content in pages(page, following) for one in items(content["data"])]

    @staticmethod
    def _headers(wanted: Mapping[str, Any]) -> dict[str, str]:
        accept = {"Accept": "application/json"}
        return {**accept, "X-Filter": orjson.dumps(wanted).decode()} if wanted else accept

    def _target(
        self,
        instance: Mapping[str, Any],
        known: Mapping[str, Mapping[str, Any]],
        ranges: Sequence[Mapping[str, Any]],
    ) -> Found:
        public: Mapping[str, Any] = {}
        private: Mapping[str, Any] = {}
        extra: list[str] = []
        for address in (known[one] for one in instance["ipv4"] if one in known):
            if address.get("public") and not public:
                public = address
            elif not address.get("public") and not private:
                private = address
            else:
                extra.append(address["address"])
        slaac = (instance.get("ipv6") or "").partition("/")[0]
        public_v6 = known.get(slaac, {})
        routed = [
            f"{one['range']}/{one['prefix']}"
            for one in ranges
            if slaac and one.get("route_target") == slaac
        ]
        separator, specs = self.values["tag_separator"], instance.get("specs") or {}
        own = {
            "instance_id": instance["id"],
            "instance_label": instance["label"],
            "image": instance.get("image"),
            "private_ipv4": private.get("address"),
            "public_ipv4": public.get("address"),
            "public_ipv6": public_v6.get("address"),
            "private_ipv4_rdns": _reverse(private),
            "public_ipv4_rdns": _reverse(public),
            "public_ipv6_rdns": _reverse(public_v6),
            "region": instance.get("region"),
            "type": instance.get("type"),
            "status": instance.get("status"),
            "group": instance.get("group"),
            "gpus": specs.get("gpus", 0),
            "hypervisor": instance.get("hypervisor"),
            "backups": "enabled" if at(instance, "backups", "enabled") else "disabled",
            "specs_disk_bytes": specs.get("disk", 0) * _MIB,
            "specs_memory_bytes": specs.get("memory", 0) * _MIB,
            "specs_vcpus": specs.get("vcpus", 0),
            "specs_transfer_bytes": specs.get("transfer", 0) * _MIB,
            "tags": listed(instance.get("tags"), separator),
            "extra_ips": listed(extra, separator),
            "ipv6_ranges": listed(routed, separator),
        }
        return Found(host_port(public.get("address", ""), self.port), under(_PREFIX, own))


def _reverse(address: Mapping[str, Any]) -> str:
    name = address.get("rdns") or ""
    return "" if name == "null" else name
