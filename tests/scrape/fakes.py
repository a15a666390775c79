"""A target that says what a test wants, and a loop around it that moves by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from termprom.config.schema import ScrapeConfig, TargetGroup
from termprom.errors import ScrapeError
from termprom.model.labels import Labels
from termprom.model.values import STALE_BITS, bits_of
from termprom.scrape.answer import Answer
from termprom.scrape.layouts import Layouts
from termprom.scrape.loop import Surroundings, TargetLoop
from termprom.scrape.metrics import ScrapeMetrics
from termprom.scrape.series import Extras, TargetSeries
from termprom.scrape.target import Target, find_targets
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage

STALE = "stale"
TEXT = "text/plain; version=0.0.4"


class FakeTarget:
    """Answers with the next of `answers`; an exception is raised instead."""

    def __init__(self, *answers: bytes | str | ScrapeError) -> None:
        self.answers = list(answers)
        self.content_type: str | None = TEXT
        self.asked = 0

    async def fetch(self, target: Target) -> Answer:
        self.asked += 1
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ScrapeError):
            raise answer
        return Answer(answer.encode() if isinstance(answer, str) else answer, self.content_type)

    async def close(self) -> None:
        return


class Bench:
    """One loop over a fake target and a store of dictionaries."""

    def __init__(self, fake: FakeTarget, *, address: str = "host:1", **job: object) -> None:
        self.fake = fake
        self.clock = ManualClock(1_700_000_000_000)
        self.storage = MemoryStorage()
        self.job = ScrapeConfig(
            job_name="j",
            scrape_interval=10_000,
            scrape_timeout=5_000,
            **job,  # type: ignore[arg-type]
        )
        found = find_targets(self.job, [TargetGroup((address,))])
        assert found.active, found
        self.target = found.active[0]
        self.changes: list[str] = []
        self.around = Surroundings(
            self.clock, ScrapeMetrics(CollectorRegistry()), Layouts(), self.changes.append
        )
        series = TargetSeries(self.target, self.job, self.storage.group(self.target.identity))
        self.loop = TargetLoop(self.target, self.job, series, fake, self.around, offset_ms=0)
        self.time_ms = self.clock.now_ms()

    def use_extras(self, extras: Extras) -> None:
        """Store beside samples what the feature flags would ask for."""
        self.around.extras = extras
        group = self.storage.group(self.target.identity)
        self.loop.series = TargetSeries(self.target, self.job, group, extras)

    async def scrape(self, count: int = 1) -> None:
        for _ in range(count):
            self.time_ms += 10_000
            await self.loop.scrape(self.time_ms)

    def values(self, text: str) -> list[float | str]:
        """The stored values of the series that prints as `text`, in the order of time."""
        for labels, samples in self.storage.samples.items():
            if str(labels.without("instance", "job")) == text:
                return [shown(samples[time]) for time in sorted(samples)]
        return []

    def series(self) -> list[str]:
        return sorted(map(str, self.storage.samples))


def shown(value: float) -> float | str:
    return STALE if bits_of(float(value)) == STALE_BITS else float(value)


def labels_of(storage: MemoryStorage, metric: str) -> Sequence[Labels]:
    return sorted(labels for labels in storage.samples if labels.metric == metric)
