"""ECS, MSK, RDS and ElastiCache, and the key that stands for all, against the shapes of AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from aiohttp import web

from termprom.config.schema import Secret
from tests.discovery.cases import form_of
from tests.discovery.fakes import Site, plain, running, site, until, value
from tests.discovery.mechanisms import found, mechanism, named

_KEYS = {"region": "eu-west-1", "access_key": "AKID", "secret_key": Secret("hush")}
_FAILURES = "prometheus_sd_refresh_failures_total"


# --- ECS --------------------------------------------------------------------------------------

_CLUSTER = {
    "clusterArn": "arn:c1",
    "clusterName": "main",
    "tags": [{"key": "my-env", "value": "prod"}],
}
_SERVICE = {
    "clusterArn": "arn:c1",
    "serviceName": "web",
    "serviceArn": "arn:s1",
    "status": "ACTIVE",
    "tags": [{"key": "team", "value": "t"}],
}


def _task(number: int, **more: Any) -> dict[str, Any]:
    return {
        "taskArn": f"arn:t{number}",
        "group": "service:web",
        "taskDefinitionArn": "arn:td",
        "launchType": "FARGATE",
        "availabilityZone": "eu-west-1a",
        "desiredStatus": "RUNNING",
        "lastStatus": "RUNNING",
        "healthStatus": "HEALTHY",
        "tags": [{"key": "task-tag", "value": "v"}],
        **more,
    }


_ATTACHED = {
    "type": "ElasticNetworkInterface",
    "details": [
        {"name": "networkInterfaceId", "value": "eni-1"},
        {"name": "privateIPv4Address", "value": "10.0.0.1"},
        {"name": "subnetId", "value": "sn-1"},
    ],
}
_TASKS = [
    _task(1, attachments=[_ATTACHED], platformFamily="Linux", platformVersion="1.4.0"),
    _task(2, containerInstanceArn="arn:ci", launchType="EC2"),
    _task(3),
]
_MACHINES = """<DescribeInstancesResponse><reservationSet><item><instancesSet><item>
<instanceId>i-1</instanceId><privateIpAddress>10.1.0.1</privateIpAddress><ipAddress>1.1.1.1</ipAddress>
<subnetId>sn-9</subnetId><instanceType>t3</instanceType>
<tagSet><item><key>host</key><value>h</value></item></tagSet>
</item></instancesSet></item></reservationSet></DescribeInstancesResponse>"""
_INTERFACES = """<R><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>
<association><publicIp>2.2.2.2</publicIp></association></item></networkInterfaceSet></R>"""


def _ecs(server: Site, **instead: Any) -> None:
    """ECS and EC2 at one address, told apart as AWS does: by a header or a form's action."""
    arns: Mapping[str, Any] = {
        "ListClusters": {"clusterArns": ["arn:c1"]},
        "ListServices": {"serviceArns": ["arn:s1"]},
        "DescribeClusters": {"clusters": [_CLUSTER]},
        "DescribeServices": {"services": [_SERVICE]},
        "DescribeContainerInstances": {
            "containerInstances": [{"containerInstanceArn": "arn:ci", "ec2InstanceId": "i-1"}]
        },
        **instead,
    }

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if not operation:
            action = form_of(body)["Action"]
            return web.Response(text=_MACHINES if action == "DescribeInstances" else _INTERFACES)
        asked = orjson.loads(body)
        if operation == "ListTasks":
            more = asked.get("nextToken") == "more"
            return web.json_response(
                {"taskArns": ["arn:t3"]}
                if more
                else {"taskArns": ["arn:t1", "arn:t2"], "nextToken": "more"}
            )
        if operation == "DescribeTasks":
            return web.json_response(
                {"tasks": [one for one in _TASKS if one["taskArn"] in asked["tasks"]]}
            )
        found = arns[operation]
        return found if isinstance(found, web.Response) else web.json_response(found)

    server.answers["/"] = answer


