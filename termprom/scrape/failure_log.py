"""The file that failed requests are written to, a JSON line each."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TextIO

import orjson

from termprom.scrape.target import Target

log = logging.getLogger("termprom.scrape")


class FailureLog:
    """Opened at once, appended to; opened again by a reload. A file that fails is logged."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: TextIO | None = None
        try:
            self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - closed by close()
        except OSError as problem:
            fields = {"file": path, "error": problem.strerror}
            log.error("cannot open the scrape failure log", extra={"fields": fields})

    def write(self, target: Target, message: str, now_ms: int) -> None:
        if self._file is None:
            return
        line = {
            "time": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(),
            "level": "ERROR",
            "source": "scrape",
            "msg": message,
            "job_name": target.pool,
            "target": target.url,
        }
        try:
            self._file.write(orjson.dumps(line).decode() + "\n")
            self._file.flush()
        except OSError as problem:
            log.error("cannot write the scrape failure log: %s", problem.strerror)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
