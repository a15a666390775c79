"""Days of alert life on a clock that is moved by hand, beside the reference's words in twin.py.

Alerts flap, the process is restarted after short and long outages, rules change and are renamed,
queries fail for a while. Every sample that is written, every end of a series, and everything that
is handed to the notifier must be what the reference says, at its very millisecond.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Mapping
from functools import partial

import pytest

from termprom.config.schema import RuleGroupConfig
from termprom.errors import EvaluationError
from termprom.model.labels import Labels
from termprom.rules.schedule import Schedule
from termprom.testing.memory_storage import MemoryStorage
from tests.rules.fakes import START_MS, Bench, alerting, group
from tests.rules.test_restoring import settle
from tests.rules.twin import MINUTE, Answer, Stored, TwinGroup, TwinRule, as_stored

INTERVAL = 30_000
DAY = 24 * 60 * MINUTE
HOSTS = [Labels.of(__name__="load", host=host) for host in "abc"]


class World:
    """What is true at any time: which hosts each expression finds, and when it cannot be asked."""

    def __init__(self, chance: random.Random) -> None:
        self._spells: dict[tuple[str, Labels], list[tuple[int, int]]] = {}
        for expr in ("hot", "slow", "full"):
            for host in HOSTS:
                self._spells[expr, host] = _spells(chance)
        self._broken = _spells(chance, rare=True)

    def ask(self, expr: str, at_ms: int) -> Answer:
        if expr == "slow" and _inside(self._broken, at_ms):
            return None
        return {host: 1.0 for host in HOSTS if _inside(self._spells[expr, host], at_ms)}


def _spells(chance: random.Random, *, rare: bool = False) -> list[tuple[int, int]]:
    """Times [from, to) in two days: flapping, minutes, hours."""
    found, at = [], START_MS
    while at < START_MS + 2 * DAY:
        at += int(chance.choice((1, 4, 30, 120)) * MINUTE * chance.random() * (8 if rare else 1))
        length = int(chance.choice((1, 2, 15, 45, 180)) * MINUTE * chance.random())
        found.append((at, at + length))
        at += length
    return found


def _inside(spells: list[tuple[int, int]], at_ms: int) -> bool:
    number = bisect_right(spells, (at_ms, 2**62)) - 1
    return number >= 0 and at_ms < spells[number][1]


Definition = tuple[str, str, int, int, str]  # name, expression, hold, keep, severity

FIRST: tuple[Definition, ...] = (
    ("Hot", "hot", 0, 0, "page"),
    ("Slow", "slow", 25 * MINUTE, 3 * MINUTE, "warn"),
    ("Full", "full", 12 * MINUTE, 0, "page"),
)


def _changed(rules: tuple[Definition, ...], chance: random.Random) -> tuple[Definition, ...]:
    """The rules with one thing about one of them changed."""
    number = chance.randrange(len(rules))
    name, expr, hold, keep, severity = rules[number]
    match chance.randrange(4):
        case 0:
            hold = chance.choice((0, 1, 10, 40)) * MINUTE
        case 1:
            keep = chance.choice((0, 1, 5)) * MINUTE
        case 2:
            name = name.rstrip("2") if name.endswith("2") else name + "2"
        case _:
            severity = "page" if severity == "warn" else "warn"
    return (*rules[:number], (name, expr, hold, keep, severity), *rules[number + 1 :])


class Life:
    """The real manager and its twin, in step."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World(self.chance)
        self.storage = MemoryStorage()
        self.rules = FIRST
        self.stored: Stored = {}
        self.sent: list[tuple[str, int, int, Labels]] = []
        self.expected: list[tuple[str, int, int, Labels]] = []
        self.schedule = Schedule.of("rules.yml", "g", INTERVAL)
        self.iterations = 0
        self.asked_ms = 0
        self.bench = Bench(self.storage)
        self.twin = TwinGroup([], INTERVAL)

    async def begin(self, now_ms: int) -> None:
        """A process starts."""
        self.bench = Bench(self.storage, now_ms)
        for expr in ("hot", "slow", "full"):
            self.bench.engine.says(expr, partial(self._answer, expr))
        await self.bench.apply(self._group(), interval_ms=INTERVAL)
        self.twin = TwinGroup(self._twin_rules(restored=False), INTERVAL)
        self.iterations = 0

    def _answer(self, expr: str, at_ms: int) -> Mapping[Labels, float]:
        self.asked_ms = self.bench.clock.now_ms()
        answer = self.world.ask(expr, at_ms)
        if answer is None:
            raise EvaluationError("it cannot be asked")
        return answer

    def _group(self) -> RuleGroupConfig:
        return group(
            *(
                alerting(
                    name,
                    expr,
                    hold=hold,
                    keep_firing_for=keep,
                    labels=Labels.of(severity=severity),
                )
                for name, expr, hold, keep, severity in self.rules
            )
        )

    def _twin_rules(self, *, restored: bool = True) -> list[TwinRule]:
        return [
            TwinRule(name, expr, hold, keep, Labels.of(severity=severity), restored=restored)
            for name, expr, hold, keep, severity in self.rules
        ]

    async def reload(self) -> None:
        self.rules = _changed(self.rules, self.chance)
        await self.bench.apply(self._group(), interval_ms=INTERVAL)
        self.twin = self.twin.reload(self._twin_rules())

    async def restart(self, outage_ms: int) -> None:
        await self.stop()
        await self.begin(self.bench.clock.now_ms() + outage_ms)

    async def stop(self) -> None:
        self._collect()
        await self.bench.manager.stop()

    async def step(self) -> None:
        """To the next slot and a little beyond."""
        now_ns = self.bench.clock.now_ms() * 1_000_000
        slot_ns = self.schedule.slot(now_ns) + self.schedule.interval_ns
        await self.bench.clock.advance((slot_ns - now_ns) / 1e9 + 0.005)
        ts = slot_ns // 1_000_000
        self.expected += self.twin.iterate(ts, self.world.ask, self.stored)
        self.iterations += 1
        if self.iterations == 2:
            # Restoring reads the store in a thread: let it come back before time goes on.
            await settle(self.bench)
            for rule in self.twin.rules:
                if not rule.restored:
                    rule.restore(self.asked_ms, self.stored)

    def _collect(self) -> None:
        for _, alert in self.bench.sent:
            ends_ms = alert.resolved_ms or alert.valid_until_ms
            self.sent.append((alert.state.value, alert.fired_ms, ends_ms, alert.labels))
        self.bench.sent.clear()


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
async def test_a_day_goes_by_as_the_reference_says(seed: int) -> None:
    life = Life(seed)
    await life.begin(START_MS)
    short = long = 0
    while life.bench.clock.now_ms() < START_MS + DAY:
        for _ in range(life.chance.randrange(4, 200)):
            await life.step()
        if life.iterations >= 2 and life.chance.random() < 0.5:
            await life.reload()
        elif life.chance.random() < 0.7:
            short += 1
            await life.restart(int(life.chance.uniform(0.2, 55) * MINUTE))
        else:
            long += 1
            await life.restart(int(life.chance.uniform(65, 200) * MINUTE))
    await life.stop()
    assert as_stored(life.storage.samples) == life.stored
    assert sorted(life.sent) == sorted(life.expected)
    states = {state for state, *_ in life.sent}
    assert states == {"firing", "inactive"}
    assert short
    assert sum(None in one.values() for one in life.stored.values()) > 3


def test_the_days_have_everything_in_them() -> None:
    """The script above is only as good as what happens in it."""
    chance = random.Random(0)
    rules = FIRST
    for _ in range(200):
        rules = _changed(rules, chance)
    assert rules != FIRST
    world = World(random.Random(0))
    answers = [world.ask("slow", START_MS + n * INTERVAL) for n in range(2880)]
    assert None in answers