async def test_tasks_with_an_interface_of_their_own_and_on_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site() as server:
        _ecs(server)
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", server.url)
        own, on_machine = await found("ecs", endpoint=server.url, **_KEYS)
        shared = {
            "cluster": "main",
            "cluster_arn": "arn:c1",
            "service": "web",
            "service_arn": "arn:s1",
            "service_status": "ACTIVE",
            "task_group": "service:web",
            "task_definition": "arn:td",
            "region": "eu-west-1",
            "availability_zone": "eu-west-1a",
            "desired_status": "RUNNING",
            "last_status": "RUNNING",
            "health_status": "HEALTHY",
            "tag_cluster_my_env": "prod",
            "tag_service_team": "t",
            "tag_task_task_tag": "v",
        }
        assert named("ecs", own) == {
            **shared,
            "__address__": "10.0.0.1:80",
            "task_arn": "arn:t1",
            "subnet_id": "sn-1",
            "ip_address": "10.0.0.1",
            "launch_type": "FARGATE",
            "platform_family": "Linux",
            "platform_version": "1.4.0",
            "network_mode": "awsvpc",
            "public_ip": "2.2.2.2",
        }
        assert named("ecs", on_machine) == {
            **shared,
            "__address__": "10.1.0.1:80",
            "task_arn": "arn:t2",
            "subnet_id": "sn-9",
            "ip_address": "10.1.0.1",
            "launch_type": "EC2",
            "network_mode": "bridge",
            "container_instance_arn": "arn:ci",
            "ec2_instance_id": "i-1",
            "ec2_instance_type": "t3",
            "ec2_instance_private_ip": "10.1.0.1",
            "ec2_instance_public_ip": "1.1.1.1",
            "public_ip": "1.1.1.1",
            "tag_ec2_host": "h",
        }
        asked = [request.headers.get("X-Amz-Target", "") for request in server.requests]
        assert "AmazonEC2ContainerServiceV20141113.ListTasks" in asked


async def test_machines_that_cannot_be_asked_for_do_not_cost_the_other_tasks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site() as server:
        _ecs(server, DescribeContainerInstances=web.Response(status=400, text="{}"))
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", server.url)
        targets = await found("ecs", endpoint=server.url, clusters=("arn:c1",), **_KEYS)
        assert [one["__meta_ecs_task_arn"] for one in targets] == ["arn:t1"]
        asked = [request.headers.get("X-Amz-Target", "") for request in server.requests]
        assert not any(one.endswith("ListClusters") for one in asked)


# --- MSK --------------------------------------------------------------------------------------

_ARN = "arn:aws:kafka:eu-west-1:1:cluster/main/uuid"
_KAFKA = {
    "clusterArn": _ARN,
    "clusterName": "main",
    "clusterType": "PROVISIONED",
    "currentVersion": "K1",
    "state": "ACTIVE",
    "tags": {"my-env": "prod"},
    "provisioned": {
        "currentBrokerSoftwareInfo": {
            "kafkaVersion": "3.6.0",
            "configurationArn": "arn:conf",
            "configurationRevision": 2,
        },
        "openMonitoring": {
            "prometheus": {
                "jmxExporter": {"enabledInBroker": True},
                "nodeExporter": {"enabledInBroker": False},
            }
        },
    },
}
_NODES = [
    {
        "nodeARN": "arn:n1",
        "addedToClusterTime": "2024",
        "instanceType": "kafka.m5",
        "brokerNodeInfo": {
            "attachedENIId": "eni-1",
            "brokerId": 1.0,
            "clientSubnet": "sn-1",
            "clientVpcIpAddress": "10.0.0.1",
            "endpoints": ["b-1.example", "b-1b.example"],
        },
    },
    {"nodeARN": "arn:n2", "controllerNodeInfo": {"endpoints": ["c-1.example"]}},
    {"nodeARN": "arn:n3"},
]


async def test_brokers_and_controllers() -> None:
    async with site() as server:

        async def clusters(request: web.Request) -> web.Response:
            if request.query.get("nextToken") == "a/b+c":
                return web.json_response({"clusterInfoList": [_KAFKA]})
            serverless = {"clusterArn": "x", "clusterType": "SERVERLESS"}
            return web.json_response({"clusterInfoList": [serverless], "nextToken": "a/b+c"})

        server.answers["/api/v2/clusters"] = clusters
        server.answers[f"/v1/clusters/{_ARN}/nodes"] = {"nodeInfoList": _NODES}
        targets = await found("msk", endpoint=server.url, **_KEYS)
        shared = {
            "cluster_name": "main",
            "cluster_arn": _ARN,
            "cluster_state": "ACTIVE",
            "cluster_type": "PROVISIONED",
            "cluster_version": "K1",
            "cluster_jmx_exporter_enabled": "true",
            "cluster_configuration_arn": "arn:conf",
            "cluster_configuration_revision": "2",
            "cluster_kafka_version": "3.6.0",
            "cluster_tag_my_env": "prod",
        }
        broker = {
            **shared,
            "node_type": "BROKER",
            "node_arn": "arn:n1",
            "node_added_time": "2024",
            "node_instance_type": "kafka.m5",
            "node_attached_eni": "eni-1",
            "broker_id": "1",
            "broker_client_subnet": "sn-1",
            "broker_client_vpc_ip": "10.0.0.1",
            "broker_node_exporter_enabled": "false",
        }
        assert [named("msk", one) for one in targets] == [
            {**broker, "__address__": "b-1.example:80", "broker_endpoint_index": "0"},
            {**broker, "__address__": "b-1b.example:80", "broker_endpoint_index": "1"},
            {
                **shared,
                "__address__": "c-1.example:80",
                "node_type": "CONTROLLER",
                "node_arn": "arn:n2",
                "controller_endpoint_index": "0",
            },
        ]
        # A path with an ARN goes out as it was signed: with its slashes and colons quoted.
        raw = {request.rel_url.raw_path for request in server.requests}
        assert "/v1/clusters/arn%3Aaws%3Akafka%3Aeu-west-1%3A1%3Acluster%2Fmain%2Fuuid/nodes" in raw


