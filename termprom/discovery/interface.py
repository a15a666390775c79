"""What a discovery mechanism is: something that runs and emits target groups.

A mechanism is one module with one class, and one line in `registry`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

from termprom.clock import Clock
from termprom.config.schema import TargetGroup
from termprom.discovery.metrics import DiscoveryMetrics

log = logging.getLogger("termprom.discovery")

Emit = Callable[[Sequence[TargetGroup]], None]


class Discoverer(Protocol):
    """One configured section of one mechanism."""

    async def run(self, emit: Emit) -> None:
        """Emit groups until cancelled. Each replaces the last group of its source, one without
        targets removes it, and sources that are not mentioned stay.

        Faults of the source are logged and counted inside; whatever is raised ends the mechanism.
        """
        ...


@dataclass(slots=True)
class Progress:
    """When a mechanism last found something out, and what last kept it from that. Times are Unix
    milliseconds, 0 for never.
    """

    found_ms: int = 0
    failed_ms: int = 0
    error: str = ""

    @property
    def failing(self) -> bool:
        return bool(self.error) and self.failed_ms >= self.found_ms


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a mechanism is given beside its configuration. `executor` None is the loop's own,
    `jitter` keeps mechanisms that were started together from asking together for ever.
    """

    job: str
    clock: Clock
    metrics: DiscoveryMetrics
    executor: Executor | None = None
    progress: Progress = field(default_factory=Progress)
    jitter: Callable[[], float] = random.random  # in [0, 1)

    def failed(self, message: str, mechanism: str, problem: Exception) -> None:
        """Keep a fault of the source to be seen, and log it unless it is the last one again: a
        source that is down for a night is one line and not a thousand.
        """
        text, progress = str(problem) or repr(problem), self.progress
        level = logging.DEBUG if progress.failing and progress.error == text else logging.ERROR
        fields = {"discovery": mechanism, "config": self.job, "error": text}
        log.log(level, message, extra={"fields": fields})
        progress.error, progress.failed_ms = text, self.clock.now_ms()
