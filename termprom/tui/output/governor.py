"""How often a frame may be sent over a link that does not keep up: pure.

The writer's queue tells: while more than two frames wait in it, the terminal is not reading, and a
further one would only make the next key's echo later. Three frames that found it so halve the rate;
each frame that found it empty doubles it again.
"""

from __future__ import annotations

from typing import Final

# Seconds between frames at each level; level 0 sends whatever comes.
PERIODS: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0)
SLOWEST: Final = len(PERIODS) - 1

_WAITING_MAX: Final = 2  # frames in the queue; more means that the terminal does not read
_SKIPS_PER_LEVEL: Final = 3
_ECHO_SECONDS: Final = 0.3  # what is drawn so soon after a key is its echo
# Even echoes stop here: the queue takes 30 writes and then blocks the event loop.
_ECHOES_WAITING_MAX: Final = 12
_LOOK_AGAIN_SECONDS: Final = 0.25


class LinkGovernor:
    """Decides for each frame. Times are monotonic seconds."""

    def __init__(self, level: int = 0) -> None:
        self.level = level
        self._skips = 0
        self._sent_at = float("-inf")
        self._echo_until = float("-inf")

    def __repr__(self) -> str:
        return f"LinkGovernor(level {self.level})"

    def key_pressed(self, now: float) -> None:
        """What changes on the screen now is what the operator waits for."""
        self._echo_until = now + _ECHO_SECONDS

    def wait_seconds(self, now: float, waiting: int) -> float:
        """How long the frame must wait, with `waiting` writes in the queue: 0 sends it now."""
        if now < self._echo_until and waiting <= _ECHOES_WAITING_MAX:
            self._sent_at = now
            return 0.0
        if waiting > _WAITING_MAX:
            self._skips += 1
            if self._skips >= _SKIPS_PER_LEVEL:
                self._skips = 0
                self.level = min(self.level + 1, SLOWEST)
            return max(PERIODS[self.level], _LOOK_AGAIN_SECONDS)
        early = self._sent_at + PERIODS[self.level] - now
        if early > 0:
            return early
        self._skips = 0
        self._sent_at = now
        if waiting == 0:
            self.level = max(self.level - 1, 0)
        return 0.0
