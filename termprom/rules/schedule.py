"""When a rule group is evaluated.

Each group keeps its own phase within the interval, decided by a hash of its file and name: the same
after every restart, and different groups spread out. Times here are Unix nanoseconds, because the
original's phases are; samples are stamped with the millisecond below.
"""

from __future__ import annotations

from dataclasses import dataclass

from termprom.rules.xxhash64 import xxhash64

NANOSECONDS_PER_MS = 1_000_000


def group_hash(file: str, name: str) -> int:
    """xxHash64 of the pairs `file` and `name`, each text with its length before it."""
    return xxhash64(b"".join(_sized(text) for text in ("file", file, "name", name)))


def _sized(text: str) -> bytes:
    """Length, then bytes; a length of 255 or more takes the byte 255 and three more."""
    raw = text.encode()
    if len(raw) < 255:
        return bytes([len(raw)]) + raw
    return b"\xff" + len(raw).to_bytes(3, "little") + raw


@dataclass(frozen=True, slots=True)
class Schedule:
    """The slots of one group: `offset_ns` plus every multiple of `interval_ns`."""

    interval_ns: int
    offset_ns: int

    @classmethod
    def of(cls, file: str, name: str, interval_ms: int) -> Schedule:
        interval = interval_ms * NANOSECONDS_PER_MS
        return cls(interval, group_hash(file, name) % interval)

    def slot(self, now_ns: int) -> int:
        """The last slot that is not after `now_ns`."""
        since = now_ns - self.offset_ns
        return since - since % self.interval_ns + self.offset_ns

    def missed(self, last_ns: int, now_ns: int) -> int:
        """How many slots after `last_ns` passed unused before the one that is due now."""
        return max((now_ns - last_ns) // self.interval_ns - 1, 0)


class Ticker:
    """A beat every `interval` seconds that keeps at most one beat in hand.

    Whoever is late gets one beat at once; the other missed ones are gone, as with Go's ticker.
    """

    __slots__ = ("_interval", "_next")

    def __init__(self, interval: float, now: float) -> None:
        self._interval = interval
        self._next = now + interval

    def wait(self, now: float) -> float:
        """Seconds from `now` to the next beat, which this call takes; not positive when late."""
        late = now - self._next
        if late >= self._interval:
            self._next += late // self._interval * self._interval
        seconds = self._next - now
        self._next += self._interval
        return seconds
