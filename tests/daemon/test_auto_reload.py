"""The configuration is read again when what it says has changed, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from termprom.config.load import load_config
from termprom.daemon.auto_reload import AutoReload, digest_of
from termprom.errors import ConfigError
from termprom.testing.clock import ManualClock


def test_what_counts_as_a_change(tmp_path: Path) -> None:
    path, rules = tmp_path / "prometheus.yml", tmp_path / "r1.yml"
    path.write_text("rule_files: [r*.yml]\nscrape_config_files: [s.yml]\n", encoding="utf-8")
    config = load_config(path)
    seen = [digest_of(path, config)]

    def changed() -> bool:
        seen.append(digest_of(path, config))
        return seen[-1] != seen[-2]

    rules.write_text("groups: []\n", encoding="utf-8")
    assert changed(), "a new file that a pattern matches"
    rules.write_text("groups: [] # x\n", encoding="utf-8")
    assert changed()
    rules.touch()
    assert not changed()
    (tmp_path / "s.yml").write_text("scrape_configs: []\n", encoding="utf-8")
    assert changed()
    rules.rename(tmp_path / "r2.yml")
    assert changed()
    (tmp_path / "other.yml").write_text("x", encoding="utf-8")
    assert not changed()


class Files:
    """What AutoReload looks at and calls."""

    def __init__(self) -> None:
        self.digest = "a"
        self.reloads = 0
        self.sound = True
        self.clock = ManualClock()

    def look(self) -> str:
        if self.digest == "unreadable":
            raise FileNotFoundError(2, "gone")
        return self.digest

    async def reload(self) -> None:
        self.reloads += 1
        if not self.sound:
            raise ConfigError("no")

    async def pass_time(self) -> None:
        await self.clock.advance(30)


class AtOnce(Executor):
    """Runs what it is given in place, so that no test has to wait for a thread."""

    def submit(  # type: ignore[override]
        self, call: Callable[..., Any], /, *arguments: object
    ) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(call(*arguments))
        except OSError as problem:
            done.set_exception(problem)
        return done


@asynccontextmanager
async def watching(files: Files) -> AsyncIterator[None]:
    watch = AutoReload(
        files.look, files.reload, interval_ms=30_000, clock=files.clock, executor=AtOnce()
    )
    task = asyncio.create_task(watch.run())
    await files.clock.advance(0)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_change_is_applied_once() -> None:
    files = Files()
    async with watching(files):
        await files.pass_time()
        assert files.reloads == 0
        files.digest = "b"
        await files.pass_time()
        await files.pass_time()
        assert files.reloads == 1


async def test_a_change_that_fails_is_tried_again() -> None:
    files = Files()
    async with watching(files):
        files.digest, files.sound = "b", False
        await files.pass_time()
        await files.pass_time()
        assert files.reloads == 2
        files.sound = True
        await files.pass_time()
        await files.pass_time()
        assert files.reloads == 3


async def test_an_unreadable_file_changes_nothing() -> None:
    files = Files()
    async with watching(files):
        files.digest = "unreadable"
        await files.pass_time()
        assert files.reloads == 0
        files.digest = "a"
        await files.pass_time()
        assert files.reloads == 0
