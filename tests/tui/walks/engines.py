"""Engines that a test has left behind, and their end."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from termprom.daemon.lock import find_owner

_PATIENCE_SECONDS: Final = 10.0


def end_engines(data_folder: Path) -> list[int]:
    """End every process that works on this folder, with SIGKILL in the end: their ids.

    Screens too: a program that was killed takes its terminal with it, not its children.
    """
    found = _at_work(data_folder)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _at_work(data_folder):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        end = time.monotonic() + _PATIENCE_SECONDS
        while _at_work(data_folder) and time.monotonic() < end:
            time.sleep(0.05)
    return found


def _at_work(data_folder: Path) -> list[int]:
    """Those that name the folder in their command line, and the one that holds its lock."""
    argument = f"--storage.tsdb.path={data_folder}".encode()
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            if argument in path.read_bytes().split(b"\0"):
                found.add(int(path.parent.name))
    if (owner := find_owner(data_folder)) is not None and owner.pid:
        found.add(owner.pid)
    return sorted(found - {os.getpid()})
