"""The claim on a data folder: one process writes to it.

The lock is on the folder itself, so that it leaves no file behind; the kernel gives it back however
the process ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from termprom.errors import DataFolderLocked, StorageError


class FolderClaim:
    """Held from construction to `release`. Raises DataFolderLocked, StorageError."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = -1
        try:
            self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as problem:
            raise StorageError(f"{folder}: {problem.strerror}") from problem
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise DataFolderLocked(str(folder)) from None
        except OSError:
            # A file system without locks (some network mounts): the operator has to take care.
            pass

    def __repr__(self) -> str:
        return f"FolderClaim({'held' if self._descriptor >= 0 else 'released'})"

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
