"""The one interface between a screen (or the HTTP API) and a monitoring system.

`backend.local` is this process's engine, `backend.remote` any server that speaks the Prometheus
API. Callers cannot tell them apart, except by `offers`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata
from termprom.model.notices import Notice
from termprom.model.result import QueryResult
from termprom.model.silences import Silence
from termprom.storage import Exemplar
from termprom.views import (
    AlertView,
    CardinalityView,
    LogLine,
    MetadataView,
    PushGroupView,
    RuleGroupView,
    SilenceView,
    StatusView,
    TargetsView,
)


class Topic(StrEnum):
    """What an event says has changed; ask for it again to see how."""

    TARGETS = "targets"
    RULES = "rules"
    ALERTS = "alerts"
    STATS = "stats"  # new samples are there, counters moved
    CONFIG = "config"
    LOGS = "logs"
    PUSH = "push"
    LINK = "link"  # a remote end went away or came back


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at `at_ms`. `text` is a line for people, empty for mere movement."""

    topic: Topic
    at_ms: int
    text: str = ""


class Feature(StrEnum):
    """What not every Backend has. Asking for a missing one raises NotOffered."""

    LOGS = "logs"
    PUSH_GROUPS = "push_groups"
    RELOAD = "reload"
    SILENCES = "silences"
    CARDINALITY = "cardinality"
    TARGETS = "targets"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """Label sets that match, sorted; cut to the limit, with a notice that says so."""

    labels: Sequence[Labels]
    notices: Sequence[Notice] = ()


@dataclass(frozen=True, slots=True)
class NamesResult:
    """Label names or values, sorted; cut to the limit, with a notice that says so."""

    names: Sequence[str]
    notices: Sequence[Notice] = ()


# A series and its exemplars, oldest first.
SeriesExemplars = tuple[Labels, Sequence[Exemplar]]


class Backend(Protocol):
    """All that a front end may ask of a monitoring system.

    Safe to call from many tasks of the loop it lives on; cancelling a call cancels its work.
    Views are immutable and ordered. Any method may raise BackendUnavailable, and NotOffered where
    the other end has no such thing; other errors are named where they occur.
    `matchers` are series selectors as text (`up{job="a"}`), a series passes if any of them matches.
    """

    @property
    def name(self) -> str:
        """What to call this end on screen: a host name or a URL."""
        ...

    def offers(self, feature: Feature) -> bool: ...

    async def query(
        self,
        expr: str,
        at_ms: int | None = None,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        """An instant query; None means now.

        Raises ParseError, EvaluationError, QueryTimeout, QueryCanceled.
        """
        ...

    async def query_range(
        self,
        expr: str,
        grid: Grid,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        """A range query; same errors as `query`."""
        ...

    async def series(
        self, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> SeriesResult:
        """Raises ParseError."""
        ...

    async def label_names(
        self, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> NamesResult:
        """Raises ParseError."""
        ...

    async def label_values(
        self, name: str, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> NamesResult:
        """Raises ParseError."""
        ...

    async def exemplars(self, expr: str, start_ms: int, end_ms: int) -> Sequence[SeriesExemplars]:
        """Exemplars in [start_ms, end_ms] of all series that selectors in `expr` select, by labels.

        Raises ParseError.
        """
        ...

    async def metadata(
        self, metric: str = "", *, limit: int = 0, limit_per_metric: int = 0
    ) -> Mapping[str, Sequence[Metadata]]:
        """What the active targets say about their metric families; empty `metric` means all."""
        ...

    async def targets_metadata(
        self, match_target: str = "", metric: str = "", *, limit: int = 0
    ) -> Sequence[MetadataView]:
        """Per target; `match_target` is a selector on target labels. Raises ParseError."""
        ...

    async def targets(self) -> TargetsView: ...

    async def rules(self) -> Sequence[RuleGroupView]: ...

    async def alerts(self) -> Sequence[AlertView]:
        """Pending and firing alerts, firing first, then by name and labels."""
        ...

    async def silences(self) -> Sequence[SilenceView]:
        """Active, pending and lately expired ones, in that order."""
        ...

    async def create_silence(self, wanted: Silence) -> str:
        """Make a silence, or change the one with that id; the id it has then.

        Raises BadSilence (and NoAlertmanager, which is one), UnknownSilence, StorageError.
        """
        ...

    async def expire_silence(self, silence_id: str) -> None:
        """End a silence now. Raises UnknownSilence, NoAlertmanager, StorageError."""
        ...

    async def push_groups(self) -> Sequence[PushGroupView]: ...

    async def delete_push_group(self, labels: Labels) -> None:
        """Forget the pushed group with exactly these labels, if there is one. Raises PushError."""
        ...

    async def status(self) -> StatusView: ...

    async def cardinality(self, limit: int = 10) -> CardinalityView: ...

    async def logs(self, after: int = 0) -> Sequence[LogLine]:
        """Lines with a number above `after`, oldest first, as far as they are kept."""
        ...

    async def reload(self) -> None:
        """Read the configuration again. Raises ConfigError; the old one goes on then."""
        ...

    def events(self) -> AsyncIterator[Event]:
        """What happens from now on; merges and drops rather than block the engine."""
        ...

    async def close(self) -> None:
        """Give connections back; the engine behind it goes on."""
        ...
