"""A real `termprom serve` for tests: started on ephemeral ports, found by its lock file."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from termprom.daemon.lock import find_owner

T = TypeVar("T")

PATIENCE_SECONDS = 30.0


def eventually(what: str, look: Callable[[], T | None]) -> T:
    """The first answer of `look` that is neither None nor False; another process cannot be told
    to hurry, so this polls.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.02)


class Served:
    """One engine process on `folder`."""

    def __init__(self, folder: Path, *flags: str, config: str | None = None) -> None:
        self.data = folder / "data"
        self.config = folder / "prometheus.yml"
        arguments = [
            *("--web.listen-address=127.0.0.1:0", "--push.listen-address=off"),
            f"--storage.tsdb.path={self.data}",
            *flags,
        ]
        if config is not None:
            self.config.write_text(config, encoding="utf-8")
            arguments.append(f"--config.file={self.config}")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "termprom.cli.main", "serve", *arguments],
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    @property
    def url(self) -> str:
        def look() -> str | None:
            assert self.process.poll() is None, self.stderr()
            owner = find_owner(self.data)
            return owner.url if owner is not None and owner.url else None

        return eventually("the engine says where it answers", look)

    def ready(self) -> Served:
        eventually("ready", lambda: self.status("/-/ready") == 200)
        return self

    def status(self, path: str, *, method: str = "GET", body: bytes | None = None) -> int:
        request = urllib.request.Request(self.url + path, method=method, data=body)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code
        except urllib.error.URLError:
            return 0

    def get(self, path: str) -> Any:
        """The `data` of an API answer."""
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)["data"]

    def value(self, expr: str) -> float | None:
        """The value of the only series that `expr` gives now; None without any."""
        from urllib.parse import quote

        result = self.get(f"/api/v1/query?query={quote(expr)}")["result"]
        return float(result[0]["value"][1]) if result else None

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """The exit status and what was written to stderr."""
        self.process.send_signal(number)
        return self.finished()

    def finished(self) -> tuple[int, str]:
        _, stderr = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, stderr.decode()

    def stderr(self) -> str:
        return self.process.communicate()[1].decode()
