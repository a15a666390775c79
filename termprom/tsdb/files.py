"""Every operation on disk, in one place: names, appends, fsync, atomic replacement, mapping.

Tests put a `Files` that fails in place of this one. Foreign errors become DiskFull or StorageError
here and nowhere else.
"""

from __future__ import annotations

import errno
import mmap
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from termprom.errors import DiskFull, StorageError

MANIFEST_NAME: Final = "manifest.json"
WAL_FOLDER: Final = "wal"
WAL_SUFFIX: Final = ".wal"
BLOCKS_FOLDER: Final = "blocks"
TEMPORARY_SUFFIX: Final = ".tmp"
GONE_SUFFIX: Final = ".gone"
QUARANTINED_SUFFIX: Final = ".quarantined"

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def translated(problem: OSError, path: Path) -> StorageError:
    """Our error for one of the operating system's."""
    if problem.errno in _FULL:
        return DiskFull(str(path))
    return StorageError(f"{path}: {problem.strerror or problem}")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Raise StorageError or DiskFull for any OSError inside."""
    try:
        yield
    except OSError as problem:
        raise translated(problem, path) from problem


class Files:
    """The disk. Methods raise OSError; callers translate at their own seam."""

    __slots__ = ()

    def create(self, path: Path) -> int:
        """A new file for appending; its descriptor."""
        return os.open(
            path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o644
        )

    def write(self, descriptor: int, data: bytes) -> int:
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        os.ftruncate(descriptor, size_bytes)

    def cut(self, path: Path, size_bytes: int) -> None:
        """Shorten a file that nobody has open, and make that durable."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, size_bytes)
            self.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Rename and make both names durable; survives a crash as one or the other."""
        source.rename(target)
        self.sync_folder(target.parent)

    def link(self, source: Path, target: Path) -> None:
        """A second name for the same bytes, on the same file system."""
        os.link(source, target)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def remove_tree(self, path: Path) -> None:
        shutil.rmtree(path, ignore_errors=True)

    def make_folder(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)

    def sync_folder(self, path: Path) -> None:
        """Without this a new name may be gone after a power cut, though not the file's bytes."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self, path: Path) -> bytes:
        return path.read_bytes()

    def map(self, path: Path) -> memoryview:
        """The file's bytes, read only, paged in as they are touched."""
        with path.open("rb") as opened:
            if os.fstat(opened.fileno()).st_size == 0:
                return memoryview(b"")
            return memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))

    def write_all(self, descriptor: int, data: bytes | memoryview) -> None:
        """Every byte; a short write goes on where it stopped."""
        view = memoryview(data)
        while len(view):
            view = view[self.write(descriptor, bytes(view[: 1 << 20])) :]

    def write_file(self, path: Path, data: bytes) -> None:
        """A new file with `data`, on the platter before this returns."""
        descriptor = self.create(path)
        try:
            self.write_all(descriptor, data)
            self.fsync(descriptor)
        finally:
            self.close(descriptor)

    def write_atomic(self, path: Path, data: bytes) -> None:
        """Replace `path`; after a crash it holds the old bytes or the new ones, never a mixture."""
        temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        self.remove(temporary)
        self.write_file(temporary, data)
        self.rename(temporary, path)
