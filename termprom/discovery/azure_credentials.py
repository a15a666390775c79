"""Tokens for Azure's resource manager, by each of the ways in which one can be somebody there.

Source: Microsoft identity platform, "OAuth 2.0 client credentials flow"; "How to use managed
identities on an Azure VM to acquire an access token".
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from termprom.config.schema import HTTPClientConfig
from termprom.discovery.access_token import Fetched, granted, token_for_form
from termprom.discovery.client import DiscoveryClient
from termprom.discovery.secret_files import file_text
from termprom.errors import DiscoveryError

_METADATA_URL: Final = "http://169.254.169.254"
_METADATA_SECONDS: Final = 5.0
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where to sign in, and where the resource manager is."""

    login_url: str
    manager_url: str


_PUBLIC: Final = Cloud("https://login.microsoftonline.com", "https://management.azure.com")
_CHINA: Final = Cloud("https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn")
_US: Final = Cloud("https://login.microsoftonline.us", "https://management.usgovcloudapi.net")
# By upper-case name.
CLOUDS: Final[dict[str, Cloud]] = {
    "AZURECLOUD": _PUBLIC,
    "AZUREPUBLICCLOUD": _PUBLIC,
    "AZURECHINA": _CHINA,
    "AZURECHINACLOUD": _CHINA,
    "AZUREGOVERNMENT": _US,
    "AZUREUSGOVERNMENT": _US,
    "AZUREUSGOVERNMENTCLOUD": _US,
}


async def fetch_token(client: DiscoveryClient, values: Mapping[str, Any], cloud: Cloud) -> Fetched:
    """A token by the section's method. Raises DiscoveryError."""
    environment = os.environ
    match values["authentication_method"]:
        case "OAuth":
            secret = values["client_secret"].reveal()
            return await _by_secret(client, cloud, values["tenant_id"], values["client_id"], secret)
        case "WorkloadIdentity":
            return await _by_federation(client, cloud, values)
        case "SDK" if environment.get("AZURE_CLIENT_SECRET"):
            tenant = values["tenant_id"] or environment.get("AZURE_TENANT_ID", "")
            identity = environment.get("AZURE_CLIENT_ID", "")
            secret = environment["AZURE_CLIENT_SECRET"]
            return await _by_secret(client, cloud, tenant, identity, secret)
        case "SDK" if environment.get("AZURE_FEDERATED_TOKEN_FILE"):
            return await _by_federation(client, cloud, values)
        case _:
            return await _machine_token(cloud, values["client_id"])


async def _by_secret(
    client: DiscoveryClient, cloud: Cloud, tenant: str, identity: str, secret: str
) -> Fetched:
    return await _sign_in(client, cloud, tenant, {"client_id": identity, "client_secret": secret})


async def _by_federation(
    client: DiscoveryClient, cloud: Cloud, values: Mapping[str, Any]
) -> Fetched:
    """By the token that Kubernetes puts into a file, which changes."""
    path = os.environ.get("AZURE_FEDERATED_TOKEN_FILE", "")
    if not path:
        raise DiscoveryError("AZURE_FEDERATED_TOKEN_FILE is not set")
    form = {
        "client_id": values["client_id"] or os.environ.get("AZURE_CLIENT_ID", ""),
        "client_assertion_type": _ASSERTION,
        "client_assertion": (await asyncio.to_thread(file_text, path)).strip(),
    }
    tenant = values["tenant_id"] or os.environ.get("AZURE_TENANT_ID", "")
    return await _sign_in(client, cloud, tenant, form)


async def _sign_in(
    client: DiscoveryClient, cloud: Cloud, tenant: str, form: Mapping[str, str]
) -> Fetched:
    base = os.environ.get("AZURE_AUTHORITY_HOST", "").rstrip("/") or cloud.login_url
    url = f"{base}/{quote(tenant, safe='')}/oauth2/v2.0/token"
    granting = {"grant_type": "client_credentials", "scope": f"{cloud.manager_url}/.default"}
    return await token_for_form(client, url, {**granting, **form})


async def _machine_token(cloud: Cloud, identity: str) -> Fetched:
    base = os.environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST", _METADATA_URL).rstrip("/")
    query = {"api-version": "2018-02-01", "resource": cloud.manager_url}
    query |= {"client_id": identity} if identity else {}
    url = f"{base}/metadata/identity/oauth2/token?{urlencode(query)}"
    # Never through a proxy or with credentials that are meant for somebody else.
    async with DiscoveryClient(HTTPClientConfig(), timeout_seconds=_METADATA_SECONDS) as client:
        return granted(await client.json(url, {"Metadata": "true"}))
