"""stackit_sd_configs: the servers of a STACKIT project.

Source: STACKIT, "Key flow": a service account signs a token of its own and gets one in exchange.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson

from termprom.config.schema import MechanismConfig
from termprom.discovery.access_token import AccessToken, Fetched, token_for_form
from termprom.discovery.interface import Surroundings
from termprom.discovery.labelled import Found, host_port, present, sanitized, under
from termprom.discovery.polled import PolledDiscovery, items
from termprom.discovery.rsa_signature import load_key, web_token
from termprom.discovery.secret_files import file_text
from termprom.errors import DiscoveryError

_PREFIX: Final = "__meta_stackit_"
_TOKEN_LIFE_SECONDS: Final = 600
_CREDENTIALS: Final = ".stackit/credentials.json"


class StackitDiscovery(PolledDiscovery):
    source = "stackit"
    token_url = "https://service-account.api.stackit.cloud/token"

    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for client settings that are not implemented."""
        super().__init__(config, around)
        endpoint = config.values["endpoint"]
        self.url = (endpoint or f"https://iaas.api.{config.values['region']}.stackit.cloud").rstrip(
            "/"
        )
        self._token = AccessToken(around.clock, self._fetch_token)

    async def find(self) -> list[Found]:
        project = quote(self.values["project"], safe="")
        headers: Mapping[str, str] = {"Accept": "application/json"}
        if self.values["service_account_key"] or self.values["service_account_key_path"]:
            headers = await self._token.headers()
        answer = await self.client.get(
            f"{self.url}/v1/projects/{project}/servers?details=true", headers
        )
        if answer.status == 401:
            self._token.forget()
        content = answer.json()
        targets = (self._target(one) for one in items(content.get("items")))
        return [target for target in targets if target is not None]

    def _target(self, server: Mapping[str, Any]) -> Found | None:
        """None for a server without an address."""
        interfaces = server.get("nics") or ()
        public = next((one["publicIp"] for one in interfaces if one.get("publicIp")), "")
        private = {
            f"private_ipv4_{sanitized(one.get('networkName') or '')}": one["ipv4"]
            for one in interfaces
            if one.get("ipv4")
        }
        address = public or next(iter(private.values()), "")
        if not address:
            return None
        own = {
            "availability_zone": server.get("availabilityZone"),
            "id": server["id"],
            "name": server["name"],
            "power_status": server.get("powerStatus"),
            "project": self.values["project"],
            "public_ipv4": public,
            "status": server.get("status"),
            "type": server.get("machineType"),
            **private,
        }
        written = server.get("labels") or {}
        shown = {name: value for name, value in written.items() if isinstance(value, str)}
        labels = {**under(_PREFIX, own), **present(_PREFIX, shown)}
        return Found(host_port(address, self.port), labels)

    async def _fetch_token(self) -> Fetched:
        assertion = await asyncio.to_thread(self._assertion)
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": assertion,
        }
        return await token_for_form(self.client, self.token_url, form)

    def _assertion(self) -> str:
        """Blocking. Raises DiscoveryError."""
        values = self.values
        written = values["service_account_key"].reveal() or file_text(
            values["service_account_key_path"]
        )
        try:
            account = orjson.loads(written)["credentials"]
            pem = self._private_key() or account["privateKey"]
            now_seconds = self.around.clock.now_ms() // 1000
            claims = {
                "iss": account["iss"],
                "sub": account["sub"],
                "aud": account["aud"],
                "jti": str(uuid.uuid4()),
                "iat": now_seconds,
                "exp": now_seconds + _TOKEN_LIFE_SECONDS,
            }
            return web_token(load_key(pem), claims, "sha512", kid=account["kid"])
        except (KeyError, TypeError, orjson.JSONDecodeError) as problem:
            raise DiscoveryError(f"the service account key is not usable: {problem!r}") from problem

    def _private_key(self) -> str:
        """The key where it does not stand in the service account's own; else empty. Blocking."""
        values = self.values
        if values["private_key"]:
            return str(values["private_key"].reveal())
        if values["private_key_path"]:
            return file_text(values["private_key_path"])
        path = values["credentials_file_path"] or os.environ.get("STACKIT_CREDENTIALS_PATH", "")
        place = Path(path) if path else Path.home() / _CREDENTIALS
        if not path and not place.exists():
            return ""
        content = orjson.loads(file_text(str(place)))
        named = content.get("STACKIT_PRIVATE_KEY_PATH") or ""
        return content.get("STACKIT_PRIVATE_KEY") or (file_text(named) if named else "")
