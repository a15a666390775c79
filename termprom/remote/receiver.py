"""Remote write, the receiving end: samples of others into one group of the store.

Unlike upstream a request is not all or nothing: what the store takes of it is stored, and the
answer says what it did not take. Senders do not repeat a 400, so neither loses more than the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.clock import Clock
from termprom.errors import TermpromError
from termprom.model.labels import Labels
from termprom.model.values import Mask
from termprom.remote.write_request import KnownSeries, WrittenSamples, decode_write_request
from termprom.storage import Group, Storage

IDENTITY: Final = Labels.of(source="remote write")
FUTURE_MS_MAX: Final = 600_000  # as upstream: ten minutes ahead of our clock


@dataclass
class RefusedSamples(TermpromError):
    """Some samples were not stored, for a reason that trying again does not change."""

    message: str

    def __str__(self) -> str:
        return self.message


class WriteReceiver:
    """`decode` may be called from any thread, everything else on the loop that owns the store."""

    def __init__(self, storage: Storage, *, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._group: Group | None = None
        self._known: KnownSeries = {}
        self.samples = 0
        self.invalid_series = 0

    def __repr__(self) -> str:
        return f"WriteReceiver({self.samples} samples)"

    def decode(self, body: bytes) -> WrittenSamples:
        """Raises BadMessage."""
        return decode_write_request(body, self._known)

    def store(self, written: WrittenSamples) -> None:
        """Raises RefusedSamples after storing the rest, StorageError with nothing stored."""
        self.invalid_series += written.invalid_series
        if not written.times_ms.size:
            return
        if self._group is None:
            self._group = self._storage.group(IDENTITY)
        columns = self._group.columns(written.labels)[written.series]
        times_ms, values = written.times_ms, written.values
        timely: Mask = times_ms <= self._clock.now_ms() + FUTURE_MS_MAX
        early = int(np.count_nonzero(~timely))
        if early:
            columns, times_ms, values = columns[timely], times_ms[timely], values[timely]
        appended = self._group.append_loose(times_ms, columns, values)
        self.samples += appended.stored
        reasons = {
            "out of bounds: timestamp is too far in the future": early,
            "out of order sample": appended.out_of_order,
            "duplicate sample for timestamp": appended.duplicates,
            "too old sample": appended.too_old,
        }
        refused = [f"{text} ({count} samples)" for text, count in reasons.items() if count]
        if refused:
            raise RefusedSamples(", ".join(refused))

    def close(self) -> None:
        if self._group is not None:
            self._group.release()
            self._group = None
