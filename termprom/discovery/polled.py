"""Mechanisms that ask the same questions on every tick and have one group of answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from termprom.config.schema import HTTPClientConfig, MechanismConfig, TargetGroup
from termprom.discovery.client import DiscoveryClient
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.labelled import Found, Numbered
from termprom.discovery.refresh import refresh_forever
from termprom.errors import DiscoveryError


class PolledDiscovery(ABC):
    """`find` says what there is now; a failure keeps what there was."""

    source: str

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
        try:
            found = list(await self.find())
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as problem:
            raise DiscoveryError(f"an answer is not what it should be: {problem!r}") from problem
        return self._numbered.groups(self.source, found)


def items(content: Any) -> list[Any]:
    """A list of an answer, where null is an empty one. Raises TypeError for anything else."""
    if content is None:
        return []
    if not isinstance(content, list):
        raise TypeError(f"a list was expected, not {type(content).__name__}")
    return content
