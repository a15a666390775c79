"""oci_sd_configs: the compute instances of Oracle's cloud, asked by requests with a signature.

Source: Oracle Cloud Infrastructure, "Request Signatures" and "Core Services API".
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from termprom.config.schema import MechanismConfig
from termprom.discovery.client import Answer
from termprom.discovery.interface import Surroundings
from termprom.discovery.labelled import Found, host_port, listed, prefixed, sanitized, under
from termprom.discovery.polled import PolledDiscovery, at, gathered, items, pages
from termprom.discovery.rsa_signature import RSAKey, load_key, sign
from termprom.discovery.secret_files import file_text
from termprom.errors import ConfigError

_PREFIX: Final = "__meta_oci_"
_VERSION: Final = "/20160918"
_CONCURRENT: Final = 4  # what a tenancy may ask is limited
_GONE: Final = frozenset({"TERMINATED", "TERMINATING"})


class OCIDiscovery(PolledDiscovery):
    source = "OCI"

    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for settings that are not implemented."""
        super().__init__(config, around)
        if config.values["auth"] != "api_key":
            raise ConfigError(f"oci_sd: auth {config.values['auth']} is not implemented")
        if config.values["key_passphrase"] or config.values["key_passphrase_file"]:
            raise ConfigError("oci_sd: a private key with a passphrase is not supported")
        self.compute_url = f"https://iaas.{config.values['region']}.oraclecloud.com"
        self.identity_url = f"https://identity.{config.values['region']}.oraclecloud.com"

    async def find(self) -> list[Found]:
        text = await asyncio.to_thread(file_text, self.values["key_file"])
        self._key = await asyncio.to_thread(load_key, text)
        compartments = self.values["compartments"] or await self._compartments()
        instances = [
            one
            for compartment in compartments
            for one in await self._all(self.compute_url, "instances", compartmentId=compartment)
            if one.get("lifecycleState") not in _GONE
        ]
        found = await gathered(self._targets, instances, concurrent=_CONCURRENT)
        return [target for targets in found for target in targets]

    async def _compartments(self) -> list[str]:
        """The tenancy itself and every compartment below it."""
        tenancy = self.values["tenancy"]
        below = await self._all(
            self.identity_url,
            "compartments",
            compartmentId=tenancy,
            compartmentIdInSubtree="true",
            lifecycleState="ACTIVE",
        )
        return [tenancy, *(one["id"] for one in below)]

    async def _targets(self, instance: Mapping[str, Any]) -> list[Found]:
        attached = await self._all(
            self.compute_url,
            "vnicAttachments",
            compartmentId=instance["compartmentId"],
            instanceId=instance["id"],
        )
        targets: list[Found] = []
        for one in attached:
            if one.get("lifecycleState") not in (None, "ATTACHED") or not one.get("vnicId"):
                continue
            vnic = await self._get(f"{self.compute_url}{_VERSION}/vnics/{quote(one['vnicId'])}")
            content = vnic.json()
            if content.get("isPrimary") and content.get("privateIp"):
                targets.append(self._target(instance, content))
        return targets

    def _target(self, instance: Mapping[str, Any], vnic: Mapping[str, Any]) -> Found:
        own = {
            "availability_domain": instance.get("availabilityDomain"),
            "compartment_id": instance["compartmentId"],
            "fault_domain": instance.get("faultDomain"),
            "hostname_label": vnic.get("hostnameLabel"),
            "image_id": instance.get("imageId") or at(instance, "sourceDetails", "imageId"),
            "instance_id": instance["id"],
            "instance_name": instance.get("displayName"),
            "instance_shape": instance.get("shape"),
            "instance_state": instance.get("lifecycleState"),
            "ipv6_addresses": listed(vnic.get("ipv6Addresses")),
            "private_ip": vnic["privateIp"],
            "public_ip": vnic.get("publicIp"),
            "region": self.values["region"],
            "tenancy_id": self.values["tenancy"],
            "vnic_id": vnic["id"],
        }
        labels = {
            **under(_PREFIX, own),
            **prefixed(f"{_PREFIX}tag_", instance.get("freeformTags")),
            **{
                f"{_PREFIX}defined_tag_{sanitized(space)}_{sanitized(name)}": str(value)
                for space, defined in (instance.get("definedTags") or {}).items()
                for name, value in defined.items()
            },
        }
        return Found(host_port(vnic["privateIp"], self.port), labels)

    async def _all(self, base: str, kind: str, **where: str) -> list[Mapping[str, Any]]:
        async def page(token: str) -> Answer:
            query = urlencode({**where, "limit": "100", **({"page": token} if token else {})})
            return await self._get(f"{base}{_VERSION}/{kind}?{query}")

        following = pages(page, lambda answer: answer.headers.get("opc-next-page", ""))
        return [one async for answer in following for one in items(answer.json())]

    async def _get(self, url: str) -> Answer:
        key_id = "/".join(self.values[name] for name in ("tenancy", "user", "fingerprint"))
        at_ms = self.around.clock.now_ms()
        headers = await asyncio.to_thread(signed, url, key_id, self._key, at_ms)
        return await self.client.get(url, headers)


def signed(url: str, key_id: str, key: RSAKey, at_ms: int) -> dict[str, str]:
    """The headers of a GET request for `url`."""
    parts = urlsplit(url)
    date = format_datetime(datetime.fromtimestamp(at_ms / 1000, UTC), usegmt=True)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    message = f"date: {date}\n(request-target): get {target}\nhost: {parts.netloc}"
    signature = base64.b64encode(sign(key, message.encode())).decode()
    authorization = (
        f'Signature version="1",keyId="{key_id}",algorithm="rsa-sha256",'
        f'headers="date (request-target) host",signature="{signature}"'
    )
    return {"Accept": "application/json", "Date": date, "Authorization": authorization}
