"""Mechanisms that ask a cloud for its machines."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from termprom.config.fields import Section
from termprom.config.http_client import tls_config
from termprom.config.schema import TLSConfig
from termprom.config.sd_fields import (
    COMMON,
    Field,
    Fields,
    SDKind,
    boolean,
    check_secret_key,
    filters,
    integer,
    one_of,
    path,
    refresh,
    required,
    secret,
    text,
    texts,
)

_TLS: Final = Field(tls_config, TLSConfig())

# --- AWS --------------------------------------------------------------------------------------

_AWS: Final[Fields] = {
    "endpoint": text(),
    "region": text(),
    "access_key": text(),
    "secret_key": secret(),
    "profile": text(),
    "role_arn": text(),
    "external_id": text(),
    **COMMON,
}
_AWS_FILTERS: Final = filters("ec2.Filter")
_AWS_ROLES: Final = ("ec2", "ecs", "elasticache", "lightsail", "msk", "rds")
_CLUSTERS: Final = texts()


def _check_filters(section: Section) -> None:
    for one in section.get("filters", ()):
        if not one["values"]:
            section.fail("EC2 SD configuration filter values cannot be empty", "filters")


def _check_aws(section: Section) -> None:
    if not section.get("role"):
        section.fail('unknown AWS SD role ""')
    _check_filters(section)


# --- Azure, Google, Oracle, OpenStack ---------------------------------------------------------

_AZURE_METHODS: Final = ("OAuth", "ManagedIdentity", "SDK", "WorkloadIdentity")


def _check_azure(section: Section) -> None:
    names = ["subscription_id"]
    method = section.get("authentication_method", "OAuth")
    if method == "OAuth":
        names += ["tenant_id", "client_id", "client_secret"]
    required(*names, message="azure SD configuration requires a {}")(section)
    if method not in _AZURE_METHODS:
        section.fail(
            f'unknown authentication_type "{method}". Supported types are "OAuth", '
            '"ManagedIdentity", "SDK" or "WorkloadIdentity"',
            "authentication_method",
        )


def _check_oci(section: Section) -> None:
    method = section.get("auth", "api_key")
    if method not in ("api_key", "instance_principal"):
        section.fail(f'oci_sd: unknown auth "{method}"', "auth")
    keys = ("tenancy", "user", "fingerprint", "key_file") if method == "api_key" else ()
    required(*keys, "region", message="oci_sd: {} is required")(section)
    if section.get("key_passphrase") and section.get("key_passphrase_file"):
        section.fail(
            "oci_sd: at most one of key_passphrase & key_passphrase_file must be configured",
            "key_passphrase",
        )


def _check_openstack(section: Section) -> None:
    availability = section.get("availability", "public")
    if availability not in ("public", "internal", "admin"):
        section.fail(
            f"unknown availability {availability}, must be one of admin, internal or public",
            "availability",
        )
    if not section.get("role"):
        section.fail("role missing (one of: instance, hypervisor, loadbalancer)")
    if not section.get("region"):
        section.fail("openstack SD configuration requires a region", "region")


# --- Smaller clouds ---------------------------------------------------------------------------


def _check_hetzner(section: Section) -> None:
    if not section.get("role"):
        section.fail("role missing (one of: robot, hcloud)")


def _check_ovhcloud(section: Section) -> None:
    for name in ("endpoint", "application_key", "application_secret", "consumer_key"):
        if not section.get(name, "ovh-eu" if name == "endpoint" else ""):
            section.fail(f"{name.replace('_', ' ')} can not be empty", name)
    service = section.get("service", "")
    if service not in ("vps", "dedicated_server"):
        section.fail(f"unknown service: {service}", "service")


def _check_outscale(section: Section) -> None:
    if not section.get("region", "eu-west-2"):
        section.fail("outscale SD configuration requires a region", "region")
    if not section.get("access_key"):
        section.fail("outscale SD configuration requires an access_key", "access_key")
    check_secret_key(section)


def _check_scaleway(section: Section) -> None:
    if not section.get("role"):
        section.fail("role missing (one of: instance, baremetal)")
    required("project_id", message="{} is mandatory")(section)
    check_secret_key(section)
    required("access_key", message="{} is mandatory")(section)


def _check_stackit(section: Section) -> None:
    endpoint: str = section.get("endpoint", "")
    if not endpoint and not section.get("region", "eu01"):
        section.fail("stackit_sd: endpoint and region missing", "region")
    parts = urlsplit(endpoint)
    if endpoint and (not parts.scheme or not parts.netloc):
        section.fail(f'stackit_sd: invalid endpoint "{endpoint}": no scheme or host', "endpoint")


def _check_triton(section: Section) -> None:
    if section.get("role", "container") not in ("container", "cn"):
        section.fail("triton SD configuration requires role to be 'container' or 'cn'", "role")
    for name, what in (
        ("account", "an account"),
        ("dns_suffix", "a dns_suffix"),
        ("endpoint", "an endpoint"),
    ):
        if not section.get(name):
            section.fail(f"triton SD configuration requires {what}", name)


def _check_gce(section: Section) -> None:
    required("project", "zone", message="GCE SD configuration requires a {}")(section)


CLOUDS: Final[dict[str, SDKind]] = {
    "aws": SDKind(
        {
            "role": one_of(_AWS_ROLES, 'unknown AWS SD role "{}"'),
            **_AWS,
            "filters": _AWS_FILTERS,
            "clusters": _CLUSTERS,
        },
        _check_aws,
    ),
    "azure": SDKind(
        {
            "environment": text("AzurePublicCloud"),
            "port": integer(80),
            "subscription_id": text(),
            "tenant_id": text(),
            "client_id": text(),
            "client_secret": secret(),
            "refresh_interval": refresh(300_000),
            "authentication_method": text("OAuth"),
            "resource_group": text(),
        },
        _check_azure,
    ),
    "digitalocean": SDKind(
        {"role": one_of(("droplets", "databases"), 'unknown role "{}"', "droplets"), **COMMON}
    ),
    "ec2": SDKind({**_AWS, "filters": _AWS_FILTERS}, _check_filters),
    "ecs": SDKind({**_AWS, "clusters": _CLUSTERS, "request_concurrency": integer(20)}),
    "elasticache": SDKind({**_AWS, "clusters": _CLUSTERS, "request_concurrency": integer(10)}),
    "gce": SDKind(
        {
            "project": text(),
            "zone": text(),
            "filter": text(),
            **COMMON,
            "tag_separator": text(","),
        },
        _check_gce,
        http=False,
    ),
    "hetzner": SDKind(
        {
            **COMMON,
            "role": one_of(("robot", "hcloud"), 'unknown role "{}"'),
            "label_selector": text(),
        },
        _check_hetzner,
    ),
    "ionos": SDKind(
        {"datacenter_id": text(), **COMMON},
        required("datacenter_id", message="datacenter id can't be empty"),
    ),
    "lightsail": SDKind(_AWS),
    "linode": SDKind({**COMMON, "region": text(), "tag_separator": text(",")}),
    "msk": SDKind({**_AWS, "clusters": _CLUSTERS, "request_concurrency": integer(10)}),
    "oci": SDKind(
        {
            "auth": text("api_key"),
            "tenancy": text(),
            "user": text(),
            "fingerprint": text(),
            "key_file": path(),
            "key_passphrase": secret(),
            "key_passphrase_file": path(),
            "region": text(),
            "compartments": texts(),
            **COMMON,
        },
        _check_oci,
    ),
    "openstack": SDKind(
        {
            "identity_endpoint": text(),
            "username": text(),
            "userid": text(),
            "password": secret(),
            "project_name": text(),
            "project_id": text(),
            "domain_name": text(),
            "domain_id": text(),
            "application_credential_name": text(),
            "application_credential_id": text(),
            "application_credential_secret": secret(),
            "role": one_of(
                ("instance", "hypervisor", "loadbalancer"), 'unknown OpenStack SD role "{}"'
            ),
            "region": text(),
            **COMMON,
            "all_tenants": boolean(),
            "tls_config": _TLS,
            "availability": text("public"),
        },
        _check_openstack,
        http=False,
    ),
    "outscale": SDKind(
        {
            "endpoint": text(),
            "region": text("eu-west-2"),
            "access_key": text(),
            "secret_key": secret(),
            "secret_key_file": path(),
            **COMMON,
        },
        _check_outscale,
    ),
    "ovhcloud": SDKind(
        {
            "endpoint": text("ovh-eu"),
            "application_key": text(),
            "application_secret": secret(),
            "consumer_key": secret(),
            "refresh_interval": refresh(),
            "service": text(),
        },
        _check_ovhcloud,
        http=False,
    ),
    "rds": SDKind(
        {
            **_AWS,
            "clusters": _CLUSTERS,
            "filters": _AWS_FILTERS,
            "request_concurrency": integer(10),
        },
        _check_filters,
    ),
    "scaleway": SDKind(
        {
            "project_id": text(),
            "api_url": text("https://api.scaleway.com"),
            "zone": text("fr-par-1"),
            "access_key": text(),
            "secret_key": secret(),
            "secret_key_file": path(),
            "name_filter": text(),
            "tags_filter": texts(),
            **COMMON,
            "role": one_of(("instance", "baremetal"), 'unknown role "{}"'),
        },
        _check_scaleway,
    ),
    "stackit": SDKind(
        {
            "project": text(),
            "region": text("eu01"),
            "endpoint": text(),
            "service_account_key": secret(),
            "private_key": secret(),
            "service_account_key_path": path(),
            "private_key_path": path(),
            "credentials_file_path": path(),
            **COMMON,
        },
        _check_stackit,
    ),
    "triton": SDKind(
        {
            "account": text(),
            "role": text("container"),
            "dns_suffix": text(),
            "endpoint": text(),
            "groups": texts(),
            "port": integer(9163),
            "refresh_interval": refresh(),
            "version": integer(1),
            "tls_config": _TLS,
        },
        _check_triton,
        http=False,
    ),
    "vultr": SDKind(COMMON),
}
