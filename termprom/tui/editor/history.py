"""Expressions that were run before, in one SQLite file that several screens may share.

Entries are one per text (blanks do not count) and server; running one again makes it the newest.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENTRIES_MAX: Final = 10_000
_SCHEMA: Final = """
create table if not exists history (
    key text not null, server text not null, text text not null, at_ms integer not null,
    series integer not null, seconds real not null, failed integer not null,
    primary key (key, server)
)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One expression and its latest run."""

    text: str
    server: str
    at_ms: int
    series: int = 0
    seconds: float = 0.0
    failed: bool = False


def history_path() -> Path:
    """`history.db` in the XDG state folder."""
    base = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(base) if base else Path.home() / ".local" / "state"
    return folder / "termprom" / "history.db"


class History:
    """The newest ENTRIES_MAX expressions. A file that cannot be used is replaced by memory."""

    def __init__(self, path: Path | None) -> None:
        self._db = _opened(path)

    def add(self, entry: Entry) -> None:
        """Keep `entry` as the newest; the oldest beyond the bound goes."""
        key = " ".join(entry.text.split())
        if not key:
            return
        try:
            with self._db:
                self._db.execute(
                    "insert or replace into history values (?, ?, ?, ?, ?, ?, ?)",
                    (
                        key,
                        entry.server,
                        entry.text,
                        entry.at_ms,
                        entry.series,
                        entry.seconds,
                        int(entry.failed),
                    ),
                )
                self._db.execute(
                    "delete from history where rowid in "
                    "(select rowid from history order by at_ms desc limit -1 offset ?)",
                    (ENTRIES_MAX,),
                )
        except sqlite3.Error:
            return  # a full or locked disk costs an entry, never the query

    def newest(self, count: int = 500, *, server: str | None = None) -> list[Entry]:
        """The latest entries, newest first; of one server or of all."""
        return self.search("", count, server=server)

    def search(self, words: str, count: int = 200, *, server: str | None = None) -> list[Entry]:
        """Entries that contain every word, in any order, newest first."""
        conditions = ["instr(lower(text), ?) > 0" for _ in words.split()]
        values: list[str | int] = list(words.lower().split())
        if server is not None:
            conditions.append("server = ?")
            values.append(server)
        where = f"where {' and '.join(conditions)}" if conditions else ""
        try:
            rows = self._db.execute(
                "select text, server, at_ms, series, seconds, failed from history "
                f"{where} order by at_ms desc, rowid desc limit ?",
                (*values, count),
            ).fetchall()
        except sqlite3.Error:
            return []
        return [Entry(t, s, at, n, took, bool(bad)) for t, s, at, n, took, bad in rows]

    def beginning_with(self, text: str) -> str:
        """The newest successful entry that goes on from `text`, empty where there is none."""
        try:
            found = self._db.execute(
                "select text from history where substr(text, 1, ?) = ? and failed = 0 "
                "and length(text) > ? order by at_ms desc, rowid desc limit 1",
                (len(text), text, len(text)),
            ).fetchone()
        except sqlite3.Error:
            return ""
        return str(found[0]) if found else ""

    def close(self) -> None:
        self._db.close()


def _opened(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            found = sqlite3.connect(path, timeout=0.2)
            found.execute("pragma journal_mode = wal")
            found.execute("pragma synchronous = normal")
            found.execute(_SCHEMA)
            return found
        except (OSError, sqlite3.Error):
            pass  # read-only home, another program's file: history then lasts as long as the screen
    memory = sqlite3.connect(":memory:")
    memory.execute(_SCHEMA)
    return memory
