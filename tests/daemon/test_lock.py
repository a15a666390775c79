"""One engine per data folder, and how the next one finds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from termprom.daemon.lock import LOCK_NAME, OWNER_NAME, FolderLock, find_owner, read_secret
from termprom.errors import DataFolderLocked, StorageError


def test_the_owner_can_be_found_for_as_long_as_it_holds_the_folder(tmp_path: Path) -> None:
    assert find_owner(tmp_path) is None
    lock = FolderLock(tmp_path)
    lock.acquire()
    lock.announce("http://127.0.0.1:1234")
    owner = find_owner(tmp_path)
    assert owner is not None
    assert (owner.pid, owner.url) == (os.getpid(), "http://127.0.0.1:1234")
    lock.release()
    assert find_owner(tmp_path) is None


def test_a_second_holder_learns_who_the_first_is(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire()
    first.announce("http://x")
    with pytest.raises(DataFolderLocked) as caught:
        second.acquire()
    assert (caught.value.pid, caught.value.url) == (os.getpid(), "http://x")
    first.release()
    second.acquire()
    second.release()


def test_a_killed_owner_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, pathlib\n"
        "from termprom.daemon.lock import FolderLock\n"
        "FolderLock(pathlib.Path(sys.argv[1])).acquire()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert (tmp_path / LOCK_NAME).read_bytes(), "the note of the dead owner is still there"
    assert find_owner(tmp_path) is None
    lock = FolderLock(tmp_path)
    lock.acquire()
    lock.release()


def test_the_secret_is_new_each_run_and_nobody_elses(tmp_path: Path) -> None:
    secrets = []
    for _ in range(2):
        lock = FolderLock(tmp_path)
        lock.acquire()
        assert (tmp_path / OWNER_NAME).stat().st_mode & 0o777 == 0o600
        assert read_secret(tmp_path) == lock.secret
        secrets.append(lock.secret)
        lock.release()
        assert read_secret(tmp_path) == ""
    assert len(set(secrets)) == 2
    assert min(map(len, secrets)) > 40


def test_a_garbled_note_is_an_unknown_owner(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    lock.acquire()
    (tmp_path / LOCK_NAME).write_bytes(b"\xff{")
    owner = find_owner(tmp_path)
    assert owner is not None
    assert owner.pid == 0
    lock.release()


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        FolderLock(tmp_path / "file" / "data").acquire()
