"""One running mechanism and the groups that it has found so far."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from termprom.config.schema import SDConfig, TargetGroup
from termprom.discovery.interface import Discoverer, Progress

log = logging.getLogger("termprom.discovery")


class Provider:
    """Shared by all jobs whose section is equal; `jobs` are their names."""

    def __init__(
        self,
        config: SDConfig,
        discoverer: Discoverer,
        *,
        now_ms: Callable[[], int] = lambda: 0,
        progress: Progress | None = None,
    ) -> None:
        """`progress` is the one that the mechanism tells its failures to."""
        self.config = config
        self.jobs: set[str] = set()
        self.reported = False  # whether it has ever emitted
        self.progress = progress or Progress()
        self.changed_ms = 0  # when it last emitted something new
        self._now_ms = now_ms
        self._discoverer = discoverer
        self._groups: dict[str, TargetGroup] = {}
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"Provider({type(self.config).__name__}, {len(self._groups)} groups)"

    def groups(self) -> Sequence[TargetGroup]:
        """All groups with targets, in the order in which their sources were first seen."""
        return tuple(self._groups.values())

    def start(self, on_change: Callable[[Provider], None]) -> None:
        """`on_change` is called after each emission that changes something, and after the first."""

        def emit(groups: Sequence[TargetGroup]) -> None:
            changed = self.merge(groups)
            self.progress.found_ms = self._now_ms()
            if changed or not self.reported:
                self.changed_ms = self.progress.found_ms
                on_change(self)
            self.reported = True

        self._task = asyncio.create_task(self._run(emit), name=repr(self))

    async def _run(self, emit: Callable[[Sequence[TargetGroup]], None]) -> None:
        try:
            await self._discoverer.run(emit)
        except Exception as problem:
            # Its groups stay; other mechanisms go on.
            log.exception("a discovery mechanism broke")
            self.progress.error, self.progress.failed_ms = repr(problem), self._now_ms()

    def merge(self, groups: Sequence[TargetGroup]) -> bool:
        """Replace groups by source; one without targets removes its source. Whether that changed
        anything.
        """
        changed = False
        for group in groups:
            if not group.targets:
                changed |= self._groups.pop(group.source, None) is not None
            elif self._groups.get(group.source) != group:
                self._groups[group.source] = group
                changed = True
        return changed

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
