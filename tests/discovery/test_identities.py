"""Who a mechanism is for the clouds that want to know: tokens, signatures, accounts."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from termprom.config.schema import Secret
from termprom.discovery import azure_credentials
from termprom.discovery.access_token import AccessToken, Fetched
from termprom.discovery.gce import GCEDiscovery
from termprom.discovery.linode import LinodeDiscovery
from termprom.discovery.oci import OCIDiscovery
from termprom.discovery.openstack_identity import identity
from termprom.discovery.ovhcloud import addresses, signed
from termprom.discovery.stackit import StackitDiscovery
from termprom.errors import ConfigError
from termprom.testing.clock import ManualClock
from tests.discovery.cases import AZURE, GCE, LINODE, STACKIT, form_of
from tests.discovery.fakes import Emissions, Site, plain, running, site, until, value
from tests.discovery.keys import private_key, verified
from tests.discovery.mechanisms import found, mechanism, named, section


async def test_a_token_is_fetched_anew_shortly_before_its_end() -> None:
    clock, fetched = ManualClock(), iter(range(9))

    async def fetch() -> Fetched:
        return f"t{next(fetched)}", 3600.0

    token = AccessToken(clock, fetch)
    assert (await token.headers())["Authorization"] == "Bearer t0"
    await clock.advance(3299)
    assert (await token.headers())["Authorization"] == "Bearer t0"
    await clock.advance(1)
    assert (await token.headers())["Authorization"] == "Bearer t1"
    token.forget()
    assert (await token.headers())["Authorization"] == "Bearer t2"


# --- Google -----------------------------------------------------------------------------------


async def _google(server: Site, patch: pytest.MonkeyPatch, credentials: Path) -> dict[str, str]:
    """The form that Google's token endpoint gets for these credentials."""
    patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
    patch.setattr(GCEDiscovery, "url", server.url)
    server.answers = {**GCE.answers(server.url), "/token": {"access_token": "T", "expires_in": 9}}
    assert len(await found("gce", **GCE.values(server.url))) == 1
    place = server.paths.index("/token")
    return form_of(server.bodies[place])


async def test_a_service_account_of_google_signs_for_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, credentials = private_key(tmp_path), tmp_path / "account.json"
    async with site() as server:
        account = {
            "type": "service_account",
            "client_email": "me@example",
            "private_key": key.read_text(),
            "private_key_id": "k1",
            "token_uri": f"{server.url}/token",
        }
        credentials.write_bytes(orjson.dumps(account))
        form = await _google(server, monkeypatch, credentials)
    unsigned, _, signature = form["assertion"].rpartition(".")
    claims = orjson.loads(base64.urlsafe_b64decode(unsigned.split(".")[1] + "=="))
    assert claims["iss"] == "me@example"
    assert claims["scope"].endswith("compute.readonly")
    assert claims["exp"] - claims["iat"] == 3600
    assert verified(key, unsigned.encode(), base64.urlsafe_b64decode(signature + "=="))