# --- RDS --------------------------------------------------------------------------------------

_DB_CLUSTER = """<DBClusterArn>arn:db</DBClusterArn><DBClusterIdentifier>main</DBClusterIdentifier>
<Engine>aurora</Engine><Port>5432</Port><MultiAZ>true</MultiAZ>
<IAMDatabaseAuthenticationEnabled>false</IAMDatabaseAuthenticationEnabled>
<PerformanceInsightsKMSKeyId>k</PerformanceInsightsKMSKeyId><KmsKeyId>kk</KmsKeyId>
<ClusterCreateTime>2024-01-02T03:04:05.678Z</ClusterCreateTime><DBSubnetGroup>sg</DBSubnetGroup>
<DBClusterParameterGroup>pg</DBClusterParameterGroup><DbClusterResourceId>res</DbClusterResourceId>
<DBClusterInstanceClass>db.r6</DBClusterInstanceClass><NotALabel>x</NotALabel>
<DBClusterMembers><DBClusterMember><DBInstanceIdentifier>i1</DBInstanceIdentifier>
<IsClusterWriter>true</IsClusterWriter></DBClusterMember></DBClusterMembers>
<TagList><Tag><Key>my-env</Key><Value>prod</Value></Tag></TagList>"""
_DB_INSTANCE = """<DBInstanceIdentifier>i1</DBInstanceIdentifier>
<DBInstanceArn>arn:i1</DBInstanceArn>
<DBInstanceClass>db.r6g</DBInstanceClass><DBInstanceStatus>available</DBInstanceStatus>
<DbInstancePort>0</DbInstancePort><DbiResourceId>dbi</DbiResourceId><Engine>aurora</Engine>
<CACertificateIdentifier>ca</CACertificateIdentifier><PromotionTier>1</PromotionTier>
<DBSubnetGroup><DBSubnetGroupName>sgn</DBSubnetGroupName></DBSubnetGroup>
<Endpoint><Address>i1.example</Address><Port>5432</Port><HostedZoneId>z</HostedZoneId></Endpoint>
<TagList><Tag><Key>who</Key><Value>me</Value></Tag></TagList>"""


def _rds(server: Site) -> None:
    async def answer(request: web.Request) -> web.Response:
        form = form_of(await request.read())
        if form["Action"] == "DescribeDBClusters":
            inner = f"<DBClusters><DBCluster>{_DB_CLUSTER}</DBCluster></DBClusters>"
        elif form.get("Marker") == "2":
            inner = "<DBInstances><DBInstance><DBInstanceIdentifier>new</DBInstanceIdentifier>"
            inner += "</DBInstance></DBInstances>"
        else:
            inner = f"<DBInstances><DBInstance>{_DB_INSTANCE}</DBInstance></DBInstances>"
            inner += "<Marker>2</Marker>"
        name = f"{form['Action']}Result"
        return web.Response(text=f"<R xmlns='urn:x'><{name}>{inner}</{name}></R>")

    server.answers["/"] = answer


