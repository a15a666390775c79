"""Remote write, the receiving end: samples of others into groups of the store.

What shares `job` and `instance` was scraped together and shares its timestamps: it is one group,
and its samples are rows.

Unlike upstream a request is not all or nothing: what the store takes of it is stored, and the
answer says what it did not take. Senders do not repeat a 400, so neither loses more than the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.clock import Clock
from termprom.errors import ColumnsDropped
from termprom.model.labels import EMPTY, Labels
from termprom.model.values import Ints, Mask
from termprom.remote.histogram_message import problem_of
from termprom.remote.series_memory import SeriesMemory
from termprom.remote.write_request import WrittenSamples, decode_write_request
from termprom.remote.write_request_v2 import decode_write_request_v2
from termprom.storage import Exemplar, Group, HistogramSample, Storage

SOURCE: Final = ("source", "remote write")
FUTURE_MS_MAX: Final = 600_000  # as upstream: ten minutes ahead of our clock
KNOWN_SERIES_MAX: Final = 1_000_000  # beyond it the memory starts anew

_TOO_EARLY: Final = "out of bounds: timestamp is too far in the future"
_NOTHING: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a request; `problems` are why some of it was not stored, which trying again
    does not change.
    """

    samples: int = 0
    histograms: int = 0
    exemplars: int = 0
    problems: Sequence[str] = ()


class _Places:
    """Where the series of a memory live: position of the group and column, (K,) each."""

    def __init__(self, memory: SeriesMemory) -> None:
        self.memory = memory
        self.count = 0
        self.groups = self.columns = _NOTHING  # with room for more behind `count`

    def extend(self, groups: Ints, columns: Ints) -> None:
        start, self.count = self.count, self.count + groups.size
        if self.count > self.groups.size:
            room = max(1024, 2 * self.count)
            self.groups, self.columns = (
                np.concatenate([one, np.empty(room - one.size, dtype=np.int64)])
                for one in (self.groups, self.columns)
            )
        self.groups[start : self.count] = groups
        self.columns[start : self.count] = columns


