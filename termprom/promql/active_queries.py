"""What is being asked right now, in a file that outlives a killed process.

    queries.active := '[' slot*          mapped into memory, 1 + 1000 x slots bytes
    slot           := {"query":"...","timestamp_sec":N} NUL* ','      999 bytes and a comma
                    | NUL x 1000                                      free

The kernel keeps a mapped page when its process dies, so no write and no fsync is needed per query.
Queries beyond the slots are not written down. Source: reference "Prometheus TSDB format", 11.
"""

from __future__ import annotations

import json
import mmap
import threading
from pathlib import Path
from typing import Any, Final

import orjson

from termprom.clock import Clock
from termprom.errors import StorageError
from termprom.promql.watching import WatchedQuery

_SLOT: Final = 1000  # bytes
_FREE: Final = bytes(_SLOT)


class ActiveQueries:
    """A QueryWatcher. Safe to call from many threads; owns its file until it is closed."""

    def __init__(self, path: Path, slots: int, *, clock: Clock) -> None:
        """Takes the place of the file of an earlier run. Raises StorageError."""
        self._clock = clock
        self._path = path
        self._lock = threading.Lock()
        self._taken: dict[WatchedQuery, int] = {}
        self._free = list(range(slots - 1, -1, -1))
        try:
            with path.open("wb+") as file:
                # Written, not only made long: a hole that a full disk cannot fill would kill us.
                file.write(bytes(1 + _SLOT * slots))
                file.flush()
                self._map: mmap.mmap | None = mmap.mmap(file.fileno(), 0)
        except OSError as problem:
            raise StorageError(f"{path}: {problem.strerror}") from problem
        self._map[0:1] = b"["

    def __repr__(self) -> str:
        return f"ActiveQueries({self._path}, {len(self._taken)} running)"

    def began(self, query: WatchedQuery) -> None:
        entry = _entry(query.text, self._clock.now_ms() // 1000)
        with self._lock:
            if self._map is None or not self._free:
                return
            slot = self._taken[query] = self._free.pop()
            self._map[1 + _SLOT * slot : 1 + _SLOT * (slot + 1)] = entry

    def ended(self, query: WatchedQuery) -> None:
        with self._lock:
            slot = self._taken.pop(query, None)
            if self._map is None or slot is None:
                return
            self._map[1 + _SLOT * slot : 1 + _SLOT * (slot + 1)] = _FREE
            self._free.append(slot)

    def close(self) -> None:
        """Queries that are still running stay in the file."""
        with self._lock:
            if self._map is not None:
                self._map.close()
            self._map = None


def _entry(text: str, seconds: int) -> bytes:
    """One slot; the query is cut, at a character's end, to what fits."""
    room = _SLOT - len(b'{"query":"","timestamp_sec":},') - len(str(seconds))
    shown = _fitting(text.encode(errors="replace").decode(), room)
    entry = b'{"query":%b,"timestamp_sec":%d}' % (orjson.dumps(shown), seconds)
    return entry.ljust(_SLOT - 1, b"\0") + b","


def _fitting(text: str, room: int) -> str:
    """As much of `text` as takes `room` bytes in JSON."""
    text = text[:room]
    if len(orjson.dumps(text)) - 2 <= room:
        return text
    used = 0
    for number, char in enumerate(text):
        used += len(orjson.dumps(char)) - 2
        if used > room:
            return text[:number]
    return text


def unfinished(path: Path) -> list[dict[str, Any]]:
    """The queries that were running when the process that wrote `path` died: `query`,
    `timestamp_sec`. Nothing where there is no such file, or where it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError:
        return []
    found = content.replace(b"\0", b"").rstrip(b",") + b"]"
    try:
        read = json.loads(found)
    except ValueError:
        return []
    return [one for one in read if isinstance(one, dict)] if isinstance(read, list) else []
