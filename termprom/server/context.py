"""What every handler of the HTTP API works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from prometheus_client import CollectorRegistry

from termprom import limits
from termprom.backend.interface import Backend
from termprom.config.schema import ScrapeConfig
from termprom.model.labels import EMPTY, Labels
from termprom.model.matchers import Matcher
from termprom.promql.syntax.parse import Features


class Administration(Protocol):
    """What administrators may do to the store; all methods block. `tsdb.db.Database` is one."""

    def delete(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> None:
        """Delete what the matching series have in [start_ms, end_ms]. Raises StorageError."""
        ...

    def clean_tombstones(self) -> None:
        """Give the room of what was deleted back. Raises StorageError."""
        ...

    def snapshot(self, *, skip_head: bool = False) -> str:
        """The name of a new folder below `snapshots`. Raises StorageError."""
        ...


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

    def scrape_configs(self) -> Sequence[ScrapeConfig]:
        """The jobs of the configuration in force."""
        ...


PLAIN: Final = Features()


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The --web flags, as far as the server itself looks at them.

    external_url: how others reach this server; its host stands in for loopback targets
    owner_secret: who sends it in the header OWNER_HEADER may reload whatever the flags say
    cors_origin: RE2, matched against the whole Origin header
    features: what of PromQL is switched on; feature_names are all names that were given
    body_seconds: how long a client may take to send a body
    external_labels: asked for each federation, since a reload may change them
    """

    enable_lifecycle: bool = False
    owner_secret: str = ""
    enable_remote_write: bool = False
    external_url: str = ""
    route_prefix: str = "/"
    cors_origin: str = ".*"
    page_title: str = "termprom"
    lookback_ms: int = limits.LOOKBACK_MS
    features: Features = PLAIN
    feature_names: frozenset[str] = frozenset()
    notification_streams_max: int = limits.NOTIFICATION_STREAMS_MAX
    search_limit_max: int = limits.SEARCH_LIMIT_MAX
    body_seconds: float = limits.READ_TIMEOUT_SECONDS
    external_labels: Callable[[], Labels] = lambda: EMPTY


@dataclass(frozen=True, slots=True)
class Context:
    """`admin` is None where the admin API is off."""

    backend: Backend
    options: ServerOptions
    hooks: Hooks
    admin: Administration | None = None
