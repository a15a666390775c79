"""The real servers and tools that tests compare with; a test that wants one skips without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.process import eventually


def peer(name: str) -> str:
    """The path of that program; TERMPROM_PEERS names the folder of them."""
    folder = os.environ.get("TERMPROM_PEERS") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
        "termprom-peers/root/usr/bin",
    )
    found = shutil.which(name, path=folder)
    if found is None:
        pytest.skip(f"no {name}; TERMPROM_PEERS names the folder of real servers")
    return found


@contextmanager
def running(url: str, health: str, log: Path, name: str, *arguments: str) -> Iterator[str]:
    """A server from its health check's first success to its end; `url` is where it listens."""
    program = peer(name)
    with log.open("wb") as output:
        process = subprocess.Popen([program, *arguments], stdout=output, stderr=output)
        try:
            eventually(f"{name} is up", lambda: _answers(process, url + health, log))
            yield url
        finally:
            process.kill()
            process.wait()


def _answers(process: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text("utf-8", "replace")
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False
