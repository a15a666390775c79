"""`termprom stop`: end the engine that runs on a data folder."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from termprom.daemon.lock import find_owner
from termprom.daemon.settings import Settings

_PATIENCE_SECONDS = 60.0


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="termprom stop",
        description="End the engine that runs on a data folder.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--storage.tsdb.path", dest="folder", metavar="DIR", help="the engine's data folder"
    )
    chosen = parser.parse_args(arguments)
    folder = Path(chosen.folder) if chosen.folder else Settings().data_folder
    owner = find_owner(folder)
    if owner is None:
        print(f"termprom: no engine runs on {folder}", file=sys.stderr)
        return 1
    if not owner.pid:
        print(f"termprom: {folder} is locked, but its owner left no note", file=sys.stderr)
        return 1
    try:
        os.kill(owner.pid, signal.SIGTERM)
    except PermissionError:
        print(f"termprom: process {owner.pid} belongs to somebody else", file=sys.stderr)
        return 1
    except ProcessLookupError:
        pass  # It ended on its own between the look and the signal.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while find_owner(folder) is not None:
        if time.monotonic() > deadline:
            print(f"termprom: process {owner.pid} has not ended yet", file=sys.stderr)
            return 1
        time.sleep(0.05)
    print(f"termprom: process {owner.pid} has ended")
    return 0
