"""Samples of one column that do not lie on the group's rows."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Final

import numpy as np

from termprom.model.values import AnyArray, Ints, TimesMs
from termprom.tsdb.codecs.registry import decode_array, encode_array

_CHUNK: Final = 256  # samples that are compressed together
_TAIL: Final = 128  # of the newest samples, these stay open for what comes late


class LooseColumn:
    """Own times and bits, ascending; any order in. One writer, under the head's lock.

    Old samples are compressed in chunks; a sample that belongs among those opens them again.
    """

    __slots__ = ("_bits", "_chunks", "_times")

    def __init__(self) -> None:
        self._chunks: tuple[_Chunk, ...] = ()
        self._times = array("q")
        self._bits = array("Q")

    def __len__(self) -> int:
        return len(self._times) + sum(chunk.count for chunk in self._chunks)

    def put(self, time_ms: int, bits: int) -> bool:
        """Whether the sample was new; the first one at a time stays."""
        if not self._times or time_ms > self._times[-1]:
            if self._chunks and not self._times and time_ms <= self._chunks[-1].last_ms:
                self._reopen()
                return self.put(time_ms, bits)
            self._times.append(time_ms)
            self._bits.append(bits)
            if len(self._times) >= _CHUNK + _TAIL:
                self._seal()
            return True
        if self._chunks and time_ms <= self._chunks[-1].last_ms:
            self._reopen()
        place = bisect_left(self._times, time_ms)
        if self._times[place] == time_ms:
            return False
        self._times.insert(place, time_ms)
        self._bits.insert(place, bits)
        return True

    def at(self, time_ms: int) -> int | None:
        """The bits at exactly that time."""
        times, bits = self.copy(time_ms, time_ms)
        return int(bits[0]) if times.size else None

    def copy(self, start_ms: int, end_ms: int) -> tuple[TimesMs, AnyArray]:
        """The samples in [start_ms, end_ms]: times (N,), bits (N,)."""
        times: list[TimesMs] = []
        bits: list[AnyArray] = []
        for chunk in self._chunks:
            if chunk.first_ms <= end_ms and chunk.last_ms >= start_ms:
                all_times, all_bits = chunk.decode()
                low = int(np.searchsorted(all_times, start_ms, side="left"))
                high = int(np.searchsorted(all_times, end_ms, side="right"))
                times.append(all_times[low:high])
                bits.append(all_bits[low:high])
        low = bisect_left(self._times, start_ms)
        high = bisect_left(self._times, end_ms + 1)
        times.append(np.array(self._times[low:high], dtype=np.int64))
        bits.append(np.array(self._bits[low:high], dtype=np.uint64))
        return np.concatenate(times), np.concatenate(bits)

    def keep(self, wanted: Ints, times_ms: TimesMs, bits: AnyArray) -> None:
        """Hold only those of all samples (`times_ms`, `bits`) at these positions."""
        self._chunks = ()
        self._times = array("q", times_ms[wanted].tobytes())
        self._bits = array("Q", bits[wanted].tobytes())

    def drop_before(self, time_ms: int) -> int:
        """Forget samples before `time_ms`; how many."""
        kept = tuple(chunk for chunk in self._chunks if chunk.last_ms >= time_ms)
        dropped = sum(chunk.count for chunk in self._chunks) - sum(chunk.count for chunk in kept)
        self._chunks = kept
        if kept and kept[0].first_ms < time_ms:
            self._reopen()
        if not self._chunks:
            count = bisect_left(self._times, time_ms)
            del self._times[:count]
            del self._bits[:count]
            dropped += count
        return dropped

    def bounds(self) -> tuple[int, int]:
        """The first and the last time; there is at least one sample."""
        first = self._chunks[0].first_ms if self._chunks else self._times[0]
        last = self._times[-1] if self._times else self._chunks[-1].last_ms
        return first, last

    def _seal(self) -> None:
        times = np.array(self._times[:_CHUNK], dtype=np.int64)
        bits = np.array(self._bits[:_CHUNK], dtype=np.uint64)
        self._chunks = (*self._chunks, _Chunk(times, bits))
        del self._times[:_CHUNK]
        del self._bits[:_CHUNK]

    def _reopen(self) -> None:
        """The samples of all chunks back in the open arrays."""
        times, bits = self.copy(NO_START, NO_END)
        self._chunks = ()
        self._times = array("q", times.tobytes())
        self._bits = array("Q", bits.tobytes())


NO_START: Final = -(2**62)
NO_END: Final = 2**62


class _Chunk:
    """_CHUNK samples, compressed; immutable."""

    __slots__ = ("_bits", "_times", "count", "first_ms", "last_ms")

    def __init__(self, times_ms: TimesMs, bits: AnyArray) -> None:
        self.count = times_ms.size
        self.first_ms = int(times_ms[0])
        self.last_ms = int(times_ms[-1])
        self._times = encode_array(times_ms)
        self._bits = encode_array(bits.view(np.float64))

    def decode(self) -> tuple[TimesMs, AnyArray]:
        return decode_array(self._times, "<i8"), decode_array(self._bits, "<f8").view(np.uint64)
