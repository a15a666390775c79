"""The query log and the file of running queries, where configuration and data folder have them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from termprom.clock import Clock
from termprom.errors import StorageError
from termprom.promql.active_queries import ActiveQueries, unfinished
from termprom.promql.query_log import QueryLog
from termprom.promql.watching import QueryWatcher

_log = logging.getLogger("termprom.queries")
_FILE: Final = "queries.active"


class QueryWatch:
    """Who watches the queries of this engine. Used on the engine's loop."""

    def __init__(
        self, folder: Path, concurrency_max: int, *, clock: Clock, registry: CollectorRegistry
    ) -> None:
        """Says in the log which queries the last run did not finish."""
        self._clock = clock
        self._log: QueryLog | None = None
        self._enabled = Gauge(
            "prometheus_engine_query_log_enabled",
            "Whether queries are written to a log.",
            registry=registry,
        )
        self._lost = Counter(
            "prometheus_engine_query_log_failures",
            "Lines of the query log that could not be written.",
            registry=registry,
        )
        path = folder / _FILE
        left = unfinished(path)
        if left:
            _log.warning(
                "these queries did not finish in the last run", extra={"fields": {"queries": left}}
            )
        self._active: ActiveQueries | None = None
        try:
            self._active = ActiveQueries(path, concurrency_max, clock=clock)
        except StorageError as problem:
            _log.error("running queries are not written down: %s", problem)

    def __repr__(self) -> str:
        return f"QueryWatch({self._active!r}, {self._log!r})"

    @property
    def watchers(self) -> Sequence[QueryWatcher]:
        return [one for one in (self._active, self._log) if one is not None]

    def open_log(self, path: str) -> QueryLog | None:
        """The log at `path`, opened anew so that it may have been rotated; none for an empty path.

        Raises StorageError; the log in use goes on then.
        """
        if not path:
            return None
        return QueryLog(Path(path), clock=self._clock, on_failure=self._lost.inc)

    def use_log(self, log: QueryLog | None) -> None:
        """From now on write to `log`, and no longer to the one before it."""
        before, self._log = self._log, log
        self._enabled.set(0 if log is None else 1)
        if before is not None:
            before.close()

    def close(self) -> None:
        self.use_log(None)
        if self._active is not None:
            self._active.close()
