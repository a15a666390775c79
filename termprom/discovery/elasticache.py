"""elasticache_sd_configs: the nodes of Amazon ElastiCache clusters, and serverless caches."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from termprom.discovery.aws import AWSMechanism
from termprom.discovery.aws_attributes import attributes, tag_labels
from termprom.discovery.labelled import Found, host_port, under
from termprom.discovery.polled import gathered, pages
from termprom.discovery.xml_answers import each, text

log = logging.getLogger("termprom.discovery")

_PREFIX: Final = "__meta_elasticache_"
_CLUSTER: Final = f"{_PREFIX}cache_cluster_"
_SERVERLESS: Final = f"{_PREFIX}serverless_cache_"
_VERSION: Final = "2015-02-02"
_PENDING: Final = "PendingModifiedValues"
_CLUSTER_NAMES: Final = """
    arn at_rest_encryption_enabled auth_token_enabled auto_minor_version_upgrade
    cache_cluster_create_time cache_cluster_id cache_cluster_status cache_node_type
    cache_subnet_group_name client_download_landing_page engine engine_version ip_discovery
    network_type num_cache_nodes preferred_availability_zone preferred_maintenance_window
    preferred_outpost_arn replication_group_id replication_group_log_delivery_enabled
    snapshot_retention_limit snapshot_window transit_encryption_enabled transit_encryption_mode
"""
_CLUSTER_RENAMED: Final = {
    "auth_token_last_modified": "AuthTokenLastModifiedDate",
    "cache_parameter_group": "CacheParameterGroup/CacheParameterGroupName",
    "configuration_endpoint_address": "ConfigurationEndpoint/Address",
    "configuration_endpoint_port": "ConfigurationEndpoint/Port",
    "notification_topic_arn": "NotificationConfiguration/TopicArn",
    "notification_topic_status": "NotificationConfiguration/TopicStatus",
    "pending_modified_values_auth_token_status": f"{_PENDING}/AuthTokenStatus",
    "pending_modified_values_cache_node_type": f"{_PENDING}/CacheNodeType",
    "pending_modified_values_engine_version": f"{_PENDING}/EngineVersion",
    "pending_modified_values_num_cache_nodes": f"{_PENDING}/NumCacheNodes",
    "pending_modified_values_transit_encryption_enabled": f"{_PENDING}/TransitEncryptionEnabled",
    "pending_modified_values_transit_encryption_mode": f"{_PENDING}/TransitEncryptionMode",
}
_LOG_PATHS: Final = {
    "destination_type": "DestinationType",
    "log_format": "LogFormat",
    "log_type": "LogType",
    "status": "Status",
    "message": "Message",
    "log_group": "DestinationDetails/CloudWatchLogsDetails/LogGroup",
    "delivery_stream": "DestinationDetails/KinesisFirehoseDetails/DeliveryStream",
}
_NODE_RENAMED: Final = {
    "create_time": "CacheNodeCreateTime",
    "id": "CacheNodeId",
    "status": "CacheNodeStatus",
    "availability_zone": "CustomerAvailabilityZone",
    "customer_outpost_arn": "CustomerOutpostArn",
    "source_cache_node_id": "SourceCacheNodeId",
    "parameter_group_status": "ParameterGroupStatus",
    "endpoint_address": "Endpoint/Address",
    "endpoint_port": "Endpoint/Port",
}
_SERVERLESS_NAMES: Final = """
    arn create_time description engine full_engine_version major_engine_version status
    kms_key_id user_group_id daily_snapshot_time snapshot_retention_limit
