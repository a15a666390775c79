"""rds_sd_configs: the instances of Amazon RDS and Aurora clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element

from termprom.discovery.aws import AWSMechanism
from termprom.discovery.aws_attributes import attributes, tag_labels
from termprom.discovery.ec2 import filters
from termprom.discovery.labelled import Found, host_port, under
from termprom.discovery.polled import gathered, pages
from termprom.discovery.xml_answers import each, text
from termprom.errors import DiscoveryError

_CLUSTER: Final = "__meta_rds_cluster_"
_INSTANCE: Final = "__meta_rds_instance_"
_VERSION: Final = "2014-10-31"
_PER_PAGE: Final = "100"
_CLUSTER_NAMES: Final = """
    activity_stream_kinesis_stream_name activity_stream_kms_key_id activity_stream_mode
    activity_stream_status allocated_storage auto_minor_version_upgrade automatic_restart_time
    aws_backup_recovery_point_arn backtrack_consumed_change_records backtrack_window
    backup_retention_period capacity character_set_name clone_group_id cluster_create_time
    cluster_scalability_type copy_tags_to_snapshot cross_account_clone db_system_id
    database_insights_mode database_name deletion_protection earliest_backtrack_time
    earliest_restorable_time endpoint engine engine_lifecycle_support engine_mode engine_version
    global_cluster_identifier global_write_forwarding_requested global_write_forwarding_status
    hosted_zone_id http_endpoint_enabled iam_database_authentication_enabled
    io_optimized_next_allowed_modification_time iops kms_key_id latest_restorable_time
    local_write_forwarding_status master_username monitoring_interval monitoring_role_arn
    multi_az network_type percent_progress performance_insights_enabled
    performance_insights_kms_key_id performance_insights_retention_period port
    preferred_backup_window preferred_maintenance_window publicly_accessible reader_endpoint
    replication_source_identifier serverless_v2_platform_version status storage_encrypted
    storage_encryption_type storage_throughput storage_type upgrade_rollout_order
"""
_CLUSTER_RENAMED: Final = {
    "arn": "DBClusterArn",
    "identifier": "DBClusterIdentifier",
    "instance_class": "DBClusterInstanceClass",
    "parameter_group": "DBClusterParameterGroup",
    "subnet_group": "DBSubnetGroup",
    "resource_id": "DbClusterResourceId",
}
_INSTANCE_NAMES: Final = """
    activity_stream_engine_native_audit_fields_included activity_stream_kinesis_stream_name
    activity_stream_kms_key_id activity_stream_mode activity_stream_policy_status
    activity_stream_status allocated_storage auto_minor_version_upgrade automatic_restart_time
    automation_mode availability_zone aws_backup_recovery_point_arn backup_retention_period
    backup_target ca_certificate_identifier character_set_name copy_tags_to_snapshot
    custom_iam_instance_profile customer_owned_ip_enabled db_cluster_identifier db_name
    db_system_id database_insights_mode dedicated_log_volume deletion_protection engine
    engine_lifecycle_support engine_version enhanced_monitoring_resource_arn
    iam_database_authentication_enabled instance_create_time iops
    is_storage_config_upgrade_available kms_key_id latest_restorable_time license_model
    master_username max_allocated_storage monitoring_interval monitoring_role_arn multi_az
    multi_tenant nchar_character_set_name network_type percent_progress
    performance_insights_enabled performance_insights_kms_key_id
    performance_insights_retention_period preferred_backup_window preferred_maintenance_window
    promotion_tier publicly_accessible read_replica_source_db_cluster_identifier
    read_replica_source_db_instance_identifier replica_mode resume_full_automation_mode_time
    secondary_availability_zone storage_encrypted storage_encryption_type storage_throughput
    storage_type storage_volume_status tde_credential_arn timezone upgrade_rollout_order
"""
_INSTANCE_RENAMED: Final = {
    "arn": "DBInstanceArn",
    "class": "DBInstanceClass",
    "identifier": "DBInstanceIdentifier",
    "status": "DBInstanceStatus",
    "subnet_group": "DBSubnetGroup/DBSubnetGroupName",
    "port": "DbInstancePort",
    "resource_id": "DbiResourceId",
    "endpoint_address": "Endpoint/Address",
    "endpoint_hosted_zone_id": "Endpoint/HostedZoneId",
    "endpoint_port": "Endpoint/Port",
    "listener_endpoint_address": "ListenerEndpoint/Address",
    "listener_endpoint_hosted_zone_id": "ListenerEndpoint/HostedZoneId",
    "listener_endpoint_port": "ListenerEndpoint/Port",
}


class RDSDiscovery(AWSMechanism):
    async def find(self) -> list[Found]:
        await self.region()
        concurrent = int(self.values["request_concurrency"])
        if self.values["clusters"]:
            clusters = await gathered(self._named, self.values["clusters"], concurrent=concurrent)
        else:
            clusters = await self._all("Clusters", "Cluster")
        found = await gathered(self._targets, clusters, concurrent=concurrent)
        return [target for targets in found for target in targets]

    async def _named(self, arn: str) -> Element:
        found = await self._all("Clusters", "Cluster", DBClusterIdentifier=arn)
        if not found:
            raise DiscoveryError(f"no DB cluster found for ARN {arn}")
        return found[-1]

    async def _targets(self, cluster: Element) -> list[Found]:
        arn = text(cluster, "DBClusterArn")
        chosen = ({"name": "db-cluster-id", "values": (arn,)}, *self.values["filters"])
        instances = await self._all("Instances", "Instance", **filters(chosen, "Filters"))
        shared = {
            **under(_CLUSTER, attributes(cluster, _CLUSTER_NAMES, _CLUSTER_RENAMED)),
            **tag_labels(cluster, f"{_CLUSTER}tag_"),
        }
        writers = {
            text(one, "DBInstanceIdentifier"): text(one, "IsClusterWriter")
            for one in each(cluster, "DBClusterMembers", "DBClusterMember")
        }
        targets = (self._target(one, shared, writers) for one in instances)
        return [target for target in targets if target is not None]

    def _target(
        self, instance: Element, shared: Mapping[str, str], writers: Mapping[str, str]
    ) -> Found | None:
        """None for an instance that has no endpoint yet."""
        address = text(instance, "Endpoint/Address")
        if not address or not text(instance, "Endpoint/Port"):
            return None
        own = attributes(instance, _INSTANCE_NAMES, _INSTANCE_RENAMED)
        own["is_cluster_writer"] = writers.get(own["identifier"], "")
        tags = tag_labels(instance, f"{_INSTANCE}tag_")
        return Found(host_port(address, self.port), {**shared, **under(_INSTANCE, own), **tags})

    async def _all(self, kinds: str, kind: str, **where: str) -> list[Element]:
        result = f"DescribeDB{kinds}Result"

        async def page(marker: str) -> Element:
            more = {"Marker": marker} if marker else {}
            asked = {"MaxRecords": _PER_PAGE, **where, **more}
            return await self.query("rds", _VERSION, f"DescribeDB{kinds}", asked)

        following = pages(page, lambda one: text(one, f"{result}/Marker"))
        return [
            one
            async for root in following
            for one in each(root, f"{result}/DB{kinds}", f"DB{kind}")
        ]
