"""OAuth 2 for a section's requests: a token in exchange for a client's name and secret.

Source: RFC 6749, sections 2.3.1 and 4.4.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol
from urllib.parse import quote_plus, urlencode

from termprom.clock import Clock
from termprom.config.schema import HTTPClientConfig, Secret, TLSConfig
from termprom.discovery.access_token import AccessToken, Fetched, granted
from termprom.discovery.secret_files import revealed
from termprom.errors import ConfigError, DiscoveryError

_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FOREVER_SECONDS: Final = 1e9  # where the answer names no end
_TIMEOUT_SECONDS: Final = 30.0


class _Answer(Protocol):
    @property
    def status(self) -> int: ...

    def json(self) -> Any: ...


class _Client(Protocol):
    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> _Answer: ...


# Makes the client that the token's endpoint is asked with.
MakeClient = Callable[[HTTPClientConfig, float], AbstractAsyncContextManager[_Client]]


class ClientCredentials:
    """A token, kept until shortly before its end or until it is refused."""

    def __init__(self, settings: Mapping[str, Any], make_client: MakeClient, clock: Clock) -> None:
        """Raises ConfigError for the grant that is not implemented."""
        if settings.get("grant_type") == _JWT_BEARER:
            raise ConfigError(f"oauth2 grant_type {_JWT_BEARER} is not implemented for discovery")
        self._settings = settings
        self._make_client = make_client
        self._token = AccessToken(clock, self._fetch)

    async def authorization(self) -> str:
        """The value of the Authorization header. Raises DiscoveryError."""
        return (await self._token.headers())["Authorization"]

    def forget(self) -> None:
        """The token was refused."""
        self._token.forget()

    async def _fetch(self) -> Fetched:
        settings = self._settings
        http = HTTPClientConfig(
            tls_config=settings.get("tls_config") or TLSConfig(),
            proxy_url=settings.get("proxy_url") or "",
            proxy_from_environment=bool(settings.get("proxy_from_environment")),
        )
        secret = await revealed(
            settings.get("client_secret") or Secret(""), settings.get("client_secret_file") or ""
        )
        async with self._make_client(http, _TIMEOUT_SECONDS) as client:
            answer = await self._ask(client, secret, in_form=False)
            if answer.status in (400, 401):
                # Some servers take the credentials in the form only.
                answer = await self._ask(client, secret, in_form=True)
            if answer.status != 200:
                raise DiscoveryError(f"oauth2: no token: HTTP status {answer.status}")
            token, seconds = granted(answer.json())
        return token, seconds or _FOREVER_SECONDS

    async def _ask(self, client: _Client, secret: str, *, in_form: bool) -> _Answer:
        settings = self._settings
        form = {"grant_type": "client_credentials"}
        if settings.get("scopes"):
            form["scope"] = " ".join(settings["scopes"])
        form |= settings.get("endpoint_params") or {}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        name = settings.get("client_id") or ""
        if in_form:
            form |= {"client_id": name, "client_secret": secret}
        else:
            pair = f"{quote_plus(name)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        body = urlencode(form).encode()
        return await client.request("POST", settings.get("token_url") or "", headers, body)