_RDS_LABELS = {
    "__address__": "i1.example:80",
    "cluster_arn": "arn:db",
    "cluster_identifier": "main",
    "cluster_engine": "aurora",
    "cluster_port": "5432",
    "cluster_multi_az": "true",
    "cluster_iam_database_authentication_enabled": "false",
    "cluster_performance_insights_kms_key_id": "k",
    "cluster_kms_key_id": "kk",
    "cluster_cluster_create_time": "2024-01-02T03:04:05Z",
    "cluster_subnet_group": "sg",
    "cluster_parameter_group": "pg",
    "cluster_resource_id": "res",
    "cluster_instance_class": "db.r6",
    "cluster_tag_my_env": "prod",
    "instance_identifier": "i1",
    "instance_arn": "arn:i1",
    "instance_class": "db.r6g",
    "instance_status": "available",
    "instance_port": "0",
    "instance_resource_id": "dbi",
    "instance_engine": "aurora",
    "instance_ca_certificate_identifier": "ca",
    "instance_promotion_tier": "1",
    "instance_subnet_group": "sgn",
    "instance_endpoint_address": "i1.example",
    "instance_endpoint_port": "5432",
    "instance_endpoint_hosted_zone_id": "z",
    "instance_is_cluster_writer": "true",
    "instance_tag_who": "me",
}


@pytest.mark.parametrize("clusters", [(), ("arn:db",)])
async def test_instances_of_database_clusters(clusters: tuple[str, ...]) -> None:
    async with site() as server:
        _rds(server)
        filters = ({"name": "engine", "values": ("aurora",)},)
        (target,) = await found(
            "rds", endpoint=server.url, clusters=clusters, filters=filters, **_KEYS
        )
        assert named("rds", target) == _RDS_LABELS
        first, second = form_of(server.bodies[0]), form_of(server.bodies[1])
        assert first.get("DBClusterIdentifier") == (clusters[0] if clusters else None)
        assert second["Filters.Filter.1.Name"] == "db-cluster-id"
        assert second["Filters.Filter.1.Values.Value.1"] == "arn:db"
        assert second["Filters.Filter.2.Values.Value.1"] == "aurora"


async def test_one_key_stands_for_every_role() -> None:
    async with site() as server:
        _rds(server)
        (target,) = await found("aws", role="rds", endpoint=server.url, **_KEYS)
        assert named("rds", target) == _RDS_LABELS


# --- ElastiCache ------------------------------------------------------------------------------

_CACHE = """<CacheCluster><ARN>arn:cc</ARN><CacheClusterId>cc</CacheClusterId>
<CacheClusterStatus>available</CacheClusterStatus><Engine>redis</Engine>
<AuthTokenLastModifiedDate>2024-01-02T03:04:05Z</AuthTokenLastModifiedDate>
<CacheParameterGroup><CacheParameterGroupName>pg</CacheParameterGroupName></CacheParameterGroup>
<ConfigurationEndpoint><Address>conf</Address><Port>1</Port></ConfigurationEndpoint>
<PendingModifiedValues><NumCacheNodes>3</NumCacheNodes><CacheNodeIdsToRemove>
<CacheNodeId>0002</CacheNodeId><CacheNodeId>0003</CacheNodeId></CacheNodeIdsToRemove>
</PendingModifiedValues>
<SecurityGroups><member><SecurityGroupId>sg-1</SecurityGroupId><Status>active</Status></member>
</SecurityGroups><LogDeliveryConfigurations><LogDeliveryConfiguration><LogType>slow-log</LogType>
<DestinationDetails><CloudWatchLogsDetails><LogGroup>lg</LogGroup></CloudWatchLogsDetails>
</DestinationDetails></LogDeliveryConfiguration></LogDeliveryConfigurations>
<CacheNodes><CacheNode><CacheNodeId>0001</CacheNodeId><CacheNodeStatus>available</CacheNodeStatus>
<CustomerAvailabilityZone>a</CustomerAvailabilityZone><Endpoint><Address>n1</Address>
<Port>6379</Port></Endpoint></CacheNode><CacheNode><CacheNodeId>0002</CacheNodeId></CacheNode>
</CacheNodes></CacheCluster>"""
_SERVERLESS = """<ServerlessCaches><member><ARN>arn:sc</ARN>
<ServerlessCacheName>sc</ServerlessCacheName><Status>available</Status><Engine>valkey</Engine>
<Endpoint><Address>s1</Address><Port>6379</Port></Endpoint>
<ReaderEndpoint><Address>r1</Address><Port>6380</Port></ReaderEndpoint>
<SecurityGroupIds><SecurityGroupId>sg-1</SecurityGroupId></SecurityGroupIds>
<SubnetIds><SubnetId>sn-1</SubnetId><SubnetId>sn-2</SubnetId></SubnetIds>
<CacheUsageLimits><DataStorage><Maximum>5</Maximum><Unit>GB</Unit></DataStorage>
<ECPUPerSecond><Maximum>1000</Maximum></ECPUPerSecond></CacheUsageLimits>
</member></ServerlessCaches>"""


