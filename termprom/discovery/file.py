"""file_sd_configs: files of target groups, read again when they change.

Changes are noticed by looking at name, inode, size and modification time of what the patterns
match, which works on every filesystem and sees an atomic replacement as what it is. A file that
cannot be used keeps the groups it had; a file that is gone takes its groups with it.
"""

from __future__ import annotations

import asyncio
import glob
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from termprom import limits
from termprom.config.schema import FileSDConfig, TargetGroup
from termprom.config.sd_files import load_target_groups
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.refresh import Shrinking
from termprom.errors import ConfigError, DiscoveryError

META_FILEPATH: Final = "__meta_filepath"
_LOOK_SECONDS: Final = 1.0

# Per path: inode, size, modification time in ns.
_Fingerprint = dict[str, tuple[int, int, int]]
_T = TypeVar("_T")


class FileDiscovery:
    def __init__(self, config: FileSDConfig, around: Surroundings) -> None:
        self._patterns = config.files
        self._interval_seconds = config.refresh_interval / 1000
        self._around = around
        self._known: dict[str, Shrinking] = {}

    async def run(self, emit: Emit) -> None:
        clock, metrics = self._around.clock, self._around.metrics
        seen: _Fingerprint | None = None
        read_at = 0.0
        try:
            while True:
                now = await self._in_thread(self._look)
                if now != seen or clock.monotonic() - read_at >= self._interval_seconds:
                    seen, read_at = now, clock.monotonic()
                    emit(await self._in_thread(partial(self._read_all, list(now))))
                await clock.sleep(min(_LOOK_SECONDS, self._interval_seconds))
        finally:
            for path in list(self._known):
                metrics.end_file(path)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._around.executor, work)

    def _look(self) -> _Fingerprint:
        """What the patterns match now, in the order of the patterns, then by name. Blocking."""
        found: _Fingerprint = {}
        for pattern in self._patterns:
            for path in sorted(glob.glob(pattern, include_hidden=True)):
                try:
                    stat = os.stat(path)
                except OSError:
                    found[path] = (0, 0, 0)  # reading it will tell why
                else:
                    found[path] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        return found

    def _read_all(self, paths: Sequence[str]) -> list[TargetGroup]:
        """Blocking."""
        with self._around.metrics.file_scan_seconds.time():
            groups = [group for path in paths for group in self._read(path)]
        for path in [path for path in self._known if path not in paths]:
            groups += self._known.pop(path).groups((), META_FILEPATH)
            self._around.metrics.end_file(path)
        return groups

    def _read(self, path: str) -> list[TargetGroup]:
        """The groups of one file; nothing when it cannot be used, which leaves its old ones."""
        # Known even when it fails, so that its groups go when it goes.
        numbered = self._known.setdefault(path, Shrinking(path))
        try:
            text, mtime_seconds = _content(path)
            groups = numbered.groups(load_target_groups(text, path), META_FILEPATH)
        except (ConfigError, DiscoveryError, OSError, UnicodeDecodeError) as problem:
            self._around.metrics.file_read_errors.inc()
            told = problem if path in str(problem) else DiscoveryError(f"{path}: {problem}")
            self._around.failed("cannot use a file of targets", "file", told)
            return []
        self._around.metrics.file_mtime.labels(path).set(mtime_seconds)
        return groups


def _content(path: str) -> tuple[str, int]:
    """The text of a file and its modification time in whole seconds. Raises OSError, ConfigError,
    UnicodeDecodeError.
    """
    with open(path, "rb") as opened:
        body = opened.read(limits.DISCOVERY_BODY_BYTES_MAX + 1)
        mtime_seconds = int(os.fstat(opened.fileno()).st_mtime)
    if len(body) > limits.DISCOVERY_BODY_BYTES_MAX:
        raise ConfigError(f"the file is larger than {limits.DISCOVERY_BODY_BYTES_MAX} bytes", path)
    return body.decode(), mtime_seconds
