"""Discovery for once: what the mechanisms of one job find now, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry

from termprom.clock import Clock
from termprom.config.schema import SDConfig, TargetGroup
from termprom.discovery.interface import Surroundings
from termprom.discovery.metrics import DiscoveryMetrics
from termprom.discovery.provider import Provider
from termprom.discovery.registry import make_discoverer, mechanism_name
from termprom.errors import TermpromError

_LOOK_SECONDS: Final = 0.05
# Some mechanisms find their targets bit by bit: a pause this long says that all are there.
_QUIET_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Discovered:
    """What one section has found, and its last error."""

    mechanism: str
    groups: Sequence[TargetGroup] = ()
    error: str = ""


async def discover_once(
    job: str, sections: Sequence[SDConfig], clock: Clock, *, timeout_seconds: float
) -> list[Discovered]:
    """What each section finds until nothing new comes any more, or the time is over."""
    metrics = DiscoveryMetrics(CollectorRegistry())
    found: list[Provider | Discovered] = []
    for config in sections:
        around = Surroundings(job, clock, metrics)
        try:
            found.append(
                Provider(
                    config,
                    make_discoverer(config, around),
                    now_ms=clock.now_ms,
                    progress=around.progress,
                )
            )
        except TermpromError as problem:
            found.append(Discovered(mechanism_name(config), error=str(problem)))
    running = [one for one in found if isinstance(one, Provider)]
    try:
        await _until_quiet(running, clock, timeout_seconds)
    finally:
        for provider in running:
            await provider.stop()
    return [_outcome(one) if isinstance(one, Provider) else one for one in found]


async def _until_quiet(running: Sequence[Provider], clock: Clock, timeout_seconds: float) -> None:
    news_at = clock.monotonic()

    def on_change(_: Provider) -> None:
        nonlocal news_at
        news_at = clock.monotonic()

    for provider in running:
        provider.start(on_change)
    ends_at = clock.monotonic() + timeout_seconds
    while clock.monotonic() < ends_at:
        told = all(one.reported or one.progress.failing for one in running)
        if told and clock.monotonic() - news_at >= _QUIET_SECONDS:
            return
        await clock.sleep(_LOOK_SECONDS)


def _outcome(provider: Provider) -> Discovered:
    progress = provider.progress
    error = progress.error if progress.failing else ""
    if not provider.reported and not error:
        error = "nothing was found out in time"
    return Discovered(mechanism_name(provider.config), provider.groups(), error)
