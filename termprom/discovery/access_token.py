"""Tokens of limited life that a service is asked with, fetched anew shortly before they end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from termprom.clock import Clock
from termprom.errors import DiscoveryError

if TYPE_CHECKING:  # the client itself has tokens
    from termprom.discovery.client import DiscoveryClient

_EARLY_SECONDS: Final = 300.0
_FORM: Final = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
}

# A token and for how many seconds it is good.
Fetched = tuple[str, float]


class AccessToken:
    """`fetch` is called when there is no token, or the last one is about to end."""

    def __init__(self, clock: Clock, fetch: Callable[[], Awaitable[Fetched]]) -> None:
        self._clock = clock
        self._fetch = fetch
        self._headers: Mapping[str, str] = {}
        self._until = 0.0

    async def headers(self) -> Mapping[str, str]:
        """What a request carries. Raises DiscoveryError."""
        if not self._headers or self._clock.monotonic() >= self._until:
            token, seconds = await self._fetch()
            # A token of a short life is used for half of it.
            self._until = self._clock.monotonic() + max(seconds - _EARLY_SECONDS, seconds / 2)
            self._headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        return self._headers

    def forget(self) -> None:
        """It was refused."""
        self._headers = {}


async def token_for_form(client: DiscoveryClient, url: str, form: Mapping[str, str]) -> Fetched:
    """What an OAuth 2 token endpoint answers to `form`. Raises DiscoveryError."""
    answer = await client.request("POST", url, _FORM, urlencode(form).encode())
    return granted(answer.json())


def granted(content: Any) -> Fetched:
    """The token of an answer. Raises DiscoveryError."""
    try:
        return str(content["access_token"]), float(content.get("expires_in") or 0)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise DiscoveryError(f"the answer holds no token: {problem!r}") from problem
