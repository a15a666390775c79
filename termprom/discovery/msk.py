"""msk_sd_configs: the brokers and controllers of Amazon's managed Kafka clusters."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from termprom.discovery.aws import AWSMechanism
from termprom.discovery.labelled import Found, host_port, prefixed, under
from termprom.discovery.polled import at, gathered, items, pages

log = logging.getLogger("termprom.discovery")

_PREFIX: Final = "__meta_msk_"
_PROVISIONED: Final = "PROVISIONED"

Object = Mapping[str, Any]


class MSKDiscovery(AWSMechanism):
    async def find(self) -> list[Found]:
        concurrent = int(self.values["request_concurrency"])
        await self.region()
        if self.values["clusters"]:
            clusters = await gathered(
                self._described, self.values["clusters"], concurrent=concurrent
            )
        else:
            clusters = await self._all(
                "/api/v2/clusters", "clusterInfoList", clusterTypeFilter=_PROVISIONED
            )
        # The others have no nodes that could be scraped.
        clusters = [one for one in clusters if one.get("clusterType") == _PROVISIONED]
        found = await gathered(self._targets, clusters, concurrent=concurrent)
        return [target for targets in found for target in targets]

    async def _described(self, arn: str) -> Object:
        content = await self.get("kafka", f"/api/v2/clusters/{quote(arn, safe='')}")
        cluster: Object = content["clusterInfo"]
        return cluster

    async def _targets(self, cluster: Object) -> list[Found]:
        path = f"/v1/clusters/{quote(cluster['clusterArn'], safe='')}/nodes"
        nodes = await self._all(path, "nodeInfoList")
        return [target for node in nodes for target in self._node(cluster, node)]

    async def _all(self, path: str, kind: str, **parameters: str) -> list[Object]:
        async def page(token: str) -> Any:
            more = {"nextToken": token} if token else {}
            return await self.get("kafka", path, maxResults="100", **parameters, **more)

        following = pages(page, lambda one: at(one, "nextToken"))
        return [one async for content in following for one in items(content.get(kind))]

    def _node(self, cluster: Object, node: Object) -> Iterator[Found]:
        software = at(cluster, "provisioned", "currentBrokerSoftwareInfo") or {}
        exporters = at(cluster, "provisioned", "openMonitoring", "prometheus") or {}
        own = {
            "cluster_name": cluster.get("clusterName"),
            "cluster_arn": cluster["clusterArn"],
            "cluster_state": cluster.get("state"),
            "cluster_type": cluster.get("clusterType"),
            "cluster_version": cluster.get("currentVersion"),
            "cluster_jmx_exporter_enabled": at(exporters, "jmxExporter", "enabledInBroker"),
            "cluster_configuration_arn": software.get("configurationArn"),
            "cluster_configuration_revision": software.get("configurationRevision"),
            "cluster_kafka_version": software.get("kafkaVersion"),
            "node_arn": node.get("nodeARN"),
            "node_added_time": node.get("addedToClusterTime"),
            "node_instance_type": node.get("instanceType"),
        }
        broker, controller = node.get("brokerNodeInfo"), node.get("controllerNodeInfo")
        kind, place = ("broker", broker) if broker else ("controller", controller or {})
        if broker:
            own |= {
                "node_attached_eni": broker.get("attachedENIId"),
                "broker_id": int(broker.get("brokerId") or 0),
                "broker_client_subnet": broker.get("clientSubnet"),
                "broker_client_vpc_ip": broker.get("clientVpcIpAddress"),
                "broker_node_exporter_enabled": at(exporters, "nodeExporter", "enabledInBroker"),
            }
        for number, name in enumerate(place.get("endpoints") or ()):
            labels = {
                **under(_PREFIX, own),
                **prefixed(f"{_PREFIX}cluster_tag_", cluster.get("tags")),
                f"{_PREFIX}node_type": kind.upper(),
                f"{_PREFIX}{kind}_endpoint_index": str(number),
            }
            yield Found(host_port(name, self.port), labels)
