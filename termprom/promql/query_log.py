"""The query log: one JSON object a line for every query, as the original writes it.

    {"time": "2026-...Z", "level": "INFO", "msg": "promql query logged",
     "params": {"end": "...", "query": "...", "start": "...", "step": 15},
     "error": "...", "stats": {...}, "httpRequest" | "ruleGroup": {...}}

`error` only where there is one. `step` is in seconds, 0 for an instant query.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from termprom.clock import Clock
from termprom.errors import StorageError
from termprom.promql.statistics import stats_object
from termprom.promql.watching import WatchedQuery


class QueryLog:
    """A QueryWatcher. A line that cannot be written is counted, and stops no query.

    `on_failure` is called in the evaluating thread, once per line that was lost.
    """

    def __init__(
        self, path: Path, *, clock: Clock, on_failure: Callable[[], None] = lambda: None
    ) -> None:
        """Raises StorageError."""
        self.path = path
        self._clock = clock
        self._on_failure = on_failure
        self._lock = threading.Lock()
        try:
            self._file: BinaryIO | None = path.open("ab", buffering=0)
        except OSError as problem:
            raise StorageError(f"{path}: {problem.strerror}") from problem

    def __repr__(self) -> str:
        return f"QueryLog({self.path})"

    def began(self, query: WatchedQuery) -> None:
        return

    def ended(self, query: WatchedQuery) -> None:
        line = orjson.dumps(_record(query, self._clock.now_ms())) + b"\n"
        with self._lock:
            if self._file is None:
                return
            try:
                self._file.write(line)
            except OSError:
                self._on_failure()

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file = None


def _record(query: WatchedQuery, now_ms: int) -> dict[str, Any]:
    step = query.step_ms / 1000
    return {
        "time": _rfc3339(now_ms),
        "level": "INFO",
        "msg": "promql query logged",
        "params": {
            "end": _rfc3339(query.end_ms),
            "query": _valid(query.text),
            "start": _rfc3339(query.start_ms),
            "step": int(step) if step.is_integer() else step,
        },
        **({"error": _valid(query.error)} if query.error else {}),
        "stats": stats_object(query.stats),
        **query.origin,
    }


def _rfc3339(time_ms: int) -> str:
    return f"{np.datetime64(time_ms, 'ms')}Z"


def _valid(text: str) -> str:
    """Text without lone surrogates, which JSON cannot hold."""
    return text.encode(errors="replace").decode()
