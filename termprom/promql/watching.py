"""Who is told of queries as they begin and end, and what they are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from termprom.model.grid import Grid
from termprom.model.result import QueryResult, QueryStats

# Whoever asks says here whether every node is to be accounted for, and who it is that asks, as an
# object of the query log: `httpRequest` or `ruleGroup`.
EXPLAIN: Final[ContextVar[bool]] = ContextVar("explain queries", default=False)
ORIGIN: Final[ContextVar[Mapping[str, Any] | None]] = ContextVar("query origin", default=None)


@dataclass(slots=True, eq=False)
class WatchedQuery:
    """One evaluation. `step_ms` is 0 for an instant query; the last two are known at its end."""

    text: str
    start_ms: int
    end_ms: int
    step_ms: int
    origin: Mapping[str, Any]
    stats: QueryStats = field(default_factory=QueryStats)
    error: str = ""


class QueryWatcher(Protocol):
    """Called in the evaluating thread, so it must be quick, must not raise, and may be shared."""

    def began(self, query: WatchedQuery) -> None: ...
    def ended(self, query: WatchedQuery) -> None: ...


class Watch:
    """Takes the result of the query that is being watched."""

    def __init__(self) -> None:
        self.stats = QueryStats()

    def __repr__(self) -> str:
        return f"Watch({self.stats!r})"

    def take(self, result: QueryResult) -> QueryResult:
        self.stats = result.stats
        return result


@contextmanager
def watched(
    watchers: Sequence[QueryWatcher], text: str, grid: Grid, *, over_time: bool
) -> Iterator[Watch]:
    """Tell `watchers` of the query inside, whichever way it ends."""
    watch = Watch()
    query = WatchedQuery(
        text, grid.start_ms, grid.end_ms, grid.step_ms if over_time else 0, ORIGIN.get() or {}
    )
    for one in watchers:
        one.began(query)
    try:
        yield watch
    except Exception as problem:
        query.error = str(problem)
        raise
    finally:
        query.stats = watch.stats
        for one in watchers:
            one.ended(query)