async def test_a_user_of_google_shows_the_refresh_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path / "user.json"
    async with site() as server:
        user = {"client_id": "c", "client_secret": "s", "refresh_token": "r"}
        account = {**user, "type": "authorized_user", "token_uri": f"{server.url}/token"}
        credentials.write_bytes(orjson.dumps(account))
        form = await _google(server, monkeypatch, credentials)
    assert form == {**user, "grant_type": "refresh_token"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("oops", "is not JSON"),
        ("[]", "holds no credentials"),
        ('{"type": "external_account"}', "type 'external_account'"),
        ('{"type": "authorized_user"}', "lack 'client_id'"),
        ('{"type": "service_account", "client_email": "", "private_key": ""}', "not an RSA key"),
    ],
)
async def test_credentials_of_google_that_cannot_be_used(
    content: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    credentials = tmp_path / "c.json"
    credentials.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
    gce, around, _ = mechanism("gce", project="p", zone="z")
    async with running(gce):
        await until(lambda: around.progress.failing)
    assert message in around.progress.error
    assert len(caplog.records) == 1


# --- Azure ------------------------------------------------------------------------------------

_METADATA = "/metadata/identity/oauth2/token"


@pytest.mark.parametrize(
    ("method", "environment", "asked"),
    [
        ("ManagedIdentity", {}, _METADATA),
        ("SDK", {}, _METADATA),
        ("SDK", {"AZURE_CLIENT_SECRET": "s", "AZURE_CLIENT_ID": "i"}, "client_secret=s"),
        ("SDK", {"AZURE_FEDERATED_TOKEN_FILE": "token"}, "client_assertion=federated"),
        ("WorkloadIdentity", {"AZURE_FEDERATED_TOKEN_FILE": "token"}, "client_assertion=federated"),
        ("OAuth", {}, "client_secret=hush"),
    ],
)
async def test_azure_is_asked_for_a_token_by_the_method_of_the_section(
    method: str,
    environment: Mapping[str, str],
    asked: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "token").write_text("federated\n")
    for variable in ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    for variable, text in environment.items():
        monkeypatch.setenv(variable, text)
    async with site() as server:
        AZURE.hook(monkeypatch, server.url)
        monkeypatch.setattr(azure_credentials, "_METADATA_URL", server.url)
        server.answers = {
            **AZURE.answers(server.url),
            _METADATA: {"access_token": "T", "expires_in": "3600"},
        }
        values = {**AZURE.values(server.url), "authentication_method": method}
        assert len(await found("azure", **values)) == 2
        told = [
            path + body.decode() for path, body in zip(server.paths, server.bodies, strict=True)
        ]
        assert any(asked in one for one in told)


async def test_a_next_page_of_azure_at_another_server_gets_no_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site() as server, site() as thief:
        AZURE.hook(monkeypatch, server.url)
        server.answers = dict(AZURE.answers(server.url))
        path = "/subscriptions/sub/providers/Microsoft.Compute/virtualMachines"
        server.answers[path] = {"value": [], "nextLink": f"{thief.url}/more"}
        azure, around, _ = mechanism("azure", **AZURE.values(server.url))
        async with running(azure):
            await until(lambda: around.progress.failing)
        assert "another server" in around.progress.error
        assert thief.requests == []
        assert value(around.metrics.registry, "prometheus_sd_azure_failures_total") == 1


async def test_network_interfaces_of_azure_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site() as server:
        AZURE.hook(monkeypatch, server.url)
        server.answers = dict(AZURE.answers(server.url))
        azure, around, clock = mechanism("azure", **AZURE.values(server.url))
        async with running(azure) as emissions:
            await emissions.next()
            await clock.advance(300)
            await emissions.next()
        nics = [path for path in server.paths if path.endswith("/nic1")]
        assert len(nics) == 1
        assert value(around.metrics.registry, "prometheus_sd_azure_cache_hit_total") == 3


def test_an_unknown_cloud_of_azure_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match='matching the name "Moon"'):
        mechanism("azure", environment="Moon")


# --- STACKIT, OVHcloud, OpenStack -------------------------------------------------------------


