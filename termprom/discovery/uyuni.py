"""uyuni_sd_configs: the monitoring endpoints that an Uyuni server knows, asked by XML-RPC."""

from __future__ import annotations

import asyncio
import xmlrpc.client
from collections.abc import Iterator
from typing import Any, Final

from termprom.discovery.labelled import Found, under
from termprom.discovery.polled import PolledDiscovery, items
from termprom.discovery.xml_answers import refuse_entities
from termprom.errors import DiscoveryError

_PREFIX: Final = "__meta_uyuni_"
_TOKEN_SECONDS: Final = 600
_HEADERS: Final = {"Content-Type": "text/xml"}


class UyuniDiscovery(PolledDiscovery):
    _token = ""
    _renew_at = 0.0

    async def find(self) -> list[Found]:
        self.source = self.values["server"].rstrip("/") + "/rpc/api"
        now = self.around.clock.monotonic()
        if not self._token or now >= self._renew_at:
            user, password = self.values["username"], self.values["password"].reveal()
            self._token = await self._call("auth.login", user, password, _TOKEN_SECONDS)
            # Half of its life, so that it does not end between two calls.
            self._renew_at = now + _TOKEN_SECONDS / 2
        try:
            return list(await self._targets())
        except Exception:
            self._token = ""  # it may be why
            raise

    async def _targets(self) -> Iterator[Found]:
        entitlement = self.values["entitlement"]
        systems = items(
            await self._call(
                "system.listSystemGroupsForSystemsWithEntitlement", self._token, entitlement
            )
        )
        groups = {one["id"]: items(one.get("system_groups")) for one in systems}
        wanted = list(groups)
        endpoints = items(await self._call("system.monitoring.listEndpoints", self._token, wanted))
        networks = items(await self._call("system.getNetworkForSystems", self._token, wanted))
        by_system = {one["system_id"]: one for one in networks}
        return (
            self._target(one, groups.get(one["system_id"], []), by_system.get(one["system_id"], {}))
            for one in endpoints
        )

    def _target(self, endpoint: Any, groups: list[Any], network: Any) -> Found:
        host = network.get("hostname") or ""
        own = {
            "endpoint_name": endpoint.get("endpoint_name"),
            "exporter": endpoint.get("exporter_name"),
            "groups": self.values["separator"].join(one["name"] for one in groups),
            "metrics_path": endpoint.get("path"),
            "minion_hostname": host,
            "primary_fqdn": network.get("primary_fqdn"),
            "proxy_module": endpoint.get("module"),
            "scheme": "https" if endpoint.get("tls_enabled") else "http",
            "system_id": endpoint["system_id"],
        }
        return Found(f"{host}:{endpoint['port']}", under(_PREFIX, own))

    async def _call(self, method: str, *arguments: Any) -> Any:
        """The result of a method. Raises DiscoveryError."""
        body = xmlrpc.client.dumps(arguments, method, allow_none=True).encode()
        answer = await self.client.request("POST", self.source, _HEADERS, body)
        if answer.status != 200:
            raise DiscoveryError(f"{method}: server returned HTTP status {answer.status_line}")
        return await asyncio.to_thread(_result, method, answer.body)


def _result(method: str, body: bytes) -> Any:
    """What an XML-RPC answer holds. Raises DiscoveryError."""
    refuse_entities(body)
    try:
        return xmlrpc.client.loads(body)[0][0]
    except xmlrpc.client.Fault as fault:
        raise DiscoveryError(f"{method}: {fault.faultString}") from fault
    except Exception as problem:
        # The parser raises whatever a malformed document makes it stumble over.
        raise DiscoveryError(f"{method}: the answer is not XML-RPC: {problem}") from problem
