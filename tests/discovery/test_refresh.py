"""Polling: what a failing or shrinking source does to what was found before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from termprom.config.schema import TargetGroup
from termprom.discovery.interface import Emit
from termprom.discovery.refresh import Shrinking, refresh_forever
from termprom.errors import DiscoveryError
from termprom.model.labels import Labels
from termprom.testing.clock import ManualClock
from tests.discovery.fakes import running, surroundings, value

_LABELS = {"mechanism": "fake", "config": "job"}


class Polled:
    """A mechanism that answers with the next of `answers`; an exception is raised."""

    def __init__(
        self, clock: ManualClock, answers: Sequence[object], *, took: float = 0, jitter: float = 0
    ) -> None:
        self.around = replace(surroundings(clock), jitter=lambda: jitter)
        self.answers = list(answers)
        self.asked_at: list[float] = []
        self._clock, self._took = clock, took

    async def _refresh(self) -> list[TargetGroup]:
        self.asked_at.append(self._clock.monotonic())
        await self._clock.sleep(self._took)
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, list)
        return answer

    async def run(self, emit: Emit) -> None:
        await refresh_forever(
            self._refresh, emit, self.around, mechanism="fake", interval_seconds=60
        )


async def test_a_failure_emits_nothing_and_is_asked_again_at_the_next_tick() -> None:
    clock = ManualClock()
    first = [TargetGroup(("a:1",), source="s")]
    polled = Polled(clock, [first, DiscoveryError("no"), []])
    async with running(polled) as emissions:
        await clock.advance(59)
        assert emissions.all == [first]
        await clock.advance(60)
        assert emissions.all == [first]
        registry = polled.around.metrics.registry
        assert value(registry, "prometheus_sd_refresh_failures_total", **_LABELS) == 1
        await clock.advance(60)
        assert emissions.all == [first, []]
        assert value(registry, "prometheus_sd_refresh_duration_seconds_count", **_LABELS) == 3
    assert polled.asked_at == [0, 60, 120]
    assert value(registry, "prometheus_sd_refresh_failures_total", **_LABELS) == -1


async def test_a_slow_refresh_delays_the_next_and_never_overlaps_it() -> None:
    clock = ManualClock()
    polled = Polled(clock, [], took=70)
    async with running(polled):
        await clock.advance(200)
    assert polled.asked_at == [0, 70, 140]


async def test_a_tick_comes_up_to_a_tenth_earlier() -> None:
    clock = ManualClock()
    polled = Polled(clock, [], jitter=0.5)
    async with running(polled):
        await clock.advance(115)
    assert polled.asked_at == [0, 57, 114]


async def test_an_error_is_logged_once_until_it_changes_or_something_was_found(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    same, other = DiscoveryError("no"), DiscoveryError("still no")
    polled = Polled(clock, [same, same, other, [], other])
    progress = polled.around.progress
    async with running(polled):
        await clock.advance(130)
        errors = [record.fields["error"] for record in caplog.records]  # type: ignore[attr-defined]
        assert errors == ["no", "still no"]
        assert (progress.error, progress.failed_ms) == ("still no", 1_700_000_120_000)
        assert progress.failing


def test_shrinking_empties_the_numbers_that_are_no_longer_used() -> None:
    numbered = Shrinking("src")
    two = numbered.groups([TargetGroup(("a:1",)), TargetGroup(("b:1",))], "__meta_url")
    assert two == [
        TargetGroup(("a:1",), Labels.of({"__meta_url": "src"}), "src:0"),
        TargetGroup(("b:1",), Labels.of({"__meta_url": "src"}), "src:1"),
    ]
    assert numbered.groups([], "__meta_url") == [
        TargetGroup(source="src:0"),
        TargetGroup(source="src:1"),
    ]
    assert numbered.groups([], "__meta_url") == []