"""
_SERVERLESS_RENAMED: Final = {
    "name": "ServerlessCacheName",
    "endpoint_address": "Endpoint/Address",
    "endpoint_port": "Endpoint/Port",
    "endpoint_reader_address": "ReaderEndpoint/Address",
    "endpoint_reader_port": "ReaderEndpoint/Port",
    "cache_usage_limit_data_storage_maximum": "CacheUsageLimits/DataStorage/Maximum",
    "cache_usage_limit_data_storage_minimum": "CacheUsageLimits/DataStorage/Minimum",
    "cache_usage_limit_data_storage_unit": "CacheUsageLimits/DataStorage/Unit",
    "cache_usage_limit_ecpu_per_second_maximum": "CacheUsageLimits/ECPUPerSecond/Maximum",
    "cache_usage_limit_ecpu_per_second_minimum": "CacheUsageLimits/ECPUPerSecond/Minimum",
}


class ElastiCacheDiscovery(AWSMechanism):
    async def find(self) -> list[Found]:
        await self.region()
        serverless_names, cluster_names = split_arns(self.values["clusters"])
        asked_for_all = not self.values["clusters"]
        serverless = await self._serverless(serverless_names, everything=asked_for_all)
        clusters = await self._clusters(cluster_names, everything=asked_for_all)
        arns = sorted({text(one, "ARN") for one in (*serverless, *clusters)} - {""})
        listed = await gathered(self._tags, arns, concurrent=self._concurrent)
        tags = dict(zip(arns, listed, strict=True))
        found = [_serverless_target(one, tags.get(text(one, "ARN"))) for one in serverless]
        found += [
            target for one in clusters for target in _node_targets(one, tags.get(text(one, "ARN")))
        ]
        return [target for target in found if target is not None]

    @property
    def _concurrent(self) -> int:
        return int(self.values["request_concurrency"])

    async def _serverless(self, names: Sequence[str], *, everything: bool) -> list[Element]:
        async def described(name: str) -> list[Element]:
            where = {"ServerlessCacheName": name} if name else {}
            return await self._all(
                "DescribeServerlessCaches", "ServerlessCaches", "member", "NextToken", **where
            )

        wanted = [""] if everything else names
        found = await gathered(described, wanted, concurrent=self._concurrent)
        return [one for caches in found for one in caches]

    async def _clusters(self, names: Sequence[str], *, everything: bool) -> list[Element]:
        async def described(asked: tuple[str, str]) -> list[Element]:
            name, alone = asked
            where = {"CacheClusterId": name} if name else {}
            return await self._all(
                "DescribeCacheClusters",
                "CacheClusters",
                "CacheCluster",
                "Marker",
                ShowCacheNodeInfo="true",
                ShowCacheClustersNotInReplicationGroups=alone,
                **where,
            )

        wanted = [""] if everything else names
        # Asked both ways; a cluster that is in both answers is found once.
        asked = [(name, alone) for name in wanted for alone in ("false", "true")]
        found = await gathered(described, asked, concurrent=self._concurrent)
        return list({text(one, "CacheClusterId"): one for group in found for one in group}.values())

    async def _tags(self, arn: str) -> Element | None:
        root = await self.query(
            "elasticache", _VERSION, "ListTagsForResource", {"ResourceName": arn}
        )
        return root.find("ListTagsForResourceResult")

    async def _all(
        self, action: str, kinds: str, kind: str, marker: str, **where: str
    ) -> list[Element]:
        async def page(token: str) -> Element:
            more = {marker: token} if token else {}
            return await self.query("elasticache", _VERSION, action, {**where, **more})

        following = pages(page, lambda one: text(one, f"{action}Result/{marker}"))
        return [
            one async for root in following for one in each(root, f"{action}Result/{kinds}", kind)
        ]


def split_arns(arns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names of serverless caches, and those of clusters; a malformed ARN is left out."""
    found: dict[str, list[str]] = {"serverlesscache": [], "replicationgroup": []}
    for arn in arns:
        parts = arn.split(":")
        if len(parts) < 7:
            log.warning("not an ARN of ElastiCache: %s", arn)
        elif parts[5] in found:
            found[parts[5]].append(parts[6])
    return found["serverlesscache"], found["replicationgroup"]


def _tag_labels(tags: Element | None, prefix: str) -> dict[str, str]:
    return {} if tags is None else tag_labels(tags, prefix)


def _numbered(element: Element, path: str, item: str, prefix: str) -> Iterator[tuple[str, str]]:
    for number, one in enumerate(each(element, path, item)):
        yield f"{prefix}_{number}", (one.text or "").strip()


def _serverless_target(cache: Element, tags: Element | None) -> Found | None:
    """None for a cache that has no endpoint yet."""
    address, port = text(cache, "Endpoint/Address"), text(cache, "Endpoint/Port")
    if not address or not port:
        return None
    own = {
        **attributes(cache, _SERVERLESS_NAMES, _SERVERLESS_RENAMED),
        **dict(_numbered(cache, "SecurityGroupIds", "SecurityGroupId", "security_group_id")),
        **dict(_numbered(cache, "SubnetIds", "SubnetId", "subnet_id")),
    }
    labels = {
        f"{_PREFIX}deployment_option": "serverless",
        **under(_SERVERLESS, own),
        **_tag_labels(tags, f"{_SERVERLESS}tag_"),
    }
    return Found(host_port(address, port), labels)


def _node_targets(cluster: Element, tags: Element | None) -> Iterator[Found]:
    shared = {
        f"{_PREFIX}deployment_option": "node",
        **under(_CLUSTER, attributes(cluster, _CLUSTER_NAMES, _CLUSTER_RENAMED)),
        **under(_CLUSTER, dict(_of_lists(cluster))),
        **_tag_labels(tags, f"{_CLUSTER}tag_"),
    }
    for node in each(cluster, "CacheNodes", "CacheNode"):
        address, port = text(node, "Endpoint/Address"), text(node, "Endpoint/Port")
        if address and port:
            own: Mapping[str, str] = attributes(node, "", _NODE_RENAMED)
            yield Found(host_port(address, port), {**shared, **under(f"{_CLUSTER}node_", own)})


def _of_lists(cluster: Element) -> Iterator[tuple[str, str]]:
    """The attributes that a cluster has several of, by their place."""
    logs = each(cluster, "LogDeliveryConfigurations", "LogDeliveryConfiguration")
    for number, one in enumerate(logs):
        for name, path in _LOG_PATHS.items():
            yield f"log_delivery_configuration_{name}_{number}", text(one, path)
    for number, one in enumerate(each(cluster, "SecurityGroups", "member")):
        yield f"security_group_membership_id_{number}", text(one, "SecurityGroupId")
        yield f"security_group_membership_status_{number}", text(one, "Status")
    removed = each(cluster, f"{_PENDING}/CacheNodeIdsToRemove", "CacheNodeId")
    removed_ids = [one.text or "" for one in removed]
    yield "pending_modified_values_cache_node_ids_to_remove", ",".join(removed_ids)
