"""What services answer, in the shapes of their real APIs, and the targets that are to come of it.

A case is one mechanism and one role. `answers` are by path; `hook` puts the address of the fake
into a mechanism whose configuration cannot name it. Labels stand without `__meta_<kind>_`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from aiohttp import web

from termprom.config.schema import Secret
from termprom.discovery import azure_credentials
from termprom.discovery.digitalocean import DigitalOceanDiscovery
from termprom.discovery.gce import GCEDiscovery
from termprom.discovery.hetzner import HetznerDiscovery
from termprom.discovery.ionos import IonosDiscovery
from termprom.discovery.linode import LinodeDiscovery
from termprom.discovery.stackit import StackitDiscovery
from termprom.discovery.triton import TritonDiscovery
from termprom.discovery.vultr import VultrDiscovery
from tests.discovery.fakes import plain

Hook = Callable[[pytest.MonkeyPatch, str], None]
Answers = Callable[[str], Mapping[str, Any]]
Labels = Mapping[str, str]


def _no_hook(patch: pytest.MonkeyPatch, url: str) -> None:
    """The configuration itself names the server."""


def _base_url(mechanism: type, *names: str) -> Hook:
    def hook(patch: pytest.MonkeyPatch, url: str) -> None:
        for name in names or ("url",):
            patch.setattr(mechanism, name, url)

    return hook


@dataclass(frozen=True)
class Case:
    kind: str
    targets: Sequence[Labels]
    answers: Answers
    empty: Answers  # what is answered instead when there is nothing left
    values: Callable[[str], Mapping[str, Any]] = lambda url: {}
    hook: Hook = _no_hook
    role: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # that some request must carry

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.role}" if self.role else self.kind


def by_query(name: str, pages: Mapping[str, Any]) -> Callable[[web.Request], Awaitable[Any]]:
    """Pages told apart by a parameter of the request; the first one where it is missing."""
    first = next(iter(pages))

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(pages[request.query.get(name, first)])

    return answer


# --- Clouds with a token ----------------------------------------------------------------------

_DROPLET = {
    "id": 7,
    "name": "web",
    "image": {"slug": "debian-12", "name": "12 x64"},
    "networks": {
        "v4": [
            {"ip_address": "10.0.0.1", "type": "private"},
            {"ip_address": "1.2.3.4", "type": "public"},
        ],
        "v6": [{"ip_address": "fd00::1", "type": "public"}],
    },
    "region": {"slug": "fra1"},
    "size_slug": "s-1",
    "status": "active",
    "vpc_uuid": "vpc-1",
    "features": ["monitoring", "ipv6"],
    "tags": ["a", "b"],
}
_PRIVATE = {
    "id": 8,
    "name": "inner",
    "networks": {"v4": [{"ip_address": "10.0.0.2", "type": "private"}]},
    # The original breaks down where one of these is missing.
    "image": {"slug": None, "name": "i"},
    "region": {"slug": "r"},
}
_DATABASE = {
    "id": "db-1",
    "name": "main",
    "engine": "pg",
    "version": "16",
    "status": "online",
    "region": "fra1",
    "size": "db-s-1",
    "num_nodes": 2,
    "connection": {"host": "public.example"},
    "private_connection": {"host": "private.example"},
    "tags": ["prod"],
}
_DO_PAGES = dict.fromkeys(("next", "last"), "https://api.digitalocean.com/v2/droplets?page=2")
DIGITALOCEAN = [
    Case(
        "digitalocean",
        role="droplets",
        hook=_base_url(DigitalOceanDiscovery),
        answers=lambda url: {
            "/v2/droplets": by_query(
                "page",
                {
                    "1": {"droplets": [_DROPLET], "links": {"pages": _DO_PAGES}},
                    "2": {"droplets": [_PRIVATE, {"id": 9, "name": "none"}], "links": {}},
                },
            )
        },
        empty=lambda url: {"/v2/droplets": {"droplets": []}},
        targets=[
            {
                "__address__": "1.2.3.4:80",
                "droplet_id": "7",
                "droplet_name": "web",
                "image": "debian-12",
                "image_name": "12 x64",
                "private_ipv4": "10.0.0.1",
                "public_ipv4": "1.2.3.4",
                "public_ipv6": "fd00::1",
                "region": "fra1",
                "size": "s-1",
                "status": "active",
                "vpc": "vpc-1",
                "features": ",monitoring,ipv6,",
                "tags": ",a,b,",
            },
            {
                "__address__": ":80",
                "droplet_id": "8",
                "droplet_name": "inner",
                "private_ipv4": "10.0.0.2",
                "image_name": "i",
                "region": "r",
            },
        ],
    ),
    Case(
        "digitalocean",
        role="databases",
        hook=_base_url(DigitalOceanDiscovery),
        answers=lambda url: {"/v2/databases": {"databases": [_DATABASE]}},
        empty=lambda url: {"/v2/databases": {"databases": None}},
        targets=[
            {
                "__address__": "private.example:80",
                "db_id": "db-1",
                "db_name": "main",
                "db_engine": "pg",
                "db_version": "16",
                "db_status": "online",
                "db_region": "fra1",
                "db_size": "db-s-1",
                "db_num_nodes": "2",
                "db_host": "public.example",
                "db_private_host": "private.example",
                "db_tag_prod": "true",
            }
        ],
    ),
]

_HCLOUD = {
    "id": 42,
    "name": "web",
    "status": "running",
    "public_net": {"ipv4": {"ip": "1.2.3.4"}, "ipv6": {"ip": "2001:db8::/64"}},
    "datacenter": {"name": "fsn1-dc8", "location": {"name": "fsn1", "network_zone": "eu-central"}},
    "server_type": {"name": "cx22", "cores": 2, "cpu_type": "shared", "memory": 4.0, "disk": 40},
    "image": {
        "name": "debian-12",
        "description": "Debian 12",
        "os_flavor": "debian",
        "os_version": "12",
    },
    "private_net": [{"network": 5, "ip": "10.0.0.2"}, {"network": 6, "ip": "10.1.0.2"}],
    "labels": {"my-key": "v", "bare": ""},
}
_HETZNER_HOOK = _base_url(HetznerDiscovery, "url", "robot_url")
_ROBOT = {
    "server_ip": "5.6.7.8",
    "server_number": 321,
    "server_name": "metal",
    "product": "AX41",
    "dc": "FSN1-DC1",
    "status": "ready",
    "cancelled": False,
    "subnet": [{"ip": "5.6.7.0", "mask": "24"}, {"ip": "2a01::", "mask": "64"}],
}
HETZNER = [
    Case(
        "hetzner",
        role="hcloud",
        hook=_HETZNER_HOOK,
        values=lambda url: {"label_selector": "env=prod"},
        answers=lambda url: {
            "/v1/servers": {
                "servers": [_HCLOUD],
                "meta": {"pagination": {"page": 1, "next_page": None}},
            },
            "/v1/networks": by_query(
                "page",
                {
                    "1": {
                        "networks": [{"id": 5, "name": "my net"}],
                        "meta": {"pagination": {"next_page": 2}},
                    },
                    "2": {"networks": [{"id": 9, "name": "other"}]},
                },
            ),
        },
        empty=lambda url: {"/v1/servers": {"servers": []}, "/v1/networks": {"networks": []}},
        targets=[
            {
                "__address__": "1.2.3.4:80",
                "role": "hcloud",
                "server_id": "42",
                "server_name": "web",
                "server_status": "running",
                "public_ipv4": "1.2.3.4",
                "public_ipv6_network": "2001:db8::/64",
                "hcloud_image_name": "debian-12",
                "hcloud_image_description": "Debian 12",
                "hcloud_image_os_flavor": "debian",
                "hcloud_image_os_version": "12",
                "hcloud_location": "fsn1",
                "hcloud_location_network_zone": "eu-central",
                "hcloud_datacenter_location": "fsn1",
                "hcloud_datacenter_location_network_zone": "eu-central",
                "hcloud_server_type": "cx22",
                "hcloud_cpu_cores": "2",
                "hcloud_cpu_type": "shared",
                "hcloud_memory_size_gb": "4",
                "hcloud_disk_size_gb": "40",
                "hcloud_private_ipv4_my_net": "10.0.0.2",
                "hcloud_label_my_key": "v",
                "hcloud_labelpresent_my_key": "true",
                "hcloud_labelpresent_bare": "true",
            }
        ],
    ),
    Case(
        "hetzner",
        role="robot",
        hook=_HETZNER_HOOK,
        answers=lambda url: {"/server": [{"server": _ROBOT}]},
        empty=lambda url: {"/server": []},
        targets=[
            {
                "__address__": "5.6.7.8:80",
                "role": "robot",
                "server_id": "321",
                "server_name": "metal",
                "server_status": "ready",
                "datacenter": "fsn1-dc1",
                "public_ipv4": "5.6.7.8",
                "public_ipv6_network": "2a01::/64",
                "robot_datacenter": "fsn1-dc1",
                "robot_product": "AX41",
                "robot_cancelled": "false",
            }
        ],
    ),
]

_LINODE = {
    "id": 1,
    "label": "web",
    "image": "linode/debian12",
    "ipv4": ["1.2.3.4", "192.168.0.1", "1.2.3.5"],
    "ipv6": "2001:db8::1/128",
    "region": "eu-west",
    "type": "g6",
    "status": "running",
    "group": "g",
    "hypervisor": "kvm",
    "backups": {"enabled": True},
    "specs": {"disk": 10, "memory": 2, "vcpus": 1, "transfer": 3, "gpus": 0},
    "tags": ["a"],
}
_LINODE_IPS = [
    {"address": "1.2.3.4", "public": True, "rdns": "pub.example"},
    {"address": "1.2.3.5", "public": True, "rdns": None},
    {"address": "192.168.0.1", "public": False, "rdns": "priv.example"},
    {"address": "2001:db8::1", "public": True, "rdns": "six.example"},
]
_LINODE_RANGES = [{"range": "2001:db8:1::", "prefix": 64, "route_target": "2001:db8::1"}]


def _linode(url: str, *instances: Any) -> Mapping[str, Any]:
    first, *others = instances or (None,)
    pages = {
        "1": {"data": [first] if first else [], "page": 1, "pages": 2},
        "2": {"data": others, "page": 2, "pages": 2},
    }
    return {
        "/v4/linode/instances": by_query("page", pages),
        "/v4/networking/ips": {"data": _LINODE_IPS, "page": 1, "pages": 1},
        "/v4/networking/ipv6/ranges": {"data": _LINODE_RANGES},
        "/v4/account/events": {"data": [{"id": 1}]},
    }


LINODE = Case(
    "linode",
    hook=_base_url(LinodeDiscovery),
    values=lambda url: {"region": "eu-west"},
    headers={"X-Filter": '{"region":"eu-west"}'},
    answers=lambda url: _linode(url, _LINODE, {"id": 2, "label": "no address", "ipv4": []}),
    empty=_linode,
    targets=[
        {
            "__address__": "1.2.3.4:80",
            "instance_id": "1",
            "instance_label": "web",
            "image": "linode/debian12",
            "private_ipv4": "192.168.0.1",
            "public_ipv4": "1.2.3.4",
            "public_ipv6": "2001:db8::1",
            "private_ipv4_rdns": "priv.example",
            "public_ipv4_rdns": "pub.example",
            "public_ipv6_rdns": "six.example",
            "region": "eu-west",
            "type": "g6",
            "status": "running",
            "group": "g",
            "gpus": "0",
            "hypervisor": "kvm",
            "backups": "enabled",
            "specs_disk_bytes": str(10 << 20),
            "specs_memory_bytes": str(2 << 20),
            "specs_vcpus": "1",
            "specs_transfer_bytes": str(3 << 20),
            "tags": ",a,",
            "extra_ips": ",1.2.3.5,",
            "ipv6_ranges": ",2001:db8:1::/64,",
        }
    ],
)

_VULTR = {
    "id": "v-1",
    "label": "web",
    "os": "Debian 12",
    "os_id": 2136,
    "region": "ewr",
    "plan": "vc2",
    "main_ip": "1.2.3.4",
    "v6_main_ip": "2001:db8::1",
    "internal_ip": "10.0.0.1",
    "hostname": "h",
    "server_status": "ok",
    "vcpu_count": 1,
    "ram": 1024,
    "allowed_bandwidth": 1000,
    "disk": 25,
    "features": ["ipv6"],
    "tags": ["a", "b"],
}
VULTR = Case(
    "vultr",
    hook=_base_url(VultrDiscovery),
    answers=lambda url: {
        "/v2/instances": by_query(
            "cursor",
            {
                "": {"instances": [_VULTR], "meta": {"links": {"next": "abc"}}},
                "abc": {
                    "instances": [{"id": "v-2", "main_ip": "1.2.3.5"}],
                    "meta": {"links": {"next": ""}},
                },
            },
        )
    },
    empty=lambda url: {"/v2/instances": {"instances": []}},
    targets=[
        {
            "__address__": "1.2.3.4:80",
            "instance_id": "v-1",
            "instance_label": "web",
            "instance_os": "Debian 12",
            "instance_os_id": "2136",
            "instance_region": "ewr",
            "instance_plan": "vc2",
            "instance_main_ip": "1.2.3.4",
            "instance_main_ipv6": "2001:db8::1",
            "instance_internal_ip": "10.0.0.1",
            "instance_hostname": "h",
            "instance_server_status": "ok",
            "instance_vcpu_count": "1",
            "instance_ram_mb": "1024",
            "instance_allowed_bandwidth_gb": "1000",
            "instance_disk_gb": "25",
            "instance_features": ",ipv6,",
            "instance_tags": ",a,b,",
        },
        {
            "__address__": "1.2.3.5:80",
            "instance_id": "v-2",
            "instance_main_ip": "1.2.3.5",
            "instance_os_id": "0",
            "instance_vcpu_count": "0",
            "instance_ram_mb": "0",
            "instance_allowed_bandwidth_gb": "0",
            "instance_disk_gb": "0",
        },
    ],
)

_IONOS = {
    "id": "s-1",
    "metadata": {"state": "AVAILABLE"},
    "properties": {
        "name": "web",
        "availabilityZone": "ZONE_1",
        "cpuFamily": "INTEL",
        "vmState": "RUNNING",
        "type": "CUBE",
        "bootCdrom": {"id": "cd-1"},
        "bootVolume": {"id": "vol-1"},
    },
    "entities": {
        "nics": {
            "items": [
                {"properties": {"name": "my nic", "ips": ["10.0.0.1"]}},
                {"properties": {"name": None, "ips": ["1.2.3.4", "1.2.3.5"]}},
            ]
        },
        "volumes": {"items": [{"properties": {"image": "img-1"}}]},
    },
}
IONOS = Case(
    "ionos",
    hook=_base_url(IonosDiscovery),
    values=lambda url: {"datacenter_id": "dc 1"},
    answers=lambda url: {
        "/datacenters/dc 1/servers": {
            "id": "datacenters/dc/servers",
            "items": [_IONOS, {"id": "no address", "entities": {}}],
        }
    },
    empty=lambda url: {"/datacenters/dc 1/servers": {"items": []}},
    targets=[
        {
            "__address__": "1.2.3.4:80",
            "server_availability_zone": "ZONE_1",
            "server_boot_cdrom_id": "cd-1",
            "server_boot_image_id": "img-1",
            "server_boot_volume_id": "vol-1",
            "server_cpu_family": "INTEL",
            "server_id": "s-1",
            "server_ip": ",1.2.3.4,1.2.3.5,10.0.0.1,",
            "server_lifecycle": "AVAILABLE",
            "server_name": "web",
            "server_nic_ip_my_nic": ",10.0.0.1,",
            "server_nic_ip_unnamed": ",1.2.3.4,1.2.3.5,",
            "server_servers_id": "datacenters/dc/servers",
            "server_state": "RUNNING",
            "server_type": "CUBE",
        }
    ],
)

# --- Clouds with keys of their own ------------------------------------------------------------

_SCALEWAY = {
    "id": "s-1",
    "name": "web",
    "hostname": "web-1",
    "boot_type": "local",
    "organization": "org",
    "project": "proj",
    "state": "running",
    "commercial_type": "DEV1-S",
    "zone": "fr-par-1",
    "image": {"arch": "x86_64", "id": "img", "name": "Debian"},
    "location": {"cluster_id": "1", "hypervisor_id": "2", "node_id": "3"},
    "security_group": {"id": "sg", "name": "default"},
    "tags": ["a"],
    "private_ip": "10.0.0.1",
    "public_ip": {"address": "1.2.3.4"},
    "ipv6": {"address": "2001:db8::1"},
    "public_ips": [
        {"address": "1.2.3.4", "family": "inet"},
        {"address": "2001:db8::1", "family": "inet6"},
    ],
}
_BARE_METAL = {
    "id": "b-1",
    "name": "metal",
    "project_id": "proj",
    "status": "ready",
    "offer_id": "o-1",
    "zone": "fr-par-1",
    "install": {"os_id": "os-1"},
    "tags": ["a"],
    "ips": [
        {"address": "2001:db8::2", "version": "IPv6"},
        {"address": "5.6.7.8", "version": "IPv4"},
    ],
}
_SCALEWAY_SECRET = "11111111-1111-1111-1111-111111111111"  # the original wants its form
_SCALEWAY_BASE = {
    "access_key": "SCWXXXXXXXXXXXXXXXXX",
    "secret_key": Secret(_SCALEWAY_SECRET),
    "project_id": "22222222-2222-2222-2222-222222222222",
}
SCALEWAY = [
    Case(
        "scaleway",
        role="instance",
        headers={"X-Auth-Token": _SCALEWAY_SECRET},
        values=lambda url: {**_SCALEWAY_BASE, "api_url": url, "tags_filter": ("a", "b")},
        answers=lambda url: {
            "/instance/v1/zones/fr-par-1/servers": {
                "servers": [_SCALEWAY, {"id": "s-2", "name": "no address"}]
            }
        },
        empty=lambda url: {"/instance/v1/zones/fr-par-1/servers": {"servers": []}},
        targets=[
            {
                "__address__": "10.0.0.1:80",
                "instance_boot_type": "local",
                "instance_hostname": "web-1",
                "instance_id": "s-1",
                "instance_image_arch": "x86_64",
                "instance_image_id": "img",
                "instance_image_name": "Debian",
                "instance_location_cluster_id": "1",
                "instance_location_hypervisor_id": "2",
                "instance_location_node_id": "3",
                "instance_name": "web",
                "instance_organization_id": "org",
                "instance_private_ipv4": "10.0.0.1",
                "instance_project_id": "proj",
                "instance_public_ipv4": "1.2.3.4",
                "instance_public_ipv6": "2001:db8::1",
                "instance_public_ipv4_addresses": ",1.2.3.4,",
                "instance_public_ipv6_addresses": ",2001:db8::1,",
                "instance_region": "fr-par",
                "instance_security_group_id": "sg",
                "instance_security_group_name": "default",
                "instance_status": "running",
                "instance_tags": ",a,",
                "instance_type": "DEV1-S",
                "instance_zone": "fr-par-1",
            }
        ],
    ),
    Case(
        "scaleway",
        role="baremetal",
        values=lambda url: {**_SCALEWAY_BASE, "api_url": url},
        answers=lambda url: {
            "/baremetal/v1/zones/fr-par-1/servers": {"servers": [_BARE_METAL]},
            "/baremetal/v1/zones/fr-par-1/offers": {"offers": [{"id": "o-1", "name": "EM-A"}]},
            "/baremetal/v1/zones/fr-par-1/os": {
                "os": [{"id": "os-1", "name": "Debian", "version": "12"}]
            },
        },
        empty=lambda url: {
            "/baremetal/v1/zones/fr-par-1/servers": {"servers": []},
            "/baremetal/v1/zones/fr-par-1/offers": {"offers": []},
            "/baremetal/v1/zones/fr-par-1/os": {"os": []},
        },
        targets=[
            {
                "__address__": "5.6.7.8:80",
                "baremetal_id": "b-1",
                "baremetal_name": "metal",
                "baremetal_os_name": "Debian",
                "baremetal_os_version": "12",
                "baremetal_project_id": "proj",
                "baremetal_public_ipv4": "5.6.7.8",
                "baremetal_public_ipv6": "2001:db8::2",
                "baremetal_status": "ready",
                "baremetal_tags": ",a,",
                "baremetal_type": "EM-A",
                "baremetal_zone": "fr-par-1",
            }
        ],
    ),
]

_VPS = {
    "name": "vps-1",
    "cluster": "c",
    "displayName": "shown",
    "memoryLimit": 2048,
    "netbootMode": "local",
    "offerType": "ssd",
    "state": "running",
    "vcore": 1,
    "zone": "os-gra",
    "model": {
        "name": "vps-value",
        "datacenter": ["gra", "sbg"],
        "disk": 40,
        "maximumAdditionnalIp": 16,
        "memory": 2048,
        "offer": "VPS Value",
        "vcore": 1,
        "version": "2019v1",
    },
}
_DEDICATED = {
    "name": "ns1.example",
    "commercialRange": "ADV",
    "datacenter": "gra3",
    "linkSpeed": 1000,
    "noIntervention": False,
    "os": "debian12_64",
    "rack": "G301",
    "reverse": "ns1.example.",
    "serverId": 99,
    "state": "ok",
    "supportLevel": "pro",
}


def _ovh(url: str) -> Mapping[str, Any]:
    return {
        "endpoint": f"{url}/1.0",
        "application_key": "app",
        "application_secret": Secret("hush"),
        "consumer_key": Secret("consumer"),
    }


OVHCLOUD = [
    Case(
        "ovhcloud",
        role="vps",
        headers={"X-Ovh-Application": "app", "X-Ovh-Timestamp": "1700000060"},
        values=lambda url: {**_ovh(url), "service": "vps"},
        answers=lambda url: {
            "/1.0/auth/time": 1_700_000_060,
            "/1.0/vps": ["vps-1", "broken"],
            "/1.0/vps/vps-1": _VPS,
            "/1.0/vps/vps-1/ips": ["2001:db8::1", "1.2.3.4/32", "10.0.0.0/24", "fd00::/64"],
        },
        empty=lambda url: {"/1.0/auth/time": 1_700_000_060, "/1.0/vps": []},
        targets=[
            {
                "__address__": "1.2.3.4",
                "instance": "vps-1",
                "vps_cluster": "c",
                "vps_datacenter": "[gra sbg]",
                "vps_disk": "40",
                "vps_display_name": "shown",
                "vps_ipv4": "1.2.3.4",
                "vps_ipv6": "2001:db8::1",
                "vps_maximum_additional_ip": "16",
                "vps_memory": "2048",
                "vps_memory_limit": "2048",
                "vps_model_name": "vps-value",
                "vps_model_vcore": "1",
                "vps_name": "vps-1",
                "vps_netboot_mode": "local",
                "vps_offer": "VPS Value",
                "vps_offer_type": "ssd",
                "vps_state": "running",
                "vps_vcore": "1",
                "vps_version": "2019v1",
                "vps_zone": "os-gra",
            }
        ],
    ),
    Case(
        "ovhcloud",
        role="dedicated_server",
        values=lambda url: {**_ovh(url), "service": "dedicated_server"},
        answers=lambda url: {
            "/1.0/auth/time": 1_700_000_060,
            "/1.0/dedicated/server": ["ns1.example"],
            "/1.0/dedicated/server/ns1.example": _DEDICATED,
            "/1.0/dedicated/server/ns1.example/ips": ["1.2.3.9/32", "2001:db8::1"],
        },
        empty=lambda url: {"/1.0/auth/time": 1_700_000_060, "/1.0/dedicated/server": []},
        targets=[
            {
                "__address__": "1.2.3.9",
                "instance": "ns1.example",
                "dedicated_server_ipv4": "1.2.3.9",
                "dedicated_server_commercial_range": "ADV",
                "dedicated_server_datacenter": "gra3",
                "dedicated_server_ipv6": "2001:db8::1",
                "dedicated_server_link_speed": "1000",
                "dedicated_server_name": "ns1.example",
                "dedicated_server_no_intervention": "false",
                "dedicated_server_os": "debian12_64",
                "dedicated_server_rack": "G301",
                "dedicated_server_reverse": "ns1.example.",
                "dedicated_server_server_id": "99",
                "dedicated_server_state": "ok",
                "dedicated_server_support_level": "pro",
            }
        ],
    ),
]

_OUTSCALE = {
    "VmId": "i-1",
    "State": "running",
    "PrivateIp": "10.0.0.1",
    "PublicIp": "1.2.3.4",
    "Placement": {"SubregionName": "eu-west-2a"},
    "Tags": [{"Key": "my-env", "Value": "prod"}],
}


def _read_vms(url: str) -> Mapping[str, Any]:
    async def answer(request: web.Request) -> web.Response:
        if orjson.loads(await request.read()).get("NextPageToken") == "more":
            return web.json_response({"Vms": [{"VmId": "i-2", "PublicIp": "1.2.3.5"}]})
        return web.json_response({"Vms": [_OUTSCALE, {"VmId": "none"}], "NextPageToken": "more"})

    return {"/api/v1/ReadVms": answer}


OUTSCALE = Case(
    "outscale",
    values=lambda url: {
        "endpoint": f"{url}/api/v1",
        "access_key": "AK",
        "secret_key": Secret("hush"),
    },
    answers=_read_vms,
    empty=lambda url: {"/api/v1/ReadVms": {"Vms": []}},
    targets=[
        {
            "__address__": "1.2.3.5:80",
            "vm_instance_id": "i-2",
            "vm_region": "eu-west-2",
            "vm_public_ip": "1.2.3.5",
        },
        {
            "__address__": "10.0.0.1:80",
            "vm_instance_id": "i-1",
            "vm_region": "eu-west-2",
            "vm_subregion": "eu-west-2a",
            "vm_state": "running",
            "vm_private_ip": "10.0.0.1",
            "vm_public_ip": "1.2.3.4",
            "vm_tag_my_env": "prod",
        },
    ],
)

_STACKIT = {
    "id": "s-1",
    "name": "web",
    "availabilityZone": "eu01-1",
    "machineType": "g1.1",
    "powerStatus": "RUNNING",
    "status": "ACTIVE",
    "labels": {"my-key": "v", "number": 3},
    "nics": [
        {"networkName": "my net", "ipv4": "10.0.0.1"},
        {"networkName": "front", "ipv4": "10.0.1.1", "publicIp": "1.2.3.4"},
    ],
}
STACKIT = Case(
    "stackit",
    values=lambda url: {"project": "p-1", "endpoint": url},
    hook=_base_url(StackitDiscovery, "token_url"),
    answers=lambda url: {
        "/v1/projects/p-1/servers": {"items": [_STACKIT, {"id": "none", "name": "n", "nics": None}]}
    },
    empty=lambda url: {"/v1/projects/p-1/servers": {"items": None}},
    targets=[
        {
            "__address__": "1.2.3.4:80",
            "availability_zone": "eu01-1",
            "id": "s-1",
            "label_my_key": "v",
            "labelpresent_my_key": "true",
            "name": "web",
            "power_status": "RUNNING",
            "private_ipv4_my_net": "10.0.0.1",
            "private_ipv4_front": "10.0.1.1",
            "project": "p-1",
            "public_ipv4": "1.2.3.4",
            "status": "ACTIVE",
            "type": "g1.1",
        }
    ],
)

# --- Google, Azure, OpenStack -----------------------------------------------------------------

_GCE = {
    "id": "123",
    "name": "web",
    "status": "RUNNING",
    "machineType": "https://gce/machineTypes/n1",
    "zone": "https://gce/zones/z",
    "labels": {"my-label": "v"},
    "tags": {"items": ["a", "b"]},
    "metadata": {"items": [{"key": "my-meta", "value": "m"}]},
    "networkInterfaces": [
        {
            "name": "nic0",
            "network": "https://gce/networks/default",
            "subnetwork": "https://gce/subnetworks/default",
            "networkIP": "10.0.0.1",
            "accessConfigs": [{"type": "ONE_TO_ONE_NAT", "natIP": "1.2.3.4"}],
        },
        {"name": "nic1", "networkIP": "10.1.0.1"},
    ],
}
_GCE_PATH = "/compute/v1/projects/p/zones/z/instances"


def _gce_hook(patch: pytest.MonkeyPatch, url: str) -> None:
    patch.setattr(GCEDiscovery, "url", url)
    patch.setenv("GCE_METADATA_HOST", url.removeprefix("http://"))
    patch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    patch.setenv("HOME", "/nonexistent")


def _gce_answers(url: str) -> Mapping[str, Any]:
    token = "/computeMetadata/v1/instance/service-accounts/default/token"
    return {
        token: {"access_token": "T", "expires_in": 3600},
        _GCE_PATH: by_query(
            "pageToken",
            {
                "": {"items": [_GCE], "nextPageToken": "2"},
                "2": {"items": [{"name": "no interface"}]},
            },
        ),
    }


GCE = Case(
    "gce",
    values=lambda url: {"project": "p", "zone": "z"},
    hook=_gce_hook,
    headers={"Authorization": "Bearer T", "Metadata-Flavor": "Google"},
    answers=_gce_answers,
    empty=lambda url: {**_gce_answers(url), _GCE_PATH: {}},
    targets=[
        {
            "__address__": "10.0.0.1:80",
            "instance_id": "123",
            "instance_name": "web",
            "instance_status": "RUNNING",
            "interface_ipv4_nic0": "10.0.0.1",
            "interface_ipv4_nic1": "10.1.0.1",
            "label_my_label": "v",
            "machine_type": "https://gce/machineTypes/n1",
            "metadata_my_meta": "m",
            "network": "https://gce/networks/default",
            "private_ip": "10.0.0.1",
            "project": "p",
            "public_ip": "1.2.3.4",
            "subnetwork": "https://gce/subnetworks/default",
            "tags": ",a,b,",
            "zone": "https://gce/zones/z",
        }
    ],
)

_RG = "/subscriptions/sub/resourceGroups/my-group/providers"


def _azure_machine(name: str, nic: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{_RG}/Microsoft.Compute/virtualMachines/{name}",
        "name": name,
        "location": "westeurope",
        "tags": {"my-tag": "v"},
        "properties": {
            "storageProfile": {"osDisk": {"osType": "Linux"}},
            "osProfile": {"computerName": f"{name}-host"},
            "hardwareProfile": {"vmSize": "Standard_B1s"},
            "networkProfile": {"networkInterfaces": [{"id": nic}]},
        },
        **more,
    }


def _azure_nic(private: str, public: str = "") -> dict[str, Any]:
    inner: dict[str, Any] = {"privateIPAddress": private}
    if public:
        inner["publicIPAddress"] = {"properties": {"ipAddress": public}}
    return {"properties": {"primary": True, "ipConfigurations": [{"properties": inner}]}}


_NIC = f"{_RG}/Microsoft.Network/networkInterfaces/nic"
_SET = f"{_RG}/Microsoft.Compute/virtualMachineScaleSets/my-set"
_COMPUTE = "/subscriptions/sub/providers/Microsoft.Compute"


def _azure_hook(patch: pytest.MonkeyPatch, url: str) -> None:
    cloud = azure_credentials.Cloud(url, url)
    patch.setitem(azure_credentials.CLOUDS, "AZUREPUBLICCLOUD", cloud)
    patch.delenv("AZURE_AUTHORITY_HOST", raising=False)


def _azure_answers(url: str) -> Mapping[str, Any]:
    return {
        "/tenant/oauth2/v2.0/token": {"access_token": "T", "expires_in": 3600},
        f"{_COMPUTE}/virtualMachines": by_query(
            "page",
            {
                "": {
                    "value": [_azure_machine("one", f"{_NIC}1")],
                    "nextLink": f"{url}{_COMPUTE}/virtualMachines?page=2",
                },
                "2": {
                    "value": [
                        _azure_machine("off", f"{_NIC}2"),
                        _azure_machine("gone", f"{_NIC}3"),
                    ]
                },
            },
        ),
        f"{_COMPUTE}/virtualMachineScaleSets": {"value": [{"id": _SET, "name": "my-set"}]},
        f"{_SET}/virtualMachines": {
            "value": [_azure_machine("0", f"{_SET}/virtualMachines/0/networkInterfaces/n")]
        },
        f"{_NIC}1": _azure_nic("10.0.0.1", "1.2.3.4"),
        f"{_NIC}2": {"properties": {"ipConfigurations": []}},
        f"{_SET}/virtualMachines/0/networkInterfaces/n": _azure_nic("10.0.0.2"),
    }


_AZURE_SHARED = {
    "machine_location": "westeurope",
    "machine_os_type": "Linux",
    "machine_resource_group": "my-group",
    "machine_size": "Standard_B1s",
    "machine_tag_my_tag": "v",
    "subscription_id": "sub",
    "tenant_id": "tenant",
}
AZURE = Case(
    "azure",
    values=lambda url: {
        "subscription_id": "sub",
        "tenant_id": "tenant",
        "client_id": "client",
        "client_secret": Secret("hush"),
    },
    hook=_azure_hook,
    headers={"Authorization": "Bearer T"},
    answers=_azure_answers,
    empty=lambda url: {
        "/tenant/oauth2/v2.0/token": {"access_token": "T", "expires_in": 3600},
        f"{_COMPUTE}/virtualMachines": {"value": []},
        f"{_COMPUTE}/virtualMachineScaleSets": {"value": []},
    },
    targets=[
        {
            **_AZURE_SHARED,
            "__address__": "10.0.0.1:80",
            "machine_computer_name": "one-host",
            "machine_id": f"{_RG}/Microsoft.Compute/virtualMachines/one",
            "machine_name": "one",
            "machine_private_ip": "10.0.0.1",
            "machine_public_ip": "1.2.3.4",
        },
        {
            **_AZURE_SHARED,
            "__address__": "10.0.0.2:80",
            "machine_computer_name": "0-host",
            "machine_id": f"{_RG}/Microsoft.Compute/virtualMachines/0",
            "machine_name": "0",
            "machine_private_ip": "10.0.0.2",
            "machine_scale_set": "my-set",
        },
    ],
)


def _keystone(url: str) -> Mapping[str, Any]:
    services = {"compute": "/nova/v2.1", "network": "/neutron", "load-balancer": "/octavia"}
    catalog = [
        {
            "type": service,
            "endpoints": [
                {"interface": "internal", "region_id": "r1", "url": "http://inner"},
                {"interface": "public", "region_id": "r2", "url": "http://elsewhere"},
                {"interface": "public", "region_id": "r1", "url": url + path},
            ],
        }
        for service, path in services.items()
    ]

    async def answer(_: web.Request) -> web.Response:
        content = {"token": {"catalog": catalog}}
        return web.json_response(content, status=201, headers={"X-Subject-Token": "T"})

    return {"/v3/auth/tokens": answer}


_SERVER = {
    "id": "srv-1",
    "name": "web",
    "status": "ACTIVE",
    "tenant_id": "proj",
    "user_id": "user",
    "flavor": {"id": "f-1"},
    "image": {"id": "img-1"},
    "metadata": {"my-key": "v"},
    "addresses": {"private": [{"addr": "10.0.0.1"}, {"addr": "1.2.3.4"}]},
}
_PORTS = {"/neutron/v2.0/ports": {"ports": [{"id": "port-1", "device_id": "srv-1"}]}}
_FLOATING = {
    "/neutron/v2.0/floatingips": {
        "floatingips": [
            {
                "port_id": "port-1",
                "tenant_id": "proj",
                "fixed_ip_address": "10.0.0.1",
                "floating_ip_address": "1.2.3.4",
            },
            {"port_id": None, "fixed_ip_address": None, "floating_ip_address": "1.2.3.9"},
        ]
    }
}


def _openstack(url: str, role: str) -> Mapping[str, Any]:
    return {
        "identity_endpoint": f"{url}/v3",
        "username": "u",
        "password": Secret("hush"),
        "project_name": "p",
        "domain_name": "Default",
        "region": "r1",
        "role": role,
    }


OPENSTACK = [
    Case(
        "openstack",
        role="instance",
        values=lambda url: _openstack(url, "instance"),
        headers={"X-Auth-Token": "T"},
        answers=lambda url: {
            **_keystone(url),
            **_PORTS,
            **_FLOATING,
            "/nova/v2.1/servers/detail": by_query(
                "marker",
                {
                    "": {
                        "servers": [_SERVER],
                        "servers_links": [
                            {"rel": "next", "href": f"{url}/nova/v2.1/servers/detail?marker=m"}
                        ],
                    },
                    "m": {"servers": [{"id": "none", "addresses": {}}]},
                },
            ),
        },
        empty=lambda url: {
            **_keystone(url),
            **_PORTS,
            **_FLOATING,
            "/nova/v2.1/servers/detail": {"servers": []},
        },
        targets=[
            {
                "__address__": "10.0.0.1:80",
                "address_pool": "private",
                "instance_flavor": "f-1",
                "instance_id": "srv-1",
                "instance_image": "img-1",
                "instance_name": "web",
                "instance_status": "ACTIVE",
                "private_ip": "10.0.0.1",
                "project_id": "proj",
                "public_ip": "1.2.3.4",
                "tag_my_key": "v",
                "user_id": "user",
            }
        ],
    ),
    Case(
        "openstack",
        role="hypervisor",
        values=lambda url: _openstack(url, "hypervisor"),
        answers=lambda url: {
            **_keystone(url),
            "/nova/v2.1/os-hypervisors/detail": {
                "hypervisors": [
                    {
                        "id": 1,
                        "host_ip": "10.0.0.9",
                        "hypervisor_hostname": "hv-1",
                        "state": "up",
                        "status": "enabled",
                        "hypervisor_type": "QEMU",
                    }
                ]
            },
        },
        empty=lambda url: {
            **_keystone(url),
            "/nova/v2.1/os-hypervisors/detail": {"hypervisors": []},
        },
        targets=[
            {
                "__address__": "10.0.0.9:80",
                "hypervisor_id": "1",
                "hypervisor_host_ip": "10.0.0.9",
                "hypervisor_hostname": "hv-1",
                "hypervisor_state": "up",
                "hypervisor_status": "enabled",
                "hypervisor_type": "QEMU",
            }
        ],
    ),
    Case(
        "openstack",
        role="loadbalancer",
        values=lambda url: _openstack(url, "loadbalancer"),
        answers=lambda url: {
            **_keystone(url),
            "/neutron/v2.0/floatingips": {
                "floatingips": [{"port_id": "vip-port", "floating_ip_address": "1.2.3.4"}]
            },
            "/octavia/v2.0/lbaas/loadbalancers": {
                "loadbalancers": [
                    {
                        "id": "lb-1",
                        "name": "front",
                        "operating_status": "ONLINE",
                        "provisioning_status": "ACTIVE",
                        "availability_zone": "az1",
                        "vip_address": "10.0.0.5",
                        "vip_port_id": "vip-port",
                        "provider": "amphora",
                        "project_id": "proj",
                        "tags": ["a", "b"],
                    },
                    {"id": "lb-2", "vip_address": "10.0.0.6"},
                ]
            },
            "/octavia/v2.0/lbaas/listeners": {
                "listeners": [
                    {
                        "protocol": "HTTP",
                        "protocol_port": 80,
                        "loadbalancers": [{"id": "lb-1"}, {"id": "lb-2"}],
                    },
                    {
                        "protocol": "PROMETHEUS",
                        "protocol_port": 8088,
                        "loadbalancers": [{"id": "lb-1"}],
                    },
                ]
            },
        },
        empty=lambda url: {
            **_keystone(url),
            **_FLOATING,
            "/octavia/v2.0/lbaas/loadbalancers": {"loadbalancers": []},
            "/octavia/v2.0/lbaas/listeners": {"listeners": []},
        },
        targets=[
            {
                "__address__": "10.0.0.5:8088",
                "loadbalancer_availability_zone": "az1",
                "loadbalancer_floating_ip": "1.2.3.4",
                "loadbalancer_id": "lb-1",
                "loadbalancer_name": "front",
                "loadbalancer_operating_status": "ONLINE",
                "loadbalancer_provider": "amphora",
                "loadbalancer_provisioning_status": "ACTIVE",
                "loadbalancer_tags": "a,b",
                "loadbalancer_vip": "10.0.0.5",
                "project_id": "proj",
            }
        ],
    ),
]

# --- Orchestrators and registries -------------------------------------------------------------

_NOMAD = {
    "Address": "10.0.0.1",
    "Datacenter": "dc1",
    "Namespace": "default",
    "NodeID": "node-1",
    "ServiceName": "web/api",
    "ID": "svc-1",
    "Port": 8080,
    "Tags": ["a", "b"],
}
NOMAD = Case(
    "nomad",
    values=lambda url: {"server": url},
    answers=lambda url: {
        "/v1/services": [
            {"Namespace": "default", "Services": [{"ServiceName": "web/api", "Tags": []}]}
        ],
        "/v1/service/web/api": [_NOMAD],
    },
    empty=lambda url: {"/v1/services": []},
    targets=[
        {
            "__address__": "10.0.0.1:8080",
            "address": "10.0.0.1",
            "dc": "dc1",
            "namespace": "default",
            "node_id": "node-1",
            "service": "web/api",
            "service_address": "10.0.0.1",
            "service_id": "svc-1",
            "service_port": "8080",
            "tags": ",a,b,",
        }
    ],
)

_EUREKA = """<applications><versions__delta>1</versions__delta><application><name>WEB</name>
<instance><instanceId>web:1</instanceId><hostName>h1</hostName><ipAddr>10.0.0.1</ipAddr>
<status>UP</status><port enabled="true">8080</port><securePort enabled="false">443</securePort>
<countryId>1</countryId><homePageUrl>http://h1/</homePageUrl><statusPageUrl>http://h1/i</statusPageUrl>
<healthCheckUrl>http://h1/h</healthCheckUrl><vipAddress>web</vipAddress>
<secureVipAddress>webs</secureVipAddress>
<dataCenterInfo class="x"><name>MyOwn</name><metadata><zone-a>z</zone-a></metadata></dataCenterInfo>
<metadata><my-meta>m</my-meta></metadata></instance>
<instance><instanceId>bare</instanceId><hostName>h2</hostName></instance>
</application></applications>"""
EUREKA = Case(
    "eureka",
    values=lambda url: {"server": f"{url}/eureka/v2"},
    answers=lambda url: {"/eureka/v2/apps": plain(_EUREKA, kind="application/xml")},
    empty=lambda url: {"/eureka/v2/apps": plain("<applications/>", kind="application/xml")},
    targets=[
        {
            "__address__": "h1:8080",
            "instance": "web:1",
            "app_name": "WEB",
            "app_instance_hostname": "h1",
            "app_instance_homepage_url": "http://h1/",
            "app_instance_statuspage_url": "http://h1/i",
            "app_instance_healthcheck_url": "http://h1/h",
            "app_instance_ip_addr": "10.0.0.1",
            "app_instance_vip_address": "web",
            "app_instance_secure_vip_address": "webs",
            "app_instance_status": "UP",
            "app_instance_port": "8080",
            "app_instance_port_enabled": "true",
            "app_instance_secure_port": "443",
            "app_instance_secure_port_enabled": "false",
            "app_instance_country_id": "1",
            "app_instance_id": "web:1",
            "app_instance_metadata_my_meta": "m",
            "app_instance_datacenterinfo_name": "MyOwn",
            "app_instance_datacenterinfo_metadata_zone_a": "z",
        },
        {
            "__address__": "h2:80",
            "instance": "bare",
            "app_name": "WEB",
            "app_instance_hostname": "h2",
            "app_instance_country_id": "0",
            "app_instance_id": "bare",
        },
    ],
)

_MARATHON = {
    "id": "/web",
    "labels": {"my-label": "v"},
    "container": {
        "docker": {"image": "repo/web"},
        "portMappings": [
            {"hostPort": 0, "containerPort": 80, "labels": {"scrape-me": "yes"}},
            {"hostPort": 0, "containerPort": 81},
        ],
    },
    "tasks": [{"id": "web.1", "host": "h1", "ports": [31000, 31001]}],
}
_MARATHON_SHARED = {
    "app": "/web",
    "image": "repo/web",
    "app_label_my_label": "v",
    "task": "web.1",
}
MARATHON = Case(
    "marathon",
    values=lambda url: {"servers": (url,), "auth_token": Secret("hush")},
    headers={"Authorization": "token=hush"},
    answers=lambda url: {"/v2/apps/": {"apps": [_MARATHON]}},
    empty=lambda url: {"/v2/apps/": {"apps": []}},
    targets=[
        {
            **_MARATHON_SHARED,
            "__address__": "h1:31000",
            "port_index": "0",
            "port_mapping_label_scrape_me": "yes",
        },
        {**_MARATHON_SHARED, "__address__": "h1:31001", "port_index": "1"},
    ],
)

_PUPPET = {
    "certname": "node.example",
    "resource": "49af83",
    "type": "Class",
    "title": "Prom",
    "exported": False,
    "file": "/etc/x.pp",
    "environment": "prod",
    "tags": ["a", "b"],
    "parameters": {
        "my-port": 9100,
        "ratio": 0.5,
        "on": True,
        "names": ["x", "y"],
        "none": None,
        "labels": {"role": "web", "deep-er": {"k": "v"}},
    },
}
PUPPETDB = Case(
    "puppetdb",
    values=lambda url: {
        "url": url,
        "query": "resources {}",
        "include_parameters": True,
    },
    answers=lambda url: {"/pdb/query/v4": [_PUPPET]},
    empty=lambda url: {"/pdb/query/v4": []},
    targets=[
        {
            "__address__": "node.example:80",
            "query": "resources {}",
            "certname": "node.example",
            "resource": "49af83",
            "type": "Class",
            "title": "Prom",
            "exported": "false",
            "file": "/etc/x.pp",
            "environment": "prod",
            "tags": ",a,b,",
            "parameter_my_port": "9100",
            "parameter_ratio": "0.5",
            "parameter_on": "true",
            "parameter_names": "x,y",
            "parameter_labels_role": "web",
            "parameter_labels_deep_er_k": "v",
        }
    ],
)


def _triton(url: str, role: str) -> Mapping[str, Any]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return {
        "account": "a",
        "dns_suffix": "triton.example",
        "endpoint": host,
        "port": int(port),
        "role": role,
        "groups": ("x", "y"),
    }


TRITON_PORT = "<port>"  # in a target's address, for that of the fake
TRITON = [
    Case(
        "triton",
        role="container",
        hook=lambda patch, url: patch.setattr(TritonDiscovery, "scheme", "http"),
        values=lambda url: _triton(url, "container"),
        answers=lambda url: {
            "/v1/discover": {
                "containers": [
                    {
                        "groups": ["x"],
                        "vm_uuid": "vm-1",
                        "vm_alias": "web",
                        "vm_brand": "lx",
                        "vm_image_uuid": "img",
                        "server_uuid": "srv",
                    }
                ]
            }
        },
        empty=lambda url: {"/v1/discover": {"containers": []}},
        targets=[
            {
                "__address__": f"vm-1.triton.example:{TRITON_PORT}",
                "groups": ",x,",
                "machine_id": "vm-1",
                "machine_alias": "web",
                "machine_brand": "lx",
                "machine_image": "img",
                "server_id": "srv",
            }
        ],
    ),
    Case(
        "triton",
        role="cn",
        hook=lambda patch, url: patch.setattr(TritonDiscovery, "scheme", "http"),
        values=lambda url: _triton(url, "cn"),
        answers=lambda url: {
            "/v1/gz/discover": {"cns": [{"server_uuid": "srv", "server_hostname": "h"}]}
        },
        empty=lambda url: {"/v1/gz/discover": {"cns": []}},
        targets=[
            {
                "__address__": f"srv.triton.example:{TRITON_PORT}",
                "machine_id": "srv",
                "machine_alias": "h",
            }
        ],
    ),
]

_KUMA_PATH = "/v3/discovery:monitoringassignments"
_KUMA_TYPE = "type.googleapis.com/kuma.observability.v1.MonitoringAssignment"


def _kuma(*resources: Any) -> Mapping[str, Any]:
    return {"version_info": "1", "nonce": "n", "type_url": _KUMA_TYPE, "resources": resources}


KUMA = Case(
    "kuma",
    values=lambda url: {"server": url, "client_id": "me"},
    answers=lambda url: {
        _KUMA_PATH: _kuma(
            {
                "@type": _KUMA_TYPE,
                "mesh": "default",
                "service": "web",
                "labels": {"kuma.io/zone": "z"},
                "targets": [
                    {
                        "name": "dp-1",
                        "address": "10.0.0.1:5670",
                        "scheme": "http",
                        "metrics_path": "/m",
                        "labels": {"team": "t"},
                    }
                ],
            }
        )
    },
    empty=lambda url: {_KUMA_PATH: _kuma()},
    targets=[
        {
            "__address__": "10.0.0.1:5670",
            "__scheme__": "http",
            "__metrics_path__": "/m",
            "instance": "dp-1",
            "mesh": "default",
            "service": "web",
            "dataplane": "dp-1",
            "label_kuma_io_zone": "z",
            "label_team": "t",
        }
    ],
)


def _uyuni(url: str, *, systems: bool = True) -> Mapping[str, Any]:
    import xmlrpc.client

    groups = [{"id": 7, "system_groups": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]}]
    endpoints = [
        {
            "system_id": 7,
            "endpoint_name": "node",
            "exporter_name": "node_exporter",
            "module": "mod",
            "path": "/metrics",
            "port": 9100,
            "tls_enabled": True,
        }
    ]
    networks = [{"system_id": 7, "hostname": "h1", "primary_fqdn": "h1.example", "ip": "1.2.3.4"}]
    results: dict[str, Any] = {
        "auth.login": "token",
        "system.listSystemGroupsForSystemsWithEntitlement": groups if systems else [],
        "system.monitoring.listEndpoints": endpoints if systems else [],
        "system.getNetworkForSystems": networks if systems else [],
    }

    async def answer(request: web.Request) -> web.Response:
        _, method = xmlrpc.client.loads(await request.read())
        body = xmlrpc.client.dumps((results[str(method)],), methodresponse=True)
        return web.Response(text=body, content_type="text/xml")

    return {"/rpc/api": answer}


UYUNI = Case(
    "uyuni",
    values=lambda url: {"server": url, "username": "u", "password": Secret("hush")},
    answers=_uyuni,
    empty=lambda url: _uyuni(url, systems=False),
    targets=[
        {
            "__address__": "h1:9100",
            "endpoint_name": "node",
            "exporter": "node_exporter",
            "groups": "a,b",
            "metrics_path": "/metrics",
            "minion_hostname": "h1",
            "primary_fqdn": "h1.example",
            "proxy_module": "mod",
            "scheme": "https",
            "system_id": "7",
        }
    ],
)


def form_of(body: bytes) -> dict[str, str]:
    """The parameters of a query API's request."""
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


CASES: Sequence[Case] = (
    *DIGITALOCEAN,
    *HETZNER,
    LINODE,
    VULTR,
    IONOS,
    *SCALEWAY,
    *OVHCLOUD,
    OUTSCALE,
    STACKIT,
    GCE,
    AZURE,
    *OPENSTACK,
    NOMAD,
    EUREKA,
    MARATHON,
    PUPPETDB,
    *TRITON,
    KUMA,
    UYUNI,
)