@pytest.mark.parametrize("where", ["written", "in a file", "apart"])
async def test_a_service_account_of_stackit_signs_for_its_token(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = private_key(tmp_path)
    names = {"iss": "me", "sub": "sub", "aud": "https://stackit", "kid": "k1"}
    pem = key.read_text()
    account = {"credentials": names if where == "apart" else {**names, "privateKey": pem}}
    text = orjson.dumps(account).decode()
    (tmp_path / "account.json").write_text(text)
    values: dict[str, Any] = {"service_account_key": Secret(text)}
    if where == "in a file":
        values = {"service_account_key_path": str(tmp_path / "account.json")}
    elif where == "apart":
        values["private_key_path"] = str(key)
    async with site() as server:
        monkeypatch.setattr(StackitDiscovery, "token_url", f"{server.url}/token")
        monkeypatch.setenv("HOME", str(tmp_path))
        server.answers = {
            **STACKIT.answers(server.url),
            "/token": {"access_token": "T", "expires_in": 600},
        }
        assert len(await found("stackit", **STACKIT.values(server.url), **values)) == 1
        assertion = form_of(server.bodies[0])["assertion"]
        assert server.requests[1].headers["Authorization"] == "Bearer T"
    unsigned, _, signature = assertion.rpartition(".")
    binary = base64.urlsafe_b64decode(signature + "==")
    assert verified(key, unsigned.encode(), binary, "sha512")


def test_a_request_to_ovhcloud_is_signed_as_its_first_steps_say() -> None:
    values = section(
        "ovhcloud",
        application_key="app",
        application_secret=Secret("EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF"),
        consumer_key=Secret("MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1"),
    ).values
    url = "https://eu.api.ovh.com/1.0/domains/"
    headers = signed(values, url, "1366560945")
    # By `sha1sum` of the joined text.
    assert headers["X-Ovh-Signature"] == "$1$d3705e8afb27a0d2970a322b96550abfc67bb798"
    assert re.fullmatch(r"\$1\$[0-9a-f]{40}", headers["X-Ovh-Signature"])


def test_of_ovhcloud_s_addresses_the_last_single_ones_count() -> None:
    assert addresses(["1.2.3.4", "1.2.3.5/32", "10.0.0.0/24", "::1", "::2/128"]) == (
        "1.2.3.5",
        "::1",
    )
    for written in ([], ["10.0.0.0/24"], ["0.0.0.0"]):
        with pytest.raises(ValueError, match="no address"):
            addresses(written)


_NOBODY = dict.fromkeys(
    (
        "username",
        "userid",
        "password",
        "project_name",
        "project_id",
        "domain_name",
        "domain_id",
        "application_credential_name",
        "application_credential_id",
        "application_credential_secret",
    ),
    "",
)


@pytest.mark.parametrize(
    ("who", "asked"),
    [
        (
            {"username": "u", "password": "p", "domain_name": "d", "project_name": "n"},
            {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"name": "u", "domain": {"name": "d"}, "password": "p"}},
                },
                "scope": {"project": {"name": "n", "domain": {"name": "d"}}},
            },
        ),
        (
            {"userid": "i", "password": "p", "project_id": "x"},
            {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"id": "i", "password": "p"}},
                },
                "scope": {"project": {"id": "x"}},
            },
        ),
        (
            {"application_credential_id": "a", "application_credential_secret": "s"},
            {
                "identity": {
                    "methods": ["application_credential"],
                    "application_credential": {"id": "a", "secret": "s"},
                }
            },
        ),
        (
            {
                "application_credential_name": "a",
                "application_credential_secret": "s",
                "username": "u",
                "domain_id": "d",
            },
            {
                "identity": {
                    "methods": ["application_credential"],
                    "application_credential": {
                        "name": "a",
                        "secret": "s",
                        "user": {"name": "u", "domain": {"id": "d"}},
                    },
                }
            },
        ),
    ],
)
def test_whom_openstack_is_told_that_we_are(who: dict[str, str], asked: Any) -> None:
    assert identity({**_NOBODY, **who}) == asked


# --- Oracle -----------------------------------------------------------------------------------

_INSTANCE = {
    "id": "ocid1.instance",
    "compartmentId": "comp",
    "availabilityDomain": "AD-1",
    "faultDomain": "FD-1",
    "displayName": "web",
    "shape": "VM.E4",
    "imageId": "img",
    "lifecycleState": "RUNNING",
    "freeformTags": {"my-tag": "v"},
    "definedTags": {"my-space": {"my-key": "v"}},
}
_VNIC = {
    "id": "vnic-1",
    "isPrimary": True,
    "privateIp": "10.0.0.1",
    "publicIp": "1.2.3.4",
    "hostnameLabel": "host",
    "ipv6Addresses": ["2001:db8::1"],
}


