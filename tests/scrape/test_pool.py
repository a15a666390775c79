"""The targets of one job come and go: what of them ends, when, and what goes on."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from termprom.config.schema import ScrapeConfig, TargetGroup
from termprom.limits import SCRAPE_PROMPT_TARGETS_MAX
from termprom.model.labels import Labels
from termprom.scrape.groups import SharedGroups
from termprom.scrape.layouts import Layouts
from termprom.scrape.loop import Surroundings
from termprom.scrape.metrics import ScrapeMetrics
from termprom.scrape.pool import Pool
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage
from tests.scrape.fakes import STALE, FakeTarget, shown

INTERVAL = 10


class Job:
    """A pool over a fake target, under a clock that is moved by hand."""

    def __init__(self, *answers: str, **job: object) -> None:
        self.clock = ManualClock(1_700_000_000_000)
        self.storage = MemoryStorage()
        self.fake = FakeTarget(*answers)
        self.config = ScrapeConfig("j", scrape_interval=INTERVAL * 1000, **job)  # type: ignore[arg-type]
        self.registry = CollectorRegistry()
        around = Surroundings(
            self.clock, ScrapeMetrics(self.registry), Layouts(), lambda text: None
        )
        groups = SharedGroups(self.storage)
        self.pool = Pool(self.config, self.fake, groups, around, seed=1)

    async def targets(self, *addresses: str, **labels: str) -> None:
        await self.pool.update([TargetGroup(addresses, Labels.of(labels), "0")])

    def times(self, metric: str, **labels: str) -> Sequence[tuple[float, float | str]]:
        """Seconds since the beginning and values of the only series with these labels."""
        (found,) = [
            samples
            for one, samples in self.storage.samples.items()
            if one.metric == metric and all(one.get(name) == text for name, text in labels.items())
        ]
        began = 1_700_000_000_000
        return [((time - began) / 1000, shown(found[time])) for time in sorted(found)]

    def values(self, metric: str, **labels: str) -> list[float | str]:
        return [value for _, value in self.times(metric, **labels)]


async def test_a_target_that_stays_away_ends_after_two_intervals() -> None:
    job = Job("a 1\n")
    await job.targets("x:1")
    await job.clock.advance(INTERVAL * 2)
    scrapes = len(job.values("a"))
    await job.targets()
    gone = job.clock.monotonic()
    await job.clock.advance(INTERVAL * 2)
    assert len(job.values("a")) == scrapes, "it might still be back"
    await job.clock.advance(INTERVAL * 0.2)
    for metric in ("a", "up", "scrape_duration_seconds"):
        time, value = job.times(metric)[-1]
        assert value == STALE
        assert time == gone + INTERVAL, "dated one interval after it went"


async def test_a_target_that_is_back_in_time_does_not_end() -> None:
    job = Job("a 1\nb 1\n")
    await job.targets("x:1")
    await job.clock.advance(INTERVAL * 2)
    await job.targets()
    await job.clock.advance(INTERVAL * 0.5)
    job.fake.answers = ["a 2\n"]
    await job.targets("x:1")
    await job.clock.advance(INTERVAL * 4)
    assert STALE not in job.values("a")
    assert STALE not in job.values("up")
    assert job.values("b")[-1] == STALE, "what the target no longer exposes does"
    await job.pool.stop()


async def test_a_target_that_was_never_scraped_leaves_nothing() -> None:
    job = Job("a 1\n")
    # More than start at once: the last one waits for its place in the interval.
    addresses = [f"x{number}:1" for number in range(SCRAPE_PROMPT_TARGETS_MAX + 1)]
    await job.targets(*addresses)
    await job.targets()
    await job.clock.advance(INTERVAL * 4)
    assert not [labels for labels in job.storage.samples if labels.get("instance") == addresses[-1]]


async def test_other_labels_make_another_target() -> None:
    job = Job("a 1\n")
    await job.targets("x:1", zone="one")
    await job.clock.advance(INTERVAL * 2)
    await job.targets("x:1", zone="two")
    await job.clock.advance(INTERVAL * 3)
    assert job.values("a", zone="one")[-1] == STALE
    assert STALE not in job.values("a", zone="two")
    assert len(job.values("a", zone="two")) >= 3
    await job.pool.stop()


async def test_nothing_ends_with_the_job_or_the_process() -> None:
    job = Job("a 1\n")
    await job.targets("x:1", "y:1")
    await job.clock.advance(INTERVAL * 2)
    await job.targets("y:1")
    await job.pool.stop()
    await job.clock.advance(INTERVAL * 5)
    assert all(
        STALE not in [shown(value) for value in samples.values()]
        for samples in job.storage.samples.values()
    )


async def test_too_many_targets_are_all_down_until_there_are_fewer() -> None:
    job = Job("a 1\n", target_limit=1)
    await job.targets("x:1")
    await job.clock.advance(INTERVAL * 2)
    before = job.fake.asked
    await job.targets("x:1", "y:1")
    await job.clock.advance(INTERVAL * 2)
    assert job.fake.asked == before
    assert job.values("up", instance="y:1") == [0.0] * len(job.values("up", instance="y:1"))
    assert job.values("up", instance="x:1")[-1] == 0.0
    assert job.values("a")[-1] == STALE
    error = next(iter(job.pool.loops.values())).view().last_error
    assert error == "target_limit exceeded (number of targets: 2, limit: 1)"
    await job.targets("x:1")
    await job.clock.advance(INTERVAL * 2)
    assert job.values("a")[-1] == 1.0
    await job.pool.stop()


async def test_many_new_targets_start_spread_over_a_moment() -> None:
    job = Job("a 1\n")
    await job.targets(*(f"x{n}:1" for n in range(40)))
    await job.clock.advance(0.3)
    assert job.fake.asked == 40
    times = {time for samples in job.storage.samples.values() for time in samples}
    assert len(times) > 10
    await job.pool.stop()
