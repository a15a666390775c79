"""A disk that fails at a chosen operation, once or for ever."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from termprom.tsdb.files import Files


class Killed(BaseException):
    """The process ended here."""


class FailingFiles(Files):
    """Operations that change the disk are counted from `arm` on; number `at` fails.

    With `kill` it and all later ones raise Killed; else it alone fails with `code`. A write that
    fails has written half of its bytes. An fsync that fails with EIO has lost all that was written
    since the one before: Linux takes such pages for clean, and the next fsync finds nothing wrong.
    """

    __slots__ = ("_at", "_code", "_count", "_durable_bytes", "_kill")

    def __init__(self) -> None:
        self._at = -1
        self._count = 0
        self._code = errno.ENOSPC
        self._kill = False
        self._durable_bytes: dict[int, int] = {}  # of each file that is being written

    def arm(self, at: int, *, kill: bool = False, code: int = errno.ENOSPC) -> None:
        self._at, self._count, self._kill, self._code = at, 0, kill, code

    def disarm(self) -> bool:
        """Stop failing; whether it came to a failure."""
        reached = 0 <= self._at < self._count
        self._at = -1
        return reached

    def _fails(self) -> bool:
        if self._at < 0:
            return False
        number, self._count = self._count, self._count + 1
        return number == self._at or (self._kill and number > self._at)

    def _step(self) -> None:
        if self._fails():
            raise self._failure()

    def _failure(self) -> BaseException:
        return Killed() if self._kill else OSError(self._code, "made to fail")

    def create(self, path: Path) -> int:
        self._step()
        descriptor = super().create(path)
        self._durable_bytes[descriptor] = 0
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        if self._fails():
            super().write(descriptor, data[: len(data) // 2])
            raise self._failure()
        return super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        durable_bytes = self._durable_bytes.get(descriptor)
        if self._fails():
            if durable_bytes is not None and self._code == errno.EIO and not self._kill:
                super().truncate(descriptor, durable_bytes)
            raise self._failure()
        super().fsync(descriptor)
        if durable_bytes is not None:
            self._durable_bytes[descriptor] = os.fstat(descriptor).st_size

    def close(self, descriptor: int) -> None:
        self._durable_bytes.pop(descriptor, None)
        super().close(descriptor)

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        self._step()
        super().truncate(descriptor, size_bytes)

    def rename(self, source: Path, target: Path) -> None:
        self._step()
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._step()
        super().remove(path)

    def remove_tree(self, path: Path) -> None:
        if not self._fails():
            super().remove_tree(path)
        elif self._kill:
            raise Killed

    def make_folder(self, path: Path) -> None:
        self._step()
        super().make_folder(path)
