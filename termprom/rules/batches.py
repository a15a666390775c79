"""Which rules of a group may be evaluated at the same time (feature concurrent-rule-eval).

Rules that read nothing of their group go first, together; then one by one, in order, those that
read and are read; last, together, those that only read.
Source: Prometheus, rules/manager.go, `concurrentRuleEvalController.SplitGroupIntoBatches`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from termprom.config.schema import RuleConfig
from termprom.promql.syntax.parse import Features, parse
from termprom.rules.dependencies import dependencies

T = TypeVar("T")


def batches(rules: Sequence[RuleConfig], *, concurrent: bool) -> list[list[int]]:
    """The numbers of the rules, batch by batch; one rule a batch where nothing is to be gained."""
    one_by_one = [[number] for number in range(len(rules))]
    if not concurrent or len(rules) < 2:
        return one_by_one
    depends = dependencies([(rule, parse(rule.expr, Features.everything())) for rule in rules])
    if depends is None:
        return one_by_one
    read = {number for one in depends for number in one}
    first = [number for number, one in enumerate(depends) if not one]
    between = [[number] for number, one in enumerate(depends) if one and number in read]
    last = [number for number, one in enumerate(depends) if one and number not in read]
    return [one for one in (first, *between, last) if one]


async def together(
    items: Sequence[T], work: Callable[[T], Awaitable[None]], slots: asyncio.Semaphore
) -> None:
    """`work` on every item: beside the others while there is a slot, else here and now.

    `slots` is shared by all groups, so a group never waits for another one's rules.
    """
    beside: list[asyncio.Future[None]] = []
    try:
        for item in items:
            if slots.locked():
                await work(item)
            else:
                await slots.acquire()
                task = asyncio.ensure_future(work(item))
                task.add_done_callback(lambda _: slots.release())
                beside.append(task)
        await asyncio.gather(*beside)
    except asyncio.CancelledError:
        # Nothing of this iteration may run on beside whatever comes next.
        for one in beside:
            one.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        raise
