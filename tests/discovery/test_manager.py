"""The manager: what consumers see, when, and what a reload leaves alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from termprom.config.schema import FileSDConfig, SDConfig, TargetGroup
from termprom.discovery import registry as mechanisms
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.manager import DiscoveryManager, JobSources
from termprom.errors import ConfigError
from termprom.testing.clock import ManualClock
from tests.discovery.fakes import value


class Scripted:
    """A mechanism that a test moves by hand; its files are its name."""

    all: list[Scripted]

    def __init__(self, config: FileSDConfig, around: Surroundings) -> None:
        if config.files == ("broken",):
            raise ConfigError("cannot be set up")
        self.name = config.files[0]
        self.emit: Emit | None = None
        self.ended = False
        self._clock = around.clock
        self.all.append(self)

    async def run(self, emit: Emit) -> None:
        self.emit = emit
        if self.name == "crash":
            raise RuntimeError("a bug")
        try:
            await self._clock.sleep(1e9)
        finally:
            self.ended = True

    def find(self, *groups: TargetGroup) -> None:
        assert self.emit is not None, "not started yet"
        self.emit(groups)


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    Scripted.all = []
    monkeypatch.setitem(mechanisms.MECHANISMS, FileSDConfig, Scripted)


class Consumer:
    def __init__(self) -> None:
        self.calls: list[tuple[str, list[str]]] = []

    async def __call__(self, job: str, groups: Sequence[TargetGroup]) -> None:
        self.calls.append((job, [address for group in groups for address in group.targets]))

    @property
    def last(self) -> dict[str, list[str]]:
        return dict(self.calls)


def sd(name: str) -> SDConfig:
    return FileSDConfig((name,))


def job(*names: str, static: Sequence[str] = ()) -> JobSources:
    groups = (TargetGroup(tuple(static)),) if static else ()
    return groups, tuple(map(sd, names))


def group(source: str, *targets: str) -> TargetGroup:
    return TargetGroup(targets, source=source)


class Rig:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.consumer = Consumer()
        self.registry = CollectorRegistry()
        self.manager = DiscoveryManager(
            clock=self.clock, registry=self.registry, on_targets=self.consumer
        )

    async def apply(self, **jobs: JobSources) -> None:
        config: Mapping[str, JobSources] = jobs
        await self.manager.apply(config)
        await self.clock.advance(0)

    def mechanism(self, name: str) -> Scripted:
        return next(one for one in reversed(Scripted.all) if one.name == name)


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    try:
        yield made
    finally:
        await made.manager.stop()


async def test_first_findings_go_out_at_once_and_later_ones_together() -> None:
    async with rig() as run:
        await run.apply(a=job("one", static=["s:1"]))
        assert run.consumer.calls == [("a", ["s:1"])]
        run.mechanism("one").find(group("x", "x:1"))
        await run.clock.advance(0)
        assert run.consumer.calls[1:] == [("a", ["s:1", "x:1"])]

        await run.clock.advance(10)
        run.mechanism("one").find(group("x", "x:2"))
        await run.clock.advance(1)
        run.mechanism("one").find(group("x", "x:3"))
        run.mechanism("one").find(group("y", "y:1"))
        await run.clock.advance(3)
        before = len(run.consumer.calls)
        await run.clock.advance(2)
        assert run.consumer.last == {"a": ["s:1", "x:3", "y:1"]}
        assert len(run.consumer.calls) - before <= 1
        run.mechanism("one").find(group("y", "y:1"))
        await run.clock.advance(20)
        assert len(run.consumer.calls) - before <= 1, "nothing changed, so nothing is said"


async def test_equal_sections_share_one_mechanism() -> None:
    async with rig() as run:
        await run.apply(a=job("one"), b=job("one", "two"))
        assert sorted(one.name for one in Scripted.all) == ["one", "two"]
        run.mechanism("one").find(group("x", "x:1"))
        await run.clock.advance(0)
        assert run.consumer.last == {"a": ["x:1"], "b": ["x:1"]}


async def test_a_reload_keeps_the_mechanism_and_targets_of_an_unchanged_section() -> None:
    async with rig() as run:
        await run.apply(a=job("one", "two"))
        run.mechanism("one").find(group("x", "x:1"))
        run.mechanism("two").find(group("y", "y:1"))
        await run.clock.advance(5)
        old, dropped = run.mechanism("one"), run.mechanism("two")

        await run.apply(a=job("one", "three"), c=job("one"))
        assert run.consumer.last == {"a": ["x:1"], "c": ["x:1"]}
        assert run.mechanism("one") is old
        assert not old.ended
        assert dropped.ended
        old.find(group("x", "x:2"))
        await run.clock.advance(5)
        assert run.consumer.last == {"a": ["x:2"], "c": ["x:2"]}


async def test_a_job_whose_sections_all_vanish_gets_an_empty_list() -> None:
    async with rig() as run:
        await run.apply(a=job("one"))
        run.mechanism("one").find(group("x", "x:1"))
        await run.clock.advance(5)
        await run.apply(a=job())
        assert run.consumer.last == {"a": []}


async def test_a_section_that_cannot_be_set_up_leaves_the_others_working(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with rig() as run:
        await run.apply(a=job("broken", "one", static=["s:1"]))
        run.mechanism("one").find(group("x", "x:1"))
        await run.clock.advance(0)
        assert run.consumer.last == {"a": ["s:1", "x:1"]}
        assert value(run.registry, "prometheus_sd_failed_configs", name="scrape") == 1
        await run.apply(a=job("one"))
        assert value(run.registry, "prometheus_sd_failed_configs", name="scrape") == 0
    assert "cannot set up discovery" in caplog.text


async def test_a_mechanism_that_breaks_does_not_take_the_rest_along(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with rig() as run:
        await run.apply(a=job("crash", "one"))
        run.mechanism("one").find(group("x", "x:1"))
        await run.clock.advance(0)
        assert run.consumer.last == {"a": ["x:1"]}
    assert "a discovery mechanism broke" in caplog.text


async def test_metrics_count_targets_and_forget_jobs() -> None:
    async with rig() as run:
        await run.apply(a=job("one"), b=job(static=["s:1", "s:2"]))
        run.mechanism("one").find(group("x", "x:1", "x:2", "x:3"))
        await run.clock.advance(0)
        name = "prometheus_sd_discovered_targets"
        assert value(run.registry, name, name="scrape", config="a") == 3
        assert value(run.registry, name, name="scrape", config="b") == 2
        received = "prometheus_sd_received_updates_total"
        assert value(run.registry, received, name="scrape") == 1
        await run.apply(a=job("one"))
        assert value(run.registry, name, name="scrape", config="b") == -1


async def test_nothing_is_said_after_stop() -> None:
    async with rig() as run:
        await run.apply(a=job("one"))
        await run.manager.stop()
        assert run.mechanism("one").ended
        before = len(run.consumer.calls)
        await run.clock.advance(60)
        assert len(run.consumer.calls) == before
