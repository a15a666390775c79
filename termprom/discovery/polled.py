"""Mechanisms that ask the same questions on every tick and have one group of answers."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from termprom import limits
from termprom.config.schema import HTTPClientConfig, MechanismConfig, TargetGroup
from termprom.discovery.client import DiscoveryClient
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.labelled import Found, Numbered
from termprom.discovery.refresh import refresh_forever
from termprom.errors import DiscoveryError

_T = TypeVar("_T")
_Item = TypeVar("_Item")


class PolledDiscovery(ABC):
    """`find` says what there is now; a failure keeps what there was."""

    source: str
    url: str = ""  # of the service, for mechanisms whose configuration does not name it

    def __init__(
        self,
        config: MechanismConfig,
        around: Surroundings,
        *,
        http: HTTPClientConfig | None = None,
        socket_path: str = "",
    ) -> None:
        """`http` in place of the section's own client options. Raises ConfigError for client
        settings that are not implemented.
        """
        self.values = config.values
        self.around = around
        self._kind = config.kind
        self._interval_seconds = config.values["refresh_interval"] / 1000
        self.client = DiscoveryClient(
            http or config.http or HTTPClientConfig(),
            timeout_seconds=self._interval_seconds,
            socket_path=socket_path,
        )
        self._numbered = Numbered()

    @abstractmethod
    async def find(self) -> Iterable[Found]:
        """Everything that there is. Raises DiscoveryError; what is raised where an answer is not
        shaped as it should be (KeyError and its like) counts as one.
        """

    @property
    def port(self) -> int:
        """The port of targets that have none of their own."""
        port: int = self.values["port"]
        return port

    async def ask(self, path: str, **parameters: str) -> Any:
        """The document at `path` of the service. Raises DiscoveryError."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return await self.client.json(f"{self.url}{path}{query}")

    async def run(self, emit: Emit) -> None:
        async with self.client:
            await refresh_forever(
                self._refresh,
                emit,
                self.around,
                mechanism=self._kind,
                interval_seconds=self._interval_seconds,
            )

    async def _refresh(self) -> Sequence[TargetGroup]:
        self.client.begin_refresh()
        try:
            found = list(await self.find())
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as problem:
            raise DiscoveryError(f"an answer is not what it should be: {problem!r}") from problem
        return self._numbered.groups(self.source, found)


async def pages(
    ask: Callable[[str], Awaitable[_T]], following: Callable[[_T], object]
) -> AsyncIterator[_T]:
    """The pages of a list. `ask` gets what `following` says of the page before, first "";
    nothing following ends it. Raises DiscoveryError where it never ends.
    """
    token = ""
    for _ in range(limits.DISCOVERY_PAGES_MAX):
        page = await ask(token)
        yield page
        token = str(following(page) or "")
        if not token:
            return
    raise DiscoveryError(f"a list has more than {limits.DISCOVERY_PAGES_MAX} pages")


async def gathered(
    work: Callable[[_Item], Awaitable[_T]], items: Iterable[_Item], *, concurrent: int
) -> list[_T]:
    """What `work` makes of each item, in their order; at most `concurrent` run at once. The first
    failure ends the others and is raised.
    """
    free = asyncio.Semaphore(max(concurrent, 1))

    async def one(item: _Item) -> _T:
        async with free:
            return await work(item)

    tasks = [asyncio.ensure_future(one(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def at(content: Any, *path: str) -> Any:
    """The value inside of nested objects; "" where one of them is missing or null. Raises
    AttributeError where one is no object.
    """
    for key in path:
        if content is None:
            return ""
        content = content.get(key)
    return "" if content is None else content


def items(content: Any) -> list[Any]:
    """A list of an answer, where null is an empty one. Raises TypeError for anything else."""
    if content is None:
        return []
    if not isinstance(content, list):
        raise TypeError(f"a list was expected, not {type(content).__name__}")
    return content
