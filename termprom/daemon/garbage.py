"""Python's cycle collector, kept from stopping the engine where it hurts.

Reference counting frees nearly everything; the collector is for cycles. Left alone it walks every
object of the process again and again: with a million series that is a pause of 250 ms every few
seconds, in which no scrape starts and no key is answered (the 99th percentile of how late scrapes
start was 195 ms). Young objects are still looked at as they come; the whole is walked rarely.
"""

from __future__ import annotations

import gc
from typing import Final

from termprom.clock import Clock

_YOUNG: Final = 10_000  # new containers between two looks at the youngest
_MIDDLE: Final = 20  # such looks between two at those that survived one
_NEVER: Final = 1_000_000_000
_OFTEN_SECONDS: Final = 600.0
_RARELY_SECONDS: Final = 3_600.0
_SHORT_SECONDS: Final = 0.05
_DEFAULTS: Final = gc.get_threshold()


class GarbageKeeper:
    """Takes the walk over everything into its own hands; one per process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due = clock.monotonic() + _OFTEN_SECONDS

    def __repr__(self) -> str:
        return f"GarbageKeeper(due in {self._due - self._clock.monotonic():.0f} s)"

    def start(self) -> None:
        """From now on the whole is walked by `tick` only."""
        gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)

    def tick(self) -> None:
        """Walk over everything if it is time; the longer that takes, the rarer it is done."""
        began = self._clock.monotonic()
        if began < self._due:
            return
        gc.collect()
        ended = self._clock.monotonic()
        short = ended - began < _SHORT_SECONDS
        self._due = ended + (_OFTEN_SECONDS if short else _RARELY_SECONDS)

    def stop(self) -> None:
        """Back to what Python does by itself."""
        gc.set_threshold(*_DEFAULTS)
