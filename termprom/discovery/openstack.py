"""openstack_sd_configs: instances, hypervisors or load balancers of an OpenStack region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from termprom.config.schema import HTTPClientConfig, MechanismConfig
from termprom.discovery.interface import Surroundings
from termprom.discovery.labelled import Found, host_port, prefixed, under
from termprom.discovery.openstack_identity import Session, sign_in
from termprom.discovery.polled import PolledDiscovery, at

_PREFIX: Final = "__meta_openstack_"


class OpenStackDiscovery(PolledDiscovery):
    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for client settings that are not implemented."""
        http = HTTPClientConfig(tls_config=config.values["tls_config"])
        super().__init__(config, around, http=http)
        self.source = f"OS_{config.values['region']}"

    async def find(self) -> list[Found]:
        session = await sign_in(self.client, self.values)
        match self.values["role"]:
            case "hypervisor":
                path = "/os-hypervisors/detail"
                found = await session.all("compute", path, "hypervisors")
                return [self._hypervisor(one) for one in found]
            case "loadbalancer":
                return await self._load_balancers(session)
            case _:
                return await self._instances(session)

    def _hypervisor(self, hypervisor: Mapping[str, Any]) -> Found:
        own = {
            "id": hypervisor["id"],
            "host_ip": hypervisor["host_ip"],
            "hostname": hypervisor.get("hypervisor_hostname"),
            "state": hypervisor.get("state"),
            "status": hypervisor.get("status"),
            "type": hypervisor.get("hypervisor_type"),
        }
        address = host_port(hypervisor["host_ip"], self.port)
        return Found(address, under(f"{_PREFIX}hypervisor_", own))

    async def _instances(self, session: Session) -> list[Found]:
        ports = await session.all("network", "/v2.0/ports", "ports")
        devices = {one["id"]: one.get("device_id") for one in ports}
        floating = await session.all("network", "/v2.0/floatingips", "floatingips")
        # By project, instance and fixed address.
        public = {
            (one.get("tenant_id"), devices[one["port_id"]], one["fixed_ip_address"]): one[
                "floating_ip_address"
            ]
            for one in floating
            if one.get("fixed_ip_address") and one.get("port_id") in devices
        }
        every = "?all_tenants=true" if self.values["all_tenants"] else ""
        servers = await session.all("compute", f"/servers/detail{every}", "servers")
        return [target for server in servers for target in self._instance(server, public)]

    def _instance(
        self, server: Mapping[str, Any], public: Mapping[tuple[Any, Any, Any], str]
    ) -> Iterator[Found]:
        flavor, image = server.get("flavor") or {}, server.get("image") or {}
        own = {
            "instance_id": server["id"],
            "instance_name": server.get("name"),
            "instance_status": server.get("status"),
            "instance_flavor": flavor.get("original_name") or flavor.get("id"),
            "instance_image": image.get("id"),
            "project_id": server.get("tenant_id"),
            "user_id": server.get("user_id"),
        }
        shared = {**under(_PREFIX, own), **prefixed(f"{_PREFIX}tag_", server.get("metadata"))}
        floating = set(public.values())
        for pool, addresses in (server.get("addresses") or {}).items():
            for address in (one["addr"] for one in addresses):
                if address in floating:
                    continue
                place = (server.get("tenant_id"), server["id"], address)
                more = {
                    "address_pool": pool,
                    "private_ip": address,
                    "public_ip": public.get(place, ""),
                }
                yield Found(host_port(address, self.port), {**shared, **under(_PREFIX, more)})

    async def _load_balancers(self, session: Session) -> list[Found]:
        balancers = await session.all("load-balancer", "/v2.0/lbaas/loadbalancers", "loadbalancers")
        listeners = await session.all("load-balancer", "/v2.0/lbaas/listeners", "listeners")
        floating = await session.all("network", "/v2.0/floatingips", "floatingips")
        public = {
            one["port_id"]: one["floating_ip_address"] for one in floating if one.get("port_id")
        }
        scraped: dict[str, int] = {}  # the first listener that is meant for Prometheus
        for listener in listeners:
            if listener.get("protocol") == "PROMETHEUS":
                for one in listener.get("loadbalancers") or ():
                    scraped.setdefault(one["id"], listener["protocol_port"])
        return [
            _load_balancer(one, scraped[one["id"]], public.get(one.get("vip_port_id"), ""))
            for one in balancers
            if one["id"] in scraped
        ]


def _load_balancer(balancer: Mapping[str, Any], port: int, floating_ip: str) -> Found:
    own = {
        "loadbalancer_id": balancer["id"],
        "loadbalancer_name": balancer.get("name"),
        "loadbalancer_operating_status": balancer.get("operating_status"),
        "loadbalancer_provisioning_status": balancer.get("provisioning_status"),
        "loadbalancer_availability_zone": at(balancer, "availability_zone"),
        "loadbalancer_floating_ip": floating_ip,
        "loadbalancer_vip": balancer["vip_address"],
        "loadbalancer_provider": balancer.get("provider"),
        "loadbalancer_tags": ",".join(balancer.get("tags") or ()),
        "project_id": balancer.get("project_id"),
    }
    return Found(host_port(balancer["vip_address"], port), under(_PREFIX, own))
