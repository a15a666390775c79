"""What every handler of the HTTP API works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry

from termprom import limits
from termprom.backend.interface import Backend
from termprom.model.labels import EMPTY, Labels


class Hooks(Protocol):
    """What the process around the server does for it."""

    @property
    def registry(self) -> CollectorRegistry:
        """Where the process's own metrics live; the server adds its own."""
        ...

    def ready(self) -> bool:
        """Whether queries can be answered; the readiness gate opens with it."""
        ...

    async def reload(self) -> None:
        """Raises ConfigError; the old configuration goes on then."""
        ...

    def quit(self) -> None:
        """Ask the process to end."""
        ...


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The --web flags, as far as the server itself looks at them.

    external_url: how others reach this server; its host stands in for loopback targets
    owner_secret: who sends it in the header OWNER_HEADER may reload whatever the flags say
    cors_origin: RE2, matched against the whole Origin header
    external_labels: asked for each federation, since a reload may change them
    """

    enable_lifecycle: bool = False
    owner_secret: str = ""
    enable_admin: bool = False
    external_url: str = ""
    route_prefix: str = "/"
    cors_origin: str = ".*"
    page_title: str = "termprom"
    lookback_ms: int = limits.LOOKBACK_MS
    external_labels: Callable[[], Labels] = lambda: EMPTY


@dataclass(frozen=True, slots=True)
class Context:
    backend: Backend
    options: ServerOptions
    hooks: Hooks
