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


# A package's Alertmanager reads its templates here, whatever its flags say.
_TEMPLATES = "usr/share/prometheus/alertmanager"
_IN_PLACE = (
    "mount -t tmpfs none /usr/share && mkdir /usr/share/prometheus"
    f' && cp -r "$0" /{_TEMPLATES} && exec "$@"'
)


def _command(name: str) -> list[str]:
    """What starts that program; an unpacked package finds its files where it looks for them."""
    program = peer(name)
    unpacked = Path(program).parents[2] / _TEMPLATES
    if "alertmanager" not in name or Path("/", _TEMPLATES).exists() or not unpacked.exists():
        return [program]
    # In a name space of its own: nothing of the machine is changed.
    prefix = ["unshare", "-rm", "sh", "-c", _IN_PLACE, str(unpacked)]
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"]).returncode:
        pytest.skip(f"{name} wants /{_TEMPLATES}, and there are no user name spaces to give it one")
    return [*prefix, program]


@contextmanager
def running(url: str, health: str, log: Path, name: str, *arguments: str) -> Iterator[str]:
    """A server from its health check's first success to its end; `url` is where it listens."""
    command = _command(name)
    with log.open("wb") as output:
        process = subprocess.Popen([*command, *arguments], stdout=output, stderr=output)
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
