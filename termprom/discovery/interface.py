"""What a discovery mechanism is: something that runs and emits target groups.

A mechanism is one module with one class, and one line in `registry`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from termprom.clock import Clock
from termprom.config.schema import TargetGroup
from termprom.discovery.metrics import DiscoveryMetrics

Emit = Callable[[Sequence[TargetGroup]], None]


class Discoverer(Protocol):
    """One configured section of one mechanism."""

    async def run(self, emit: Emit) -> None:
        """Emit groups until cancelled. Each replaces the last group of its source, one without
        targets removes it, and sources that are not mentioned stay.

        Faults of the source are logged and counted inside; whatever is raised ends the mechanism.
        """
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a mechanism is given beside its configuration. `executor` None is the loop's own."""

    job: str
    clock: Clock
    metrics: DiscoveryMetrics
    executor: Executor | None = None