class WriteReceiver:
    """`decode` may be called from any thread, everything else on the loop that owns the store."""

    def __init__(self, storage: Storage, *, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._groups: list[Group] = []
        self._group_of: dict[Labels, int] = {}
        self._places = _Places(SeriesMemory())
        self.samples = 0
        self.invalid_series = 0

    def __repr__(self) -> str:
        return f"WriteReceiver({self.samples} samples, {len(self._groups)} groups)"

    def decode(self, body: bytes) -> WrittenSamples:
        """Raises BadMessage."""
        return decode_write_request(body, self._places.memory)

    def decode_v2(self, body: bytes) -> tuple[WrittenSamples, Sequence[str]]:
        """What it holds, and what is wrong with series that were left out. Raises BadMessage."""
        return decode_write_request_v2(body, self._places.memory)

    def store(self, written: WrittenSamples) -> Stored:
        """Raises StorageError with part of it stored."""
        self.invalid_series += written.invalid_series
        try:
            return self._store(written)
        except ColumnsDropped:
            # Some series had been quiet for hours; what is stored already is stored the same again.
            self._place_again(written)
            return self._store(written)

    def _store(self, written: WrittenSamples) -> Stored:
        if written.metadata:
            self._group(Labels.of(dict([SOURCE]))).set_metadata(written.metadata)
        places = self._place(written.memory)
        refused: Counter[str] = Counter()
        histograms = self._sound_histograms(written, places, refused)
        stored = self._store_samples(written, places, histograms, refused)
        exemplars = self._store_exemplars(written.exemplars, places)
        told = [f"{text} ({count} samples)" for text, count in refused.items() if count]
        # The store counts both together. Where some were refused, floats are taken to be those.
        sound = min(sum(map(len, histograms.values())), stored)
        return Stored(stored - sound, sound, exemplars, told)

    def close(self) -> None:
        for group in self._groups:
            group.release()
        self._groups, self._group_of = [], {}

    # --- Where series live --------------------------------------------------------------------

    def _group(self, identity: Labels) -> Group:
        return self._groups[self._group_number(identity)]

    def _group_number(self, identity: Labels) -> int:
        number = self._group_of.get(identity)
        if number is None:
            number = self._group_of[identity] = len(self._groups)
            self._groups.append(self._storage.group(identity))
        return number

    def _place(self, memory: SeriesMemory) -> _Places:
        """Columns for the series that a memory has learned since it was last looked at."""
        places = self._places
        if memory is not places.memory:
            places = _Places(memory)  # decoded before the memory started anew
        known, labels = places.count, memory.labels
        count = len(labels)  # decoding threads append meanwhile
        if known < count:
            new = [labels[one] or memory.labels_of(one) for one in range(known, count)]
            groups = np.array([self._group_number(_identity(one)) for one in new], dtype=np.int64)
            columns = np.empty(groups.size, dtype=np.int64)
            for number in np.unique(groups).tolist():
                here = np.flatnonzero(groups == number)
                columns[here] = self._groups[number].columns([new[one] for one in here.tolist()])
            places.extend(groups, columns)
            # The store has them; here a series is its number from now on.
            labels[known:count] = [EMPTY] * (count - known)
        if places is self._places and len(memory) > KNOWN_SERIES_MAX:
            self._places = _Places(SeriesMemory())
        return places

    def _place_again(self, written: WrittenSamples) -> None:
        """Ask the groups anew for the columns of all series of a request."""
        places = self._place(written.memory)
        numbers = {
            *written.series.tolist(),
            *(series for series, _, _ in written.histograms),
            *(series for series, _ in written.exemplars),
        }
        for number in sorted(numbers):
            group = self._groups[int(places.groups[number])]
            places.columns[number] = int(group.columns([written.memory.labels_of(number)])[0])

    # --- Storing ------------------------------------------------------------------------------

    def _sound_histograms(
        self, written: WrittenSamples, places: _Places, refused: Counter[str]
    ) -> Mapping[int, list[tuple[int, HistogramSample]]]:
        """Time and sample by position of the group."""
        found: dict[int, list[tuple[int, HistogramSample]]] = {}
        latest_ms = self._clock.now_ms() + FUTURE_MS_MAX
        for series, time_ms, histogram in written.histograms:
            problem = _TOO_EARLY if time_ms > latest_ms else problem_of(histogram)
            if problem:
                refused[problem] += 1
                continue
            sample = HistogramSample(int(places.columns[series]), histogram)
            found.setdefault(int(places.groups[series]), []).append((time_ms, sample))
        return found

    def _store_samples(
        self,
        written: WrittenSamples,
        places: _Places,
        histograms: Mapping[int, list[tuple[int, HistogramSample]]],
        refused: Counter[str],
    ) -> int:
        """How many samples were stored, histograms among them."""
        stored = 0
        times_ms, values, series = written.times_ms, written.values, written.series
        timely: Mask = times_ms <= self._clock.now_ms() + FUTURE_MS_MAX
        if not timely.all():
            refused[_TOO_EARLY] += int(np.count_nonzero(~timely))
            times_ms, values, series = times_ms[timely], values[timely], series[timely]
        groups, columns = places.groups[series], places.columns[series]
        order = np.argsort(groups, kind="stable")
        numbers, firsts = np.unique(groups[order], return_index=True)
        parts: dict[int, Ints] = dict(
            zip(numbers.tolist(), np.split(order, firsts[1:]), strict=True) if numbers.size else ()
        )
        for number in sorted({*parts, *histograms}):
            here = parts.get(number, _NOTHING)
            appended = self._groups[number].append_loose(
                times_ms[here], columns[here], values[here], histograms=histograms.get(number, ())
            )
            stored += appended.stored
            refused["out of order sample"] += appended.out_of_order
            refused["duplicate sample for timestamp"] += appended.duplicates
            refused["too old sample"] += appended.too_old
        self.samples += stored
        return stored

    def _store_exemplars(self, exemplars: Sequence[tuple[int, Exemplar]], places: _Places) -> int:
        """How many were stored; the others are no reason to refuse a request, as upstream."""
        stored = 0
        by_group: dict[int, list[tuple[int, Exemplar]]] = {}
        for series, exemplar in exemplars:
            pair = int(places.columns[series]), exemplar
            by_group.setdefault(int(places.groups[series]), []).append(pair)
        for number, pairs in by_group.items():
            pairs.sort(key=lambda pair: (pair[1].time_ms, pair[1].value))
            stored += self._groups[number].append_exemplars(pairs).stored
        return stored


def _identity(labels: Labels) -> Labels:
    """The group of a series."""
    shared = {name: labels.get(name, "") for name in ("job", "instance")}
    return Labels.of({SOURCE[0]: SOURCE[1], **shared})
