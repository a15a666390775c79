"""outscale_sd_configs: the virtual machines of an Outscale region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from termprom.discovery.aws_signature import Credentials, signed_headers
from termprom.discovery.labelled import Found, host_port, sanitized, under
from termprom.discovery.polled import PolledDiscovery, at, items, pages
from termprom.discovery.secret_files import revealed

_PREFIX: Final = "__meta_outscale_vm_"


class OutscaleDiscovery(PolledDiscovery):
    async def find(self) -> list[Found]:
        self.source = self.values["region"]
        secret = await revealed(self.values["secret_key"], self.values["secret_key_file"])
        credentials = Credentials(self.values["access_key"], secret)

        async def page(token: str) -> Any:
            return await self._read(credentials, {"NextPageToken": token} if token else {})

        following = pages(page, lambda one: at(one, "NextPageToken"))
        machines = [one async for content in following for one in items(content.get("Vms"))]
        targets = (self._target(one) for one in machines)
        return [target for target in targets if target is not None]

    async def _read(self, credentials: Credentials, content: Mapping[str, str]) -> Any:
        base = f"https://api.{self.source}.outscale.com/api/v1"
        url = (self.values["endpoint"] or base).rstrip("/") + "/ReadVms"
        body = orjson.dumps(content)
        headers = signed_headers(
            "POST",
            url,
            {"Content-Type": "application/json"},
            body,
            credentials,
            region=self.source,
            service="oapi",
            now_ms=self.around.clock.now_ms(),
        )
        return (await self.client.request("POST", url, headers, body)).json()

    def _target(self, machine: Mapping[str, Any]) -> Found | None:
        """None for a machine without an address."""
        private, public = machine.get("PrivateIp") or "", machine.get("PublicIp") or ""
        if not private and not public:
            return None
        own = {
            "instance_id": machine.get("VmId"),
            "region": self.source,
            "subregion": at(machine, "Placement", "SubregionName"),
            "state": machine.get("State"),
            "private_ip": private,
            "public_ip": public,
            **{
                f"tag_{sanitized(tag['Key'])}": tag.get("Value")
                for tag in machine.get("Tags") or ()
                if tag.get("Key")
            },
        }
        return Found(host_port(private or public, self.port), under(_PREFIX, own))
