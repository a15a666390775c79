"""Ten thousand targets of one source: a refresh that changes one touches one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from termprom.config.schema import HTTPSDConfig, ScrapeConfig, TargetGroup
from termprom.discovery.manager import DiscoveryManager
from termprom.scrape.manager import ScrapeManager
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage
from tests.discovery.fakes import site, until


@pytest.mark.slow
@pytest.mark.parametrize(
    ("total", "one_each"), [(2_000, True), (10_000, False)], ids=["a group each", "one group"]
)
async def test_one_that_changed_is_the_only_one_touched(total: int, one_each: bool) -> None:
    def content(changed: str) -> list[dict[str, Any]]:
        targets = [f"10.0.{number // 256}.{number % 256}:80" for number in range(total)]
        targets[total // 2] = changed
        if not one_each:
            return [{"targets": targets}]
        return [
            {"targets": [target], "labels": {"rack": str(number % 40)}}
            for number, target in enumerate(targets)
        ]

    handed = 0

    async def on_targets(job: str, groups: Sequence[TargetGroup]) -> None:
        nonlocal handed
        await scraper.update_targets(job, groups)
        handed += 1

    # Nothing is scraped: the clock of the scraper stands still.
    scraper = ScrapeManager(MemoryStorage(), clock=ManualClock(), registry=CollectorRegistry())
    await scraper.apply([ScrapeConfig("job", scrape_interval=3_600_000)])
    clock = ManualClock()
    manager = DiscoveryManager(clock=clock, registry=CollectorRegistry(), on_targets=on_targets)
    async with site() as server:
        server.answers["/sd"] = content("first:80")
        await manager.apply({"job": ((), (HTTPSDConfig(f"{server.url}/sd"),))})
        await until(lambda: len(scraper._pools["job"].loops) == total)
        before = dict(scraper._pools["job"].loops)
        tasks = {key: loop._task for key, loop in before.items()}
        count = handed

        # The same again: nobody is told of it.
        await clock.advance(60)
        await until(lambda: len(server.requests) == 2)
        await clock.advance(10)
        assert handed == count

        server.answers["/sd"] = content("second:80")
        await clock.advance(60)
        await until(lambda: len(server.requests) >= 3)
        await until(lambda: handed == count + 1)
        loops = scraper._pools["job"].loops
        kept = [key for key, loop in loops.items() if before.get(key) is loop]
        assert len(kept) == total - 1
        assert all(loops[key]._task is tasks[key] for key in kept)
        (fresh,) = [loop.target.url for key, loop in loops.items() if key not in before]
        assert fresh == "http://second:80/metrics"
        await manager.stop()
    await scraper.stop()
