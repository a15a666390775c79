"""The thread that makes the log durable once per period."""

from __future__ import annotations

import threading

from termprom.tsdb.wal_writer import WalWriter


class LogSync:
    """Runs from construction to `stop`."""

    def __init__(self, wal: WalWriter, period_seconds: float) -> None:
        self._wal = wal
        self._period_seconds = period_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wal-fsync", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"LogSync(every {self._period_seconds} s)"

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._period_seconds):
            self._wal.sync()
