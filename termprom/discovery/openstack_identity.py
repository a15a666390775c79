"""OpenStack's identity service: a token, and the catalogue of where the other services are.

Source: OpenStack, "Identity API v3", section on authentication.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from termprom.discovery.client import DiscoveryClient
from termprom.discovery.polled import items, pages
from termprom.errors import DiscoveryError

_HEADERS: Final = {"Accept": "application/json", "Content-Type": "application/json"}
# Field of a section, and the variable that stands in for it where no endpoint is written.
_ENVIRONMENT: Final = {
    "identity_endpoint": "OS_AUTH_URL",
    "username": "OS_USERNAME",
    "userid": "OS_USERID",
    "password": "OS_PASSWORD",
    "project_name": "OS_PROJECT_NAME",
    "project_id": "OS_PROJECT_ID",
    "domain_name": "OS_DOMAIN_NAME",
    "domain_id": "OS_DOMAIN_ID",
    "application_credential_name": "OS_APPLICATION_CREDENTIAL_NAME",
    "application_credential_id": "OS_APPLICATION_CREDENTIAL_ID",
    "application_credential_secret": "OS_APPLICATION_CREDENTIAL_SECRET",
}
_SECRETS: Final = ("password", "application_credential_secret")


class Session:
    """A token for one refresh."""

    def __init__(
        self, client: DiscoveryClient, token: str, catalog: list[Any], values: Mapping[str, Any]
    ) -> None:
        self._client = client
        self._headers = {"Accept": "application/json", "X-Auth-Token": token}
        self._catalog = catalog
        self._region, self._interface = values["region"], values["availability"]

    async def all(self, service: str, path: str, kind: str) -> list[Mapping[str, Any]]:
        """Every item of a list. Raises DiscoveryError."""
        base = self._endpoint(service)
        first = base + path

        async def page(url: str) -> Any:
            # The next page's address comes from outside, and the token goes with the request.
            if url and urlsplit(url)[:2] != urlsplit(base)[:2]:
                raise DiscoveryError(f"a next page at another server: {url}")
            return await self._client.json(url or first, self._headers)

        def following(content: Any) -> str:
            links = content.get(f"{kind}_links") or ()
            return next((one["href"] for one in links if one.get("rel") == "next"), "")

        return [one async for content in pages(page, following) for one in items(content[kind])]

    def _endpoint(self, service: str) -> str:
        """Where a service is in this region, without a version that is not always there."""
        for entry in self._catalog:
            if entry.get("type") != service:
                continue
            for one in entry.get("endpoints") or ():
                region = one.get("region_id") or one.get("region")
                if one.get("interface") == self._interface and region == self._region:
                    url = one["url"].rstrip("/")
                    return str(url if service == "compute" else url.removesuffix("/v2.0"))
        raise DiscoveryError(f"no {self._interface} endpoint of {service} in {self._region}")


async def sign_in(client: DiscoveryClient, values: Mapping[str, Any]) -> Session:
    """Raises DiscoveryError."""
    who = {name: values[name] for name in _ENVIRONMENT}
    who |= {name: who[name].reveal() for name in _SECRETS}
    if not who["identity_endpoint"]:
        who = {name: os.environ.get(variable, "") for name, variable in _ENVIRONMENT.items()}
    base = who["identity_endpoint"].rstrip("/")
    if not base:
        raise DiscoveryError("neither identity_endpoint nor OS_AUTH_URL says whom to ask")
    url = base.removesuffix("/v3") + "/v3/auth/tokens"
    answer = await client.request("POST", url, _HEADERS, orjson.dumps({"auth": identity(who)}))
    if answer.status not in (200, 201):
        raise DiscoveryError(f"could not authenticate to OpenStack: {answer.status_line}")
    try:
        token, content = answer.headers["X-Subject-Token"], orjson.loads(answer.body)
        return Session(client, token, items(content["token"].get("catalog")), values)
    except (KeyError, TypeError, orjson.JSONDecodeError) as problem:
        raise DiscoveryError(f"the answer holds no token: {problem!r}") from problem


def identity(who: Mapping[str, str]) -> dict[str, Any]:
    """Who asks, and for which project, as the identity service wants it said."""
    domain = {"id": who["domain_id"]} if who["domain_id"] else {"name": who["domain_name"]}
    user: dict[str, Any] = {"id": who["userid"]}
    if not who["userid"]:
        user = {"name": who["username"], "domain": domain}
    if who["application_credential_secret"]:
        credential: dict[str, Any] = {"secret": who["application_credential_secret"]}
        if who["application_credential_id"]:
            credential["id"] = who["application_credential_id"]
        else:
            credential |= {"name": who["application_credential_name"], "user": user}
        # The credential itself says which project it is for.
        return {
            "identity": {
                "methods": ["application_credential"],
                "application_credential": credential,
            }
        }
    user["password"] = who["password"]
    asked: dict[str, Any] = {
        "identity": {"methods": ["password"], "password": {"user": user}},
    }
    if who["project_id"]:
        asked["scope"] = {"project": {"id": who["project_id"]}}
    elif who["project_name"]:
        asked["scope"] = {"project": {"name": who["project_name"], "domain": domain}}
    return asked
