"""ec2_sd_configs: the instances of an AWS region."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element

from termprom.discovery.aws import AWSMechanism
from termprom.discovery.labelled import Found, host_port, listed, sanitized
from termprom.discovery.xml_answers import each, text
from termprom.errors import DiscoveryError

log = logging.getLogger("termprom.discovery")

_PREFIX: Final = "__meta_ec2_"
VERSION: Final = "2016-11-15"
# Label, and where its value stands in an instance.
_PLAIN: Final = (
    ("ami", "imageId"),
    ("architecture", "architecture"),
    ("availability_zone", "placement/availabilityZone"),
    ("instance_id", "instanceId"),
    ("instance_lifecycle", "instanceLifecycle"),
    ("instance_state", "instanceState/name"),
    ("instance_type", "instanceType"),
    ("platform", "platform"),
    ("private_dns_name", "privateDnsName"),
    ("private_ip", "privateIpAddress"),
    ("public_dns_name", "dnsName"),
    ("public_ip", "ipAddress"),
    ("primary_subnet_id", "subnetId"),
    ("vpc_id", "vpcId"),
)


class EC2Discovery(AWSMechanism):
    _zones: Mapping[str, str] = {}

    async def find(self) -> list[Found]:
        region = await self.region()
        if not self._zones:
            self._zones = await self._zone_ids()
        found: list[Found] = []
        parameters = filters(self.values["filters"])
        while True:
            page = await self.query("ec2", VERSION, "DescribeInstances", parameters)
            for reservation in each(page, "reservationSet"):
                shared = {
                    f"{_PREFIX}owner_id": text(reservation, "ownerId"),
                    f"{_PREFIX}region": region,
                }
                for instance in each(reservation, "instancesSet"):
                    target = instance_target(instance, shared, self._zones, self.port)
                    if target is not None:
                        found.append(target)
            token = text(page, "nextToken")
            if not token:
                return found
            parameters["NextToken"] = token

    async def _zone_ids(self) -> dict[str, str]:
        """Identities of zones by name; empty, to be asked for again, where they are refused."""
        try:
            page = await self.query("ec2", VERSION, "DescribeAvailabilityZones")
        except DiscoveryError as problem:
            log.debug("unable to ask for availability zones: %s", problem)
            return {}
        zones = each(page, "availabilityZoneInfo")
        return {text(zone, "zoneName"): text(zone, "zoneId") for zone in zones}


def filters(written: tuple[Mapping[str, Any], ...], name: str = "Filter") -> dict[str, str]:
    """The parameters of a query API for filters of the configuration, which differ in `name`."""
    kind, value = (name, "Value") if name == "Filter" else (f"{name}.Filter", "Values.Value")
    parameters: dict[str, str] = {}
    for number, one in enumerate(written, 1):
        parameters[f"{kind}.{number}.Name"] = one["name"]
        for place, one_value in enumerate(one["values"], 1):
            parameters[f"{kind}.{number}.{value}.{place}"] = one_value
    return parameters


def instance_target(
    instance: Element, shared: Mapping[str, str], zones: Mapping[str, str], port: int
) -> Found | None:
    """None for an instance that has no address to be reached at."""
    subnets: dict[str, None] = {}
    addresses: list[str] = []
    primary: dict[int, str] = {}
    for interface in each(instance, "networkInterfaceSet"):
        if not text(interface, "subnetId"):
            continue
        subnets[text(interface, "subnetId")] = None
        for one in each(interface, "ipv6AddressesSet"):
            addresses.append(text(one, "ipv6Address"))
            if text(one, "isPrimaryIpv6") == "true":
                device = int(text(interface, "attachment/deviceIndex") or 0)
                primary[device] = text(one, "ipv6Address")
    # The position in the list tells the device, so those without one leave an empty place.
    by_device = [primary.get(device, "") for device in range(max(primary, default=-1) + 1)]
    default_ipv6 = next(iter(primary.values()), addresses[0] if addresses else "")
    address = text(instance, "privateIpAddress") or default_ipv6
    if not address:
        return None
    zone = text(instance, "placement/availabilityZone")
    own = {
        **shared,
        **{_PREFIX + label: text(instance, path) for label, path in _PLAIN},
        f"{_PREFIX}availability_zone_id": zones.get(zone, ""),
        f"{_PREFIX}default_ipv6_address": default_ipv6,
        f"{_PREFIX}ipv6_addresses": listed(addresses),
        f"{_PREFIX}primary_ipv6_addresses": listed(by_device),
        f"{_PREFIX}subnet_id": listed(subnets),
        **{
            f"{_PREFIX}tag_{sanitized(text(tag, 'key'))}": text(tag, "value")
            for tag in each(instance, "tagSet")
        },
    }
    return Found(host_port(address, port), own)
