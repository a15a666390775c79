"""Sections that sign requests for clouds: checked and printed, without an effect here."""

from __future__ import annotations

import re
from typing import Final

from termprom.config import scalars
from termprom.config.fields import Document, Section, Table, section_of
from termprom.config.yaml_tree import Node

_SIGV4_TABLE: Final[Table] = {
    "region": scalars.text,
    "access_key": scalars.text,
    "secret_key": scalars.secret,
    "profile": scalars.text,
    "role_arn": scalars.text,
    "external_id": scalars.text,
    "use_fips_sts_endpoint": scalars.boolean,
    "service_name": scalars.text,
}


def sigv4(node: Node, document: Document) -> Section | None:
    section: Section | None = section_of(_SIGV4_TABLE, "sigv4.plain")(node, document)
    if section is None:
        return None
    if bool(section.get("access_key")) != bool(section.get("secret_key")):
        section.fail(
            "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in "
            "the SigV4 config",
            "access_key",
            "secret_key",
        )
    if section.get("external_id") and not section.get("role_arn"):
        section.fail("external_id can only be used with role_arn", "external_id")
    return section


_CLIENT: Final[Table] = {"client_id": scalars.text}
_TENANT: Final[Table] = {"tenant_id": scalars.text}
# Key, name in messages, fields of the section.
_METHODS: Final[tuple[tuple[str, str, Table], ...]] = (
    ("managed_identity", "Managed Identity", _CLIENT),
    (
        "workload_identity",
        "Workload Identity",
        {**_CLIENT, **_TENANT, "token_file_path": scalars.text},
    ),
    ("oauth", "OAuth", {**_CLIENT, "client_secret": scalars.secret, **_TENANT}),
    (
        "certificate",
        "Certificate",
        {
            **_CLIENT,
            **_TENANT,
            "certificate_path": scalars.text,
            "certificate_key_path": scalars.text,
            "certificate_password": scalars.secret,
            "send_certificate_chain": scalars.boolean,
        },
    ),
    ("sdk", "SDK", _TENANT),
)
_AZURE_TABLE: Final[Table] = {
    "cloud": scalars.text,
    "scope": scalars.text,
    **{key: section_of(fields, "azuread.plain") for key, _, fields in _METHODS},
}
_REQUIRED: Final = ("client_id", "client_secret", "tenant_id", "certificate_path")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OPTIONAL: Final = frozenset({("managed_identity", "client_id"), ("sdk", "tenant_id")})


def azure_ad(node: Node, document: Document) -> Section | None:
    section: Section | None = section_of(_AZURE_TABLE, "azuread.plain")(node, document)
    if section is None:
        return None
    if section.get("cloud", "AzurePublic") not in ("AzurePublic", "AzureGovernment", "AzureChina"):
        section.fail("must provide a cloud in the Azure AD config", "cloud")
    used = [(key, name) for key, name, _ in _METHODS if section.get(key) is not None]
    if not used:
        section.fail(
            "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth, Azure "
            "Certificate or Azure SDK in the Azure AD config"
        )
    if len(used) > 1:
        section.fail("cannot provide multiple authentication methods in the Azure AD config")
    key, name = used[0]
    _check_method(section.get(key), key, name)
    return section


def _check_method(method: Section, key: str, name: str) -> None:
    fields = dict(next(fields for known, _, fields in _METHODS if known == key))
    for field in _REQUIRED:
        if field in fields and (key, field) not in _OPTIONAL and not method.get(field):
            method.fail(f"must provide an Azure {name} {field} in the Azure AD config", field)
    client = method.get("client_id", "")
    if client and _UUID.fullmatch(client) is None:
        method.fail(f"the provided Azure {name} client_id is invalid", "client_id")


google_iam: Final = section_of({"credentials_file": scalars.text}, "googleiam.Config")
