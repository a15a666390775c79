"""What all panes share: the backend, the time range, the zone, whether the screen is paused.

One object per app, owned by it; panes read it and ask for changes by messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo

from termprom.backend.interface import Backend
from termprom.clock import Clock
from termprom.model.grid import Grid


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The window of graphs: `span_ms` long, ending at `end_ms`, or now where that is None."""

    span_ms: int = 3_600_000
    end_ms: int | None = None

    @property
    def live(self) -> bool:
        return self.end_ms is None

    def bounds(self, now_ms: int) -> tuple[int, int]:
        """[start, end] in Unix milliseconds."""
        end = now_ms if self.end_ms is None else self.end_ms
        return end - self.span_ms, end

    def grid(self, now_ms: int, step_ms: int) -> Grid:
        """The steps of a range query over this window, aligned to the epoch.

        Aligned steps let a panned or live window reuse the points that it has.
        """
        start, end = self.bounds(now_ms)
        return Grid(start - start % step_ms, end - end % step_ms, step_ms)


@dataclass(slots=True)
class Session:
    """The shared state of one running screen."""

    backend: Backend
    clock: Clock
    range: TimeRange = TimeRange()
    range_chosen: bool = False  # by the operator; until then panes fit it to the age of the data
    zone: tzinfo = UTC
    zone_name: str = "UTC"
    paused: bool = False
    ascii: bool = False

    def now_ms(self) -> int:
        return self.clock.now_ms()