async def test_instances_of_oracle_s_cloud(tmp_path: Path) -> None:
    key = private_key(tmp_path)

    async def instances(request: web.Request) -> web.Response:
        if request.query.get("page") == "2":
            return web.json_response([{**_INSTANCE, "lifecycleState": "TERMINATED"}])
        only = [_INSTANCE] if request.query["compartmentId"] == "comp" else []
        return web.json_response(only, headers={"opc-next-page": "2"} if only else {})

    async with site() as server:
        server.answers = {
            "/20160918/compartments": [{"id": "comp"}],
            "/20160918/instances": instances,
            "/20160918/vnicAttachments": [
                {"vnicId": "vnic-1", "lifecycleState": "ATTACHED"},
                {"vnicId": "vnic-2", "lifecycleState": "DETACHED"},
            ],
            "/20160918/vnics/vnic-1": _VNIC,
        }
        oci, around, clock = mechanism(
            "oci", tenancy="ten", user="usr", fingerprint="fp", key_file=str(key), region="fra"
        )
        assert isinstance(oci, OCIDiscovery)
        oci.compute_url = oci.identity_url = server.url
        async with running(oci) as emissions:
            await emissions.next()
            (target,) = emissions.targets
            server.answers["/20160918/vnics/vnic-1"] = plain("no", status=503)
            await clock.advance(60)
            await until(lambda: around.progress.failing)
            assert emissions.targets == [target]
        assert named("oci", target) == {
            "__address__": "10.0.0.1:80",
            "availability_domain": "AD-1",
            "compartment_id": "comp",
            "defined_tag_my_space_my_key": "v",
            "fault_domain": "FD-1",
            "hostname_label": "host",
            "image_id": "img",
            "instance_id": "ocid1.instance",
            "instance_name": "web",
            "instance_shape": "VM.E4",
            "instance_state": "RUNNING",
            "ipv6_addresses": ",2001:db8::1,",
            "private_ip": "10.0.0.1",
            "public_ip": "1.2.3.4",
            "region": "fra",
            "tag_my_tag": "v",
            "tenancy_id": "ten",
            "vnic_id": "vnic-1",
        }
        request = server.requests[1]
        authorization = request.headers["Authorization"]
        assert 'keyId="ten/usr/fp"' in authorization
        match = re.search(r'signature="([^"]+)"', authorization)
        assert match is not None
        message = (
            f"date: {request.headers['Date']}\n"
            f"(request-target): get {request.rel_url.raw_path_qs}\nhost: {server.address}"
        )
        assert verified(key, message.encode(), base64.b64decode(match[1]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"auth": "instance_principal"}, "auth instance_principal is not implemented"),
        ({"key_passphrase": Secret("x")}, "passphrase is not supported"),
    ],
)
def test_what_is_not_implemented_for_oracle_is_said_at_load(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        mechanism("oci", region="fra", **values)


# --- Linode's events --------------------------------------------------------------------------


async def _ticks(emissions: Emissions, clock: ManualClock, count: int) -> None:
    for _ in range(count):
        await clock.advance(60)
        await emissions.next()


async def test_without_events_linode_is_asked_in_full_every_tenth_time_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site() as server:
        monkeypatch.setattr(LinodeDiscovery, "url", server.url)
        server.answers = {**LINODE.answers(server.url), "/v4/account/events": {"data": []}}
        linode, _, clock = mechanism("linode")
        async with running(linode) as emissions:
            await emissions.next()
            await _ticks(emissions, clock, 10)
            full = [path for path in server.paths if path == "/v4/networking/ips"]
            assert len(full) == 2
            filters = [one.headers.get("X-Filter", "") for one in server.requests]
            assert '{"created":{"+gte":"2023-11-14T22:13:20"}}' in filters
            assert len(emissions.targets) == 1


async def test_where_linode_s_events_are_forbidden_every_refresh_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site() as server:
        monkeypatch.setattr(LinodeDiscovery, "url", server.url)
        server.answers = {
            **LINODE.answers(server.url),
            "/v4/account/events": plain("{}", status=401),
        }
        linode, _, clock = mechanism("linode")
        async with running(linode) as emissions:
            await emissions.next()
            await _ticks(emissions, clock, 3)
            assert server.paths.count("/v4/networking/ips") == 4
            assert server.paths.count("/v4/account/events") == 1


# --- Kuma's versions --------------------------------------------------------------------------


async def test_kuma_is_told_what_was_seen_and_may_have_nothing_new() -> None:
    kind = "type.googleapis.com/kuma.observability.v1.MonitoringAssignment"
    content = {
        "versionInfo": "7",
        "nonce": "n1",
        "typeUrl": kind,
        "resources": [{"targets": [{"name": "d", "address": "a:1", "metricsPath": "/m"}]}],
    }
    path = "/v3/discovery:monitoringassignments"
    async with site() as server:
        server.answers[path] = content
        kuma, around, clock = mechanism("kuma", server=server.url, client_id="me")
        async with running(kuma) as emissions:
            await emissions.next()
            server.answers[path] = plain("", status=304)
            await clock.advance(15)
            assert await emissions.next() == []
            (target,) = emissions.targets
            assert target["__metrics_path__"] == "/m"
        first, second = map(orjson.loads, server.bodies)
        assert first == {"node": {"id": "me"}, "type_url": kind}
        assert second == {**first, "version_info": "7", "response_nonce": "n1"}
        assert server.requests[0].query["fetch-timeout"] == "2m"
        registry = around.metrics.registry
        assert value(registry, "prometheus_sd_kuma_fetch_skipped_updates_total") == 1
        assert value(registry, "prometheus_sd_kuma_fetch_duration_seconds_count") == 2
