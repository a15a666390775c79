"""ecs_sd_configs: the tasks of Amazon ECS services, where they are reached and on what they run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from termprom.discovery.aws import AWSMechanism
from termprom.discovery.ec2 import VERSION as EC2_VERSION
from termprom.discovery.labelled import Found, host_port, tags, under
from termprom.discovery.polled import at, gathered, items, pages
from termprom.discovery.xml_answers import each, text
from termprom.errors import DiscoveryError

log = logging.getLogger("termprom.discovery")

_PREFIX: Final = "__meta_ecs_"
_TARGET: Final = "AmazonEC2ContainerServiceV20141113."
_TAGS: Final = ["TAGS"]
# What one request may ask for.
_CLUSTERS, _SERVICES, _TASKS, _MACHINES = 100, 10, 100, 100

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Machine:
    """An EC2 instance that runs tasks."""

    identity: str
    private_ip: str
    public_ip: str
    subnet: str
    kind: str
    tags: Mapping[str, str]


class ECSDiscovery(AWSMechanism):
    async def find(self) -> list[Found]:
        await self.region()
        named = self.values["clusters"] or await self._arns("ListClusters", "clusterArns")
        clusters: dict[str, Object] = {}
        for batch in _batches(named, _CLUSTERS):
            content = await self._call("DescribeClusters", clusters=batch, include=_TAGS)
            clusters |= {one["clusterArn"]: one for one in items(content.get("clusters"))}
        found = await gathered(self._cluster, clusters.values(), concurrent=self._concurrent)
        return [target for targets in found for target in targets]

    @property
    def _concurrent(self) -> int:
        return int(self.values["request_concurrency"])

    async def _cluster(self, cluster: Object) -> list[Found]:
        arn = cluster["clusterArn"]
        services: list[Object] = []
        for batch in _batches(
            await self._arns("ListServices", "serviceArns", cluster=arn), _SERVICES
        ):
            content = await self._call(
                "DescribeServices", cluster=arn, services=batch, include=_TAGS
            )
            services += items(content.get("services"))
        found: list[Found] = []
        for service in services:
            listing = {"cluster": arn, "serviceName": service["serviceName"]}
            tasks: list[Object] = []
            for batch in _batches(await self._arns("ListTasks", "taskArns", **listing), _TASKS):
                content = await self._call("DescribeTasks", cluster=arn, tasks=batch, include=_TAGS)
                tasks += items(content.get("tasks"))
            machines = await self._optional(self._machines(arn, tasks), {})
            public = await self._optional(self._public_addresses(tasks), {})
            targets = (self._target(cluster, service, one, machines, public) for one in tasks)
            found += [target for target in targets if target is not None]
        return found

    async def _optional(self, asking: Any, otherwise: Any) -> Any:
        """What is good to know and not worth losing the tasks for."""
        try:
            return await asking
        except DiscoveryError as problem:
            fields = {"config": self.around.job, "error": str(problem)}
            log.error("unable to ask what ECS tasks run on", extra={"fields": fields})
            return otherwise

    async def _machines(self, cluster: str, tasks: Iterable[Object]) -> dict[str, _Machine]:
        """The machines by the ARNs of their container instances."""
        arns = sorted({one["containerInstanceArn"] for one in tasks if _on_machine(one)})
        by_arn: dict[str, str] = {}
        for batch in _batches(arns, _MACHINES):
            content = await self._call(
                "DescribeContainerInstances", cluster=cluster, containerInstances=batch
            )
            for one in items(content.get("containerInstances")):
                by_arn[one["containerInstanceArn"]] = one["ec2InstanceId"]
        known: dict[str, _Machine] = {}
        for batch in _batches(sorted(set(by_arn.values())), _MACHINES):
            wanted = {f"InstanceId.{number}": one for number, one in enumerate(batch, 1)}
            page = await self.query("ec2", EC2_VERSION, "DescribeInstances", wanted, own=False)
            for reservation in each(page, "reservationSet"):
                for one in each(reservation, "instancesSet"):
                    machine = _Machine(
                        text(one, "instanceId"),
                        text(one, "privateIpAddress"),
                        text(one, "ipAddress"),
                        text(one, "subnetId"),
                        text(one, "instanceType"),
                        {text(tag, "key"): text(tag, "value") for tag in each(one, "tagSet")},
                    )
                    if machine.private_ip:
                        known[machine.identity] = machine
        bare = {arn: _Machine(identity, "", "", "", "", {}) for arn, identity in by_arn.items()}
        return {arn: known.get(machine.identity, machine) for arn, machine in bare.items()}

    async def _public_addresses(self, tasks: Iterable[Object]) -> dict[str, str]:
        """The public addresses of network interfaces, by their ids."""
        interfaces = sorted({one["networkInterfaceId"] for one in map(_interface, tasks) if one})
        found: dict[str, str] = {}
        for batch in _batches(interfaces, _MACHINES):
            wanted = {f"NetworkInterfaceId.{number}": one for number, one in enumerate(batch, 1)}
            page = await self.query(
                "ec2", EC2_VERSION, "DescribeNetworkInterfaces", wanted, own=False
            )
            for one in each(page, "networkInterfaceSet"):
                found[text(one, "networkInterfaceId")] = text(one, "association/publicIp")
        return found

    def _target(
        self,
        cluster: Object,
        service: Object,
        task: Object,
        machines: Mapping[str, _Machine],
        public: Mapping[str, str],
    ) -> Found | None:
        """None for a task that has no address."""
        interface, machine = _interface(task), None
        if _on_machine(task):
            machine = machines.get(task["containerInstanceArn"])
        if interface:
            mode, address = "awsvpc", interface.get("privateIPv4Address", "")
            subnet = interface.get("subnetId", "")
            public_ip = public.get(interface["networkInterfaceId"], "")
        elif machine is not None:
            mode, address = "bridge", machine.private_ip
            subnet, public_ip = machine.subnet, machine.public_ip
        else:
            return None
        if not address:
            return None
        own = {
            "cluster": cluster.get("clusterName"),
            "cluster_arn": service["clusterArn"],
            "service": service["serviceName"],
            "service_arn": service["serviceArn"],
            "service_status": service.get("status"),
            "task_group": task.get("group"),
            "task_arn": task["taskArn"],
            "task_definition": task.get("taskDefinitionArn"),
            "region": self.source,
            "availability_zone": task.get("availabilityZone"),
            "subnet_id": subnet,
            "ip_address": address,
            "launch_type": task.get("launchType"),
            "desired_status": task.get("desiredStatus"),
            "last_status": task.get("lastStatus"),
            "health_status": task.get("healthStatus"),
            "platform_family": task.get("platformFamily"),
            "platform_version": task.get("platformVersion"),
            "network_mode": mode,
            "container_instance_arn": task.get("containerInstanceArn"),
            "public_ip": public_ip,
        }
        if machine is not None:
            own |= {
                "ec2_instance_id": machine.identity,
                "ec2_instance_type": machine.kind,
                "ec2_instance_private_ip": machine.private_ip,
                "ec2_instance_public_ip": machine.public_ip,
            }
        on = () if machine is None else machine.tags.items()
        labels = {
            **under(_PREFIX, own),
            **tags(f"{_PREFIX}tag_cluster_", cluster.get("tags")),
            **tags(f"{_PREFIX}tag_service_", service.get("tags")),
            **tags(f"{_PREFIX}tag_task_", task.get("tags")),
            **tags(f"{_PREFIX}tag_ec2_", ({"key": name, "value": value} for name, value in on)),
        }
        return Found(host_port(address, self.port), labels)

    async def _arns(self, operation: str, kind: str, **parameters: Any) -> list[str]:
        async def page(token: str) -> Any:
            return await self._call(
                operation, **parameters, **({"nextToken": token} if token else {})
            )

        following = pages(page, lambda one: at(one, "nextToken"))
        return [arn async for content in following for arn in items(content.get(kind))]

    async def _call(self, operation: str, **parameters: Any) -> Any:
        return await self.call("ecs", _TARGET + operation, parameters)


def _on_machine(task: Object) -> bool:
    return bool(task.get("containerInstanceArn"))


def _interface(task: Object) -> dict[str, str]:
    """The details of the network interface that a task has of its own; empty without one."""
    for attachment in task.get("attachments") or ():
        if attachment.get("type") == "ElasticNetworkInterface":
            details = attachment.get("details") or ()
            found = {one["name"]: one.get("value") or "" for one in details}
            return {"networkInterfaceId": "", **found}
    return {}


def _batches(whole: Sequence[str], size: int) -> Iterator[list[str]]:
    return (list(whole[start : start + size]) for start in range(0, len(whole), size))
