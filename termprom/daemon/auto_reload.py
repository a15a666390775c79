"""--config.auto-reload: reads the configuration again when it, or a file that it names, changes.

Compared are contents, by a digest over the configuration, its rule files and its scrape config
files, so that a file that was only touched changes nothing. Files of targets, certificates and
passwords have their own watchers. A reload that fails is tried again at each look.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor
from pathlib import Path

from termprom.clock import Clock
from termprom.config.globbing import matching_files
from termprom.config.schema import Config
from termprom.errors import TermpromError

log = logging.getLogger("termprom.daemon")


def digest_of(config_file: Path, config: Config) -> str:
    """What the files of a configuration hold. Blocking. Raises OSError for an unreadable one."""
    digest = hashlib.sha256(config_file.read_bytes())
    for mark, patterns in (("r", config.rule_files), ("s", config.scrape_config_files)):
        for name in _files(patterns):
            digest.update(f"{mark}\0{name}\0".encode())
            digest.update(Path(name).read_bytes() + b"\0")
    return digest.hexdigest()


def _files(patterns: Iterable[str]) -> Iterable[str]:
    for pattern in patterns:
        yield from matching_files(pattern)


class AutoReload:
    """Looks every `interval_ms`; `digest` is blocking, `reload` raises TermpromError."""

    def __init__(
        self,
        digest: Callable[[], str],
        reload: Callable[[], Awaitable[None]],
        *,
        interval_ms: int,
        clock: Clock,
        executor: Executor | None = None,
    ) -> None:
        self._digest = digest
        self._reload = reload
        self._seconds = max(interval_ms, 1_000) / 1000
        self._clock = clock
        self._executor = executor
        self._known = ""

    def __repr__(self) -> str:
        return f"AutoReload(every {self._seconds:g} s)"

    async def run(self) -> None:
        """Never ends; cancel it."""
        self._known = await self._look()
        while True:
            await self._clock.sleep(self._seconds)
            found = await self._look()
            if not found or found == self._known:
                continue
            log.info("the configuration has changed: reloading")
            try:
                await self._reload()
            except TermpromError:
                # The reload has said why; it is tried again at the next look.
                continue
            # What it names may be other files now.
            self._known = await self._look()

    async def _look(self) -> str:
        """The digest; empty while a file cannot be read."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._digest)
        except (OSError, ValueError) as problem:
            log.error("cannot look whether the configuration has changed: %s", problem)
            return ""
