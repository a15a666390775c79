"""The cycle collector walks over everything when it is told to, and not before."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from termprom.daemon.garbage import GarbageKeeper
from termprom.testing.clock import ManualClock


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    before = gc.get_threshold()
    found: list[float] = []
    monkeypatch.setattr(gc, "collect", lambda: found.append(1.0))
    yield found
    assert gc.get_threshold() == before


async def test_everything_is_walked_rarely(walks: list[float]) -> None:
    clock = ManualClock(0)
    keeper = GarbageKeeper(clock)
    keeper.start()
    assert gc.get_threshold()[2] > 1_000_000
    keeper.tick()
    assert not walks
    await clock.advance(601.0)
    keeper.tick()
    keeper.tick()
    assert len(walks) == 1
    keeper.stop()


async def test_a_long_walk_is_done_more_rarely(
    walks: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(0)
    keeper = GarbageKeeper(clock)
    monkeypatch.setattr(gc, "collect", lambda: walks.append(1.0) or slow(clock))
    await clock.advance(601.0)
    keeper.tick()
    await clock.advance(700.0)
    keeper.tick()
    assert len(walks) == 1
    await clock.advance(3_600.0)
    keeper.tick()
    assert len(walks) == 2


def slow(clock: ManualClock) -> None:
    clock.set(clock.now_ms() + 300)
