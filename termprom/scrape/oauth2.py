"""Access tokens by the client credentials grant. Source: RFC 6749, sections 2.3.1 and 4.4."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import orjson

from termprom.clock import Clock
from termprom.config.schema import HTTPClientConfig
from termprom.errors import ConfigError, ScrapeError

_EARLY_SECONDS: Final = 10.0
_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"

# Posts a form with headers to a URL; gives the status and the body.
PostForm = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]


def token_proxies(settings: Mapping[str, Any]) -> HTTPClientConfig:
    """The proxies on the way to the token server, which are its own."""
    names = ("proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header")
    return HTTPClientConfig(**{name: settings[name] for name in names if settings.get(name)})


class TokenSource:
    """A token, kept until shortly before it expires or its secret changes."""

    def __init__(self, settings: Mapping[str, Any], post: PostForm, clock: Clock) -> None:
        """Raises ConfigError for the grant that is not implemented."""
        if settings.get("grant_type") == _JWT_BEARER:
            raise ConfigError(f"oauth2 grant_type {_JWT_BEARER} is not implemented")
        self._settings = settings
        self._post = post
        self._clock = clock
        self._header = ""
        self._secret = ""
        self._until = 0.0
        self._in_body = False
        self._lock = asyncio.Lock()

    async def authorization(self) -> str:
        """The value of the Authorization header. Raises ScrapeError."""
        async with self._lock:
            secret = await asyncio.to_thread(self._read_secret)
            if secret != self._secret or self._clock.monotonic() >= self._until:
                await self._renew(secret)
            return self._header

    def _read_secret(self) -> str:
        inline = self._settings.get("client_secret")
        path = self._settings.get("client_secret_file")
        if inline:
            return str.__str__(inline) if not hasattr(inline, "reveal") else inline.reveal()
        if not path:
            return ""
        try:
            return Path(path).read_text().strip()
        except OSError as problem:
            raise ScrapeError(
                f"unable to read oauth2 client secret: unable to read file {path}: "
                f"{problem.strerror}"
            ) from problem

    async def _renew(self, secret: str) -> None:
        status, body = await self._ask(secret)
        if status in (400, 401) and not self._in_body:
            # Some servers take the credentials in the form only; remembered once it works.
            self._in_body = True
            status, body = await self._ask(secret)
            self._in_body = status // 100 == 2
        try:
            answer = orjson.loads(body)
            token = answer["access_token"]
            kind = answer.get("token_type") or "Bearer"
            lasts = float(answer.get("expires_in") or 0)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            shown = body[:200].decode("utf-8", "replace")
            raise ScrapeError(
                f"oauth2: cannot fetch token: {status}\nResponse: {shown}"
            ) from problem
        if status // 100 != 2:
            raise ScrapeError(f"oauth2: cannot fetch token: {status}")
        self._header = f"{'Bearer' if kind.lower() == 'bearer' else kind} {token}"
        self._secret = secret
        expiry = self._clock.monotonic() + lasts - _EARLY_SECONDS
        self._until = expiry if lasts else float("inf")

    async def _ask(self, secret: str) -> tuple[int, bytes]:
        settings = self._settings
        form = {"grant_type": "client_credentials"}
        if settings.get("scopes"):
            form["scope"] = " ".join(settings["scopes"])
        form.update(settings.get("endpoint_params") or {})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        user = settings["client_id"]
        if self._in_body:
            form.update(client_id=user, client_secret=secret)
        else:
            pair = f"{quote_plus(user)}:{quote_plus(secret)}"
            headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
        return await self._post(settings["token_url"], headers, urlencode(form).encode())