def _elasticache(server: Site) -> None:
    async def answer(request: web.Request) -> web.Response:
        form = form_of(await request.read())
        action = form["Action"]
        if action == "DescribeServerlessCaches":
            inner = _SERVERLESS
        elif action == "ListTagsForResource":
            value = form["ResourceName"]
            inner = f"<TagList><Tag><Key>of</Key><Value>{value}</Value></Tag></TagList>"
        else:
            alone = form["ShowCacheClustersNotInReplicationGroups"] == "true"
            inner = f"<CacheClusters>{'' if alone else _CACHE}</CacheClusters>"
        return web.Response(text=f"<R><{action}Result>{inner}</{action}Result></R>")

    server.answers["/"] = answer


async def test_cache_nodes_and_serverless_caches() -> None:
    async with site() as server:
        _elasticache(server)
        node, serverless = await found("elasticache", endpoint=server.url, **_KEYS)
        assert named("elasticache", node) == {
            "__address__": "n1:6379",
            "deployment_option": "node",
            "cache_cluster_arn": "arn:cc",
            "cache_cluster_cache_cluster_id": "cc",
            "cache_cluster_cache_cluster_status": "available",
            "cache_cluster_engine": "redis",
            "cache_cluster_auth_token_last_modified": "2024-01-02T03:04:05Z",
            "cache_cluster_cache_parameter_group": "pg",
            "cache_cluster_configuration_endpoint_address": "conf",
            "cache_cluster_configuration_endpoint_port": "1",
            "cache_cluster_pending_modified_values_num_cache_nodes": "3",
            "cache_cluster_pending_modified_values_cache_node_ids_to_remove": "0002,0003",
            "cache_cluster_security_group_membership_id_0": "sg-1",
            "cache_cluster_security_group_membership_status_0": "active",
            "cache_cluster_log_delivery_configuration_log_type_0": "slow-log",
            "cache_cluster_log_delivery_configuration_log_group_0": "lg",
            "cache_cluster_node_id": "0001",
            "cache_cluster_node_status": "available",
            "cache_cluster_node_availability_zone": "a",
            "cache_cluster_node_endpoint_address": "n1",
            "cache_cluster_node_endpoint_port": "6379",
            "cache_cluster_tag_of": "arn:cc",
        }
        assert named("elasticache", serverless) == {
            "__address__": "s1:6379",
            "deployment_option": "serverless",
            "serverless_cache_arn": "arn:sc",
            "serverless_cache_name": "sc",
            "serverless_cache_status": "available",
            "serverless_cache_engine": "valkey",
            "serverless_cache_endpoint_address": "s1",
            "serverless_cache_endpoint_port": "6379",
            "serverless_cache_endpoint_reader_address": "r1",
            "serverless_cache_endpoint_reader_port": "6380",
            "serverless_cache_security_group_id_0": "sg-1",
            "serverless_cache_subnet_id_0": "sn-1",
            "serverless_cache_subnet_id_1": "sn-2",
            "serverless_cache_cache_usage_limit_data_storage_maximum": "5",
            "serverless_cache_cache_usage_limit_data_storage_unit": "GB",
            "serverless_cache_cache_usage_limit_ecpu_per_second_maximum": "1000",
            "serverless_cache_tag_of": "arn:sc",
        }


async def test_only_the_caches_that_are_named_are_asked_for() -> None:
    async with site() as server:
        _elasticache(server)
        arn = "arn:aws:elasticache:eu-west-1:1:replicationgroup:cc"
        (node,) = await found("elasticache", endpoint=server.url, clusters=(arn, "odd"), **_KEYS)
        assert node["__address__"] == "n1:6379"
        forms = [form_of(body) for body in server.bodies]
        assert {form["Action"] for form in forms} == {
            "DescribeCacheClusters",
            "ListTagsForResource",
        }
        assert forms[0]["CacheClusterId"] == "cc"


# --- All of them ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 429])
@pytest.mark.parametrize(
    ("kind", "serve"), [("ecs", _ecs), ("rds", _rds), ("elasticache", _elasticache)]
)
async def test_a_service_that_fails_keeps_what_was_found(
    kind: str, serve: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site() as server:
        serve(server)
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", server.url)
        discoverer, around, clock = mechanism(kind, endpoint=server.url, **_KEYS)
        async with running(discoverer) as emissions:
            await emissions.next()
            before = emissions.targets
            server.answers["/"] = plain("<Error/>", status=status)
            await clock.advance(60)
            at = {"mechanism": kind, "config": "job"}
            await until(lambda: value(around.metrics.registry, _FAILURES, **at) == 1)
            assert emissions.targets == before
            assert before
