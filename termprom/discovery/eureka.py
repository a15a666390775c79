"""eureka_sd_configs: the instances in a Eureka registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from termprom.discovery.labelled import Found, host_port, sanitized, under
from termprom.discovery.polled import PolledDiscovery
from termprom.discovery.xml_answers import parse_xml, text
from termprom.errors import DiscoveryError

_PREFIX: Final = "__meta_eureka_app_instance_"
# Label, and the element with its value.
_PLAIN: Final = (
    ("hostname", "hostName"),
    ("homepage_url", "homePageUrl"),
    ("statuspage_url", "statusPageUrl"),
    ("healthcheck_url", "healthCheckUrl"),
    ("ip_addr", "ipAddr"),
    ("vip_address", "vipAddress"),
    ("secure_vip_address", "secureVipAddress"),
    ("status", "status"),
    ("id", "instanceId"),
    ("datacenterinfo_name", "dataCenterInfo/name"),
)


class EurekaDiscovery(PolledDiscovery):
    source = "eureka"

    async def find(self) -> list[Found]:
        url = self.values["server"].rstrip("/") + "/apps"
        answer = await self.client.get(url, {"Accept": "application/xml"})
        if answer.status // 100 != 2:
            raise DiscoveryError(f"server returned HTTP status {answer.status_line}")
        return [
            _target(text(app, "name"), instance)
            for app in parse_xml(answer.body).iterfind("application")
            for instance in app.iterfind("instance")
        ]


def _target(app: str, instance: Element) -> Found:
    labels = {
        "__meta_eureka_app_name": app,
        "instance": text(instance, "instanceId"),
        **under(_PREFIX, {label: text(instance, path) for label, path in _PLAIN}),
        f"{_PREFIX}country_id": text(instance, "countryId") or "0",
        **dict(_port("port", instance.find("port"))),
        **dict(_port("secure_port", instance.find("securePort"))),
        **_metadata("metadata_", instance.find("metadata")),
        **_metadata("datacenterinfo_metadata_", instance.find("dataCenterInfo/metadata")),
    }
    return Found(host_port(text(instance, "hostName"), text(instance, "port") or "80"), labels)


def _port(label: str, port: Element | None) -> Iterator[tuple[str, str]]:
    if port is not None:
        yield f"{_PREFIX}{label}", (port.text or "").strip()
        yield f"{_PREFIX}{label}_enabled", port.get("enabled", "false")


def _metadata(prefix: str, metadata: Element | None) -> dict[str, str]:
    return {
        f"{_PREFIX}{prefix}{sanitized(one.tag)}": (one.text or "").strip()
        for one in (() if metadata is None else metadata)
    }
