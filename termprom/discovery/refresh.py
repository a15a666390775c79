"""Asking again and again: what most mechanisms are made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from termprom import limits
from termprom.config.schema import TargetGroup
from termprom.discovery.interface import Emit, Surroundings
from termprom.errors import DiscoveryError, TermpromError

_JITTER: Final = 0.1  # of the interval, by which a pause may be shorter

Refresh = Callable[[], Awaitable[Sequence[TargetGroup]]]


async def refresh_forever(
    refresh: Refresh,
    emit: Emit,
    around: Surroundings,
    *,
    mechanism: str,
    interval_seconds: float,
) -> None:
    """Refresh now and on every tick, or up to a tenth earlier. A failure emits nothing, so the
    last good groups stay; a slow refresh delays the next one and never overlaps it.
    """
    metrics, labels = around.metrics, (mechanism, around.job)
    failures = metrics.refresh_failures.labels(*labels)
    try:
        while True:
            began = around.clock.monotonic()
            try:
                groups = await refresh()
            except TermpromError as problem:
                failures.inc()
                around.failed("unable to refresh target groups", mechanism, problem)
            else:
                emit(groups)
            took = around.clock.monotonic() - began
            metrics.refresh_seconds.labels(*labels).observe(took)
            metrics.refresh_histogram.labels(*labels).observe(took)
            await around.clock.sleep(interval_seconds * (1 - _JITTER * around.jitter()) - took)
    finally:
        metrics.end_refreshes(*labels)


def refuse_too_many(count: int) -> None:
    """Raises DiscoveryError for more targets than one source may have."""
    if count > limits.DISCOVERY_TARGETS_MAX:
        raise DiscoveryError(f"{count} targets are more than {limits.DISCOVERY_TARGETS_MAX}")


class Shrinking:
    """Numbered groups of one source: remembers how many there were, to empty those now gone."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._count = 0

    def groups(self, found: Sequence[TargetGroup], meta: str) -> list[TargetGroup]:
        """`found` under the sources `<source>:<number>`, with the source as label `meta`, and an
        empty group for each number that was used the last time and is not now.

        Raises DiscoveryError where there are too many targets; what was before stays then.
        """
        refuse_too_many(sum(len(group.targets) for group in found))
        named = [
            TargetGroup(
                group.targets,
                group.labels.merge({meta: self._source}),
                f"{self._source}:{number}",
            )
            for number, group in enumerate(found)
        ]
        named += [
            TargetGroup(source=f"{self._source}:{number}")
            for number in range(len(found), self._count)
        ]
        self._count = len(found)
        return named
