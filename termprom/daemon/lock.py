"""The data folder's lock: one engine per folder, and how to find it.

    <data folder>/lock    held with flock(2) for as long as the engine lives; its text is JSON:
                          {"pid": 4711, "url": "http://127.0.0.1:9090", "version": "0.1.0"}

    <data folder>/owner   a secret of this run, readable by its owner only (mode 0600): who
                          holds it may reload over HTTP without --web.enable-lifecycle, since who
                          can read the folder could change everything in it anyhow.

The kernel gives the lock back however the process dies, so a left-over file means nothing; only a
held lock does. `url` is empty until the API answers.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from termprom import __version__
from termprom.errors import DataFolderLocked, StorageError

LOCK_NAME = "lock"
OWNER_NAME = "owner"


@dataclass(frozen=True, slots=True)
class Owner:
    """The engine that holds a folder; pid 0 where its note could not be read."""

    pid: int = 0
    url: str = ""
    version: str = ""


class FolderLock:
    """Holds the folder from `acquire` to `release`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._secret_path = folder / OWNER_NAME
        self._file: int | None = None
        self.secret = ""

    def __repr__(self) -> str:
        return f"FolderLock({self._path}, {'held' if self._file is not None else 'free'})"

    def acquire(self) -> None:
        """Raises DataFolderLocked with the owner, StorageError if the folder is not writable."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as problem:
            raise StorageError(f"{self._path.parent}: {problem.strerror}") from problem
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _parse(os.pread(file, 4096, 0))
            os.close(file)
            raise DataFolderLocked(str(self._path.parent), owner.pid, owner.url) from None
        self._file = file
        self.announce("")
        self._make_secret()

    def _make_secret(self) -> None:
        """A new one each run. Written under a new name, so that it is never readable by others."""
        secret = secrets.token_urlsafe(32)
        with suppress(FileNotFoundError):
            self._secret_path.unlink()
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            file = os.open(self._secret_path, flags, 0o600)
            try:
                os.write(file, secret.encode())
            finally:
                os.close(file)
        except OSError as problem:
            raise StorageError(f"{self._secret_path}: {problem.strerror}") from problem
        self.secret = secret

    def announce(self, url: str) -> None:
        """Say where this engine answers."""
        assert self._file is not None, "only the holder may write its note"
        note = {"pid": os.getpid(), "url": url, "version": __version__}
        text = json.dumps(note).encode()
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text, 0)

    def release(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._secret_path.unlink()
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None


def find_owner(folder: Path) -> Owner | None:
    """Who holds `folder` now; None when nobody does."""
    try:
        file = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # A shared try tells whether somebody holds it, and never keeps a new owner waiting long.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _parse(os.pread(file, 4096, 0))
    else:
        return None
    finally:
        os.close(file)


def read_secret(folder: Path) -> str:
    """The secret of the engine that holds `folder`; empty where it is not ours to read."""
    try:
        return (folder / OWNER_NAME).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _parse(text: bytes) -> Owner:
    try:
        note = json.loads(text)
        return Owner(int(note["pid"]), str(note["url"]), str(note.get("version", "")))
    except (ValueError, KeyError, TypeError):
        return Owner()
