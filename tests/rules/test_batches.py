from __future__ import annotations

import asyncio
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from termprom.model.labels import EMPTY, Labels
from termprom.rules.batches import batches, together
from termprom.rules.manager import RuleManager
from tests.rules.fakes import Bench, alerting, group, recording


@pytest.mark.parametrize(
    ("exprs", "expected"),
    [
        ([], []),
        (["up"], [[0]]),
        (["up", "up"], [[0, 1]]),
        # 0 and 2 read nothing; 1 reads and is read; 3 and 4 only read.
        (["up", "sum(r0)", "up", "r1", "r2 + r0"], [[0, 2], [1], [3, 4]]),
        (["up", "r0", "r1", "r2"], [[0], [1], [2], [3]]),
        (["up", '{job="x"}'], [[0], [1]]),
    ],
)
def test_who_goes_with_whom(exprs: list[str], expected: list[list[int]]) -> None:
    rules = [recording(f"r{number}", expr) for number, expr in enumerate(exprs)]
    assert batches(rules, concurrent=True) == expected
    assert batches(rules, concurrent=False) == [[number] for number in range(len(exprs))]


async def test_no_more_at_once_than_there_are_slots_and_one_here() -> None:
    slots, running, most = asyncio.Semaphore(2), 0, 0
    done: list[int] = []

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done.append(item)

    await together(range(10), work, slots)
    assert sorted(done) == list(range(10))
    assert most == 3
    assert not slots.locked()


async def test_the_end_of_a_group_ends_what_runs_beside_it() -> None:
    slots = asyncio.Semaphore(2)
    forever = asyncio.Event()

    async def work(item: int) -> None:
        await forever.wait()

    task = asyncio.create_task(together(range(5), work, slots))
    for _ in range(5):
        await asyncio.sleep(0)
    assert slots.locked()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert not slots.locked()


async def test_rules_run_beside_each_other_and_see_what_they_read() -> None:
    bench = Bench()
    bench.manager = RuleManager(
        bench.storage,
        bench.engine.query,
        clock=bench.clock,
        registry=CollectorRegistry(),
        notify=lambda alerts: None,
        on_change=lambda text: None,
        concurrent_max=4,
    )
    seen: dict[str, set[str]] = {}

    def answer(expr: str, at_ms: int) -> dict[Labels, float]:
        seen[expr] = {one.metric for one in bench.storage.samples}
        return {EMPTY: 1.0}

    for expr in ("a", "b", "sum(r0)", "r2"):
        bench.engine.says(expr, partial(answer, expr))
    # Each query takes a second of the clock: two that run together take one.
    bench.engine.delays = [1.0, 1.0, 1.0, 1.0]
    rules = (
        recording("r0", "a"),
        recording("r1", "b"),
        recording("r2", "sum(r0)"),
        alerting("X", "r2"),
    )
    await bench.apply(group(*rules))
    await bench.clock.advance(20)
    (view,) = bench.manager.view()
    assert view.evaluation_seconds == pytest.approx(3.0)
    assert seen["sum(r0)"] == {"r0", "r1"}
    assert seen["r2"] == {"r0", "r1", "r2"}
    await bench.manager.stop()
