"""EC2 and Lightsail discovery, against services on the loopback, and how requests are signed."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from termprom.config.schema import Secret
from termprom.discovery.aws_signature import Credentials, signed_headers
from tests.discovery.fakes import Site, plain, running, site, until, value
from tests.discovery.mechanisms import found, mechanism, named

_KEYS = {"region": "eu-west-1", "access_key": "AKID", "secret_key": Secret("hush")}
_XMLNS = 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'
_ZONES = f"""<DescribeAvailabilityZonesResponse {_XMLNS}><availabilityZoneInfo>
<item><zoneName>eu-west-1a</zoneName><zoneId>euw1-az3</zoneId></item>
</availabilityZoneInfo></DescribeAvailabilityZonesResponse>"""


def _instances(*instances: str, token: str = "") -> str:
    items = "".join(f"<item>{one}</item>" for one in instances)
    return (
        f"<DescribeInstancesResponse {_XMLNS}><reservationSet><item><ownerId>42</ownerId>"
        f"<instancesSet>{items}</instancesSet></item></reservationSet>"
        f"<nextToken>{token}</nextToken></DescribeInstancesResponse>"
    )


_FULL = """<instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceType>t3</instanceType>
<instanceState><name>running</name></instanceState><architecture>arm64</architecture>
<placement><availabilityZone>eu-west-1a</availabilityZone></placement>
<privateDnsName>p.internal</privateDnsName><privateIpAddress>10.0.0.1</privateIpAddress>
<dnsName>pub.example</dnsName><ipAddress>1.2.3.4</ipAddress><subnetId>sn-1</subnetId>
<vpcId>vpc-1</vpcId><tagSet><item><key>Env-x</key><value>prod</value></item></tagSet>
<networkInterfaceSet>
<item><subnetId>sn-1</subnetId><attachment><deviceIndex>0</deviceIndex></attachment></item>
<item><subnetId>sn-2</subnetId><attachment><deviceIndex>1</deviceIndex></attachment>
<ipv6AddressesSet><item><ipv6Address>fd00::1</ipv6Address><isPrimaryIpv6>true</isPrimaryIpv6>
</item></ipv6AddressesSet></item></networkInterfaceSet>"""


def _serve(server: Site, *pages: str) -> None:
    """Instances by pages: a page's number is the token that asks for it."""

    async def answer(request: web.Request) -> web.Response:
        form = parse_qs((await request.read()).decode())
        if form["Action"] == ["DescribeAvailabilityZones"]:
            return web.Response(text=_ZONES)
        return web.Response(text=pages[int(form.get("NextToken", ["0"])[0])])

    server.answers["/"] = answer


