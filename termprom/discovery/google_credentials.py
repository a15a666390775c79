"""Google's application default credentials: who this process is for Google's services.

The file that GOOGLE_APPLICATION_CREDENTIALS names, else the one that `gcloud` leaves behind, else
what the machine's metadata server gives.

Source: Google Cloud, "How Application Default Credentials works"; RFC 7523 for service accounts.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from termprom.clock import Clock
from termprom.config.schema import HTTPClientConfig
from termprom.discovery.access_token import Fetched, granted, token_for_form
from termprom.discovery.client import DiscoveryClient
from termprom.discovery.rsa_signature import load_key, web_token
from termprom.discovery.secret_files import file_text
from termprom.errors import DiscoveryError

_VARIABLE: Final = "GOOGLE_APPLICATION_CREDENTIALS"
_WELL_KNOWN: Final = ".config/gcloud/application_default_credentials.json"
_TOKEN_URL: Final = "https://oauth2.googleapis.com/token"
_METADATA_HOST: Final = "metadata.google.internal"
_METADATA_SECONDS: Final = 5.0
_LIFE_SECONDS: Final = 3600


async def fetch_token(client: DiscoveryClient, clock: Clock, scope: str) -> Fetched:
    """A token for `scope`. Raises DiscoveryError."""
    found = await asyncio.to_thread(_credentials)
    if found is None:
        return await _machine_token(scope)
    url = found.get("token_uri") or _TOKEN_URL
    try:
        match found.get("type"):
            case "service_account":
                assertion = await asyncio.to_thread(_assertion, found, clock, scope, url)
                form = {
                    "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                    "assertion": assertion,
                }
            case "authorized_user":
                form = {"grant_type": "refresh_token"} | {
                    name: found[name] for name in ("client_id", "client_secret", "refresh_token")
                }
            case other:
                raise DiscoveryError(f"credentials of the type {other!r} are not supported")
    except KeyError as problem:
        raise DiscoveryError(f"the credentials lack {problem}") from problem
    return await token_for_form(client, url, form)


def _credentials() -> Mapping[str, Any] | None:
    """The content of the credentials file; None where there is none. Blocking.

    Raises DiscoveryError.
    """
    named = os.environ.get(_VARIABLE, "")
    path = Path(named) if named else Path.home() / _WELL_KNOWN
    if not named and not path.exists():
        return None
    try:
        content = orjson.loads(file_text(str(path)))
    except orjson.JSONDecodeError as problem:
        raise DiscoveryError(f"{path} is not JSON: {problem}") from problem
    if not isinstance(content, dict):
        raise DiscoveryError(f"{path} holds no credentials")
    return content


def _assertion(account: Mapping[str, Any], clock: Clock, scope: str, url: str) -> str:
    now_seconds = clock.now_ms() // 1000
    claims = {
        "iss": account["client_email"],
        "scope": scope,
        "aud": url,
        "iat": now_seconds,
        "exp": now_seconds + _LIFE_SECONDS,
    }
    key = load_key(account["private_key"])
    return web_token(key, claims, kid=account.get("private_key_id") or "")


async def _machine_token(scope: str) -> Fetched:
    host = os.environ.get("GCE_METADATA_HOST", _METADATA_HOST)
    url = f"http://{host}/computeMetadata/v1/instance/service-accounts/default/token?scopes={scope}"
    # Never through a proxy or with credentials that are meant for somebody else.
    async with DiscoveryClient(HTTPClientConfig(), timeout_seconds=_METADATA_SECONDS) as client:
        return granted(await client.json(url, {"Metadata-Flavor": "Google"}))