async def test_instances_of_all_pages_with_their_labels() -> None:
    async with site() as server:
        bare = "<instanceId>i-2</instanceId>"
        _serve(server, _instances(_FULL, token="1"), _instances(bare, bare.replace("2", "3")))
        filters = ({"name": "tag:env", "values": ("a", "b")},)
        (target,) = await found("ec2", endpoint=server.url, filters=filters, **_KEYS)
        assert named("ec2", target) == {
            "__address__": "10.0.0.1:80",
            "ami": "ami-1",
            "architecture": "arm64",
            "availability_zone": "eu-west-1a",
            "availability_zone_id": "euw1-az3",
            "default_ipv6_address": "fd00::1",
            "instance_id": "i-1",
            "instance_state": "running",
            "instance_type": "t3",
            "ipv6_addresses": ",fd00::1,",
            "owner_id": "42",
            "primary_ipv6_addresses": ",,fd00::1,",
            "primary_subnet_id": "sn-1",
            "private_dns_name": "p.internal",
            "private_ip": "10.0.0.1",
            "public_dns_name": "pub.example",
            "public_ip": "1.2.3.4",
            "region": "eu-west-1",
            "subnet_id": ",sn-1,sn-2,",
            "tag_Env_x": "prod",
            "vpc_id": "vpc-1",
        }
        asked = parse_qs(server.bodies[1].decode())
        assert asked["Filter.1.Name"] == ["tag:env"]
        assert asked["Filter.1.Value.2"] == ["b"]
        signature = server.requests[0].headers["Authorization"]
        assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKID/20231114/eu-west-1/ec2/")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (plain("<Response><Error><Code>AuthFailure</Code></Error></Response>", status=401), "Auth"),
        (plain("oops"), "not XML"),
        (plain("<!DOCTYPE x><x/>"), "declares entities"),
    ],
)
async def test_whatever_goes_wrong_keeps_the_instances(
    answer: object, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as server:
        _serve(server, _instances(_FULL))
        ec2, around, clock = mechanism("ec2", endpoint=server.url, **_KEYS)
        async with running(ec2) as emissions:
            await emissions.next()
            server.answers["/"] = answer
            await clock.advance(60)
            at = {"mechanism": "ec2", "config": "job"}
            failures = "prometheus_sd_refresh_failures_total"
            await until(lambda: value(around.metrics.registry, failures, **at) == 1)
            await until(lambda: bool(caplog.records))
            assert len(emissions.targets) == 1
    assert message in caplog.records[0].fields["error"]  # type: ignore[attr-defined]


async def test_keys_and_region_come_from_shared_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, config = tmp_path / "credentials", tmp_path / "config"
    keys.write_text("[p]\naws_access_key_id = SHARED\naws_secret_access_key = hush\n")
    config.write_text("[profile p]\nregion = ap-south-1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    async with site() as server:
        _serve(server, _instances(_FULL))
        (target,) = await found("ec2", endpoint=server.url, profile="p")
        assert target["__meta_ec2_region"] == "ap-south-1"
        assert "Credential=SHARED/" in server.requests[0].headers["Authorization"]


async def test_the_machine_lends_its_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "none"))
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(variable, raising=False)
    async with site() as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
        role = "/latest/meta-data/iam/security-credentials/"
        server.answers |= {
            "/latest/api/token": plain("t"),
            "/latest/meta-data/placement/region": plain("us-east-2"),
            role: plain("my-role\n"),
            f"{role}my-role": {
                "AccessKeyId": "ASIA",
                "SecretAccessKey": "hush",
                "Token": "session",
                "Expiration": "2033-01-01T00:00:00Z",
            },
        }
        _serve(server, _instances(_FULL))
        (target,) = await found("ec2", endpoint=server.url)
        assert target["__meta_ec2_region"] == "us-east-2"
        signed = next(one for one in server.requests if one.path == "/")
        assert signed.headers["X-Amz-Security-Token"] == "session"


async def test_lightsail_instances() -> None:
    instance = {
        "name": "n",
        "privateIpAddress": "10.0.0.1",
        "state": {"name": "running"},
        "location": {"availabilityZone": "a"},
        "blueprintId": "debian",
        "tags": [{"key": "a b", "value": "c"}],
    }
    async with site() as server:
        server.answers["/"] = {"instances": [instance, {"name": "no address"}]}
        (target,) = await found("lightsail", endpoint=server.url, **_KEYS)
        assert named("lightsail", target) == {
            "__address__": "10.0.0.1:80",
            "availability_zone": "a",
            "blueprint_id": "debian",
            "instance_name": "n",
            "instance_state": "running",
            "private_ip": "10.0.0.1",
            "region": "eu-west-1",
            "tag_a_b": "c",
        }
        assert server.requests[0].headers["X-Amz-Target"] == "Lightsail_20161128.GetInstances"


def test_a_request_is_signed_as_amazon_s_own_example() -> None:
    """The example "get-vanilla" of Amazon's published test suite."""
    headers = signed_headers(
        "GET",
        "https://example.amazonaws.com/",
        {},
        b"",
        Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        region="us-east-1",
        service="service",
        now_ms=1_440_938_160_000,
    )
    assert headers["X-Amz-Date"] == "20150830T123600Z"
    assert headers["Authorization"].endswith(
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )
