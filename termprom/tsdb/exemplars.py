"""The newest exemplars of all series, in a ring of bounded size."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, all_match
from termprom.storage import Exemplar, ExemplarsAppended

# Names and values of one exemplar's labels together, in characters, as OpenMetrics has it.
LABELS_MAX: Final = 128


@dataclass(slots=True)
class _Series:
    digest: bytes
    labels: Labels
    newest: Exemplar
    count: int = 0


class ExemplarRing:
    """Series are known by their digests. One writer; `find` from any thread."""

    def __init__(self, room: int) -> None:
        self._ring: deque[tuple[_Series, Exemplar]] = deque()
        self._series: dict[bytes, _Series] = {}
        self._room = room
        self._lock = threading.Lock()
        self.appended = self.out_of_order = 0  # since the process started

    def __repr__(self) -> str:
        return f"ExemplarRing({len(self._ring)} of {self._room})"

    def __len__(self) -> int:
        return len(self._ring)

    @property
    def series_count(self) -> int:
        return len(self._series)

    def set_room(self, room: int) -> None:
        """How many are kept; 0: none are taken."""
        with self._lock:
            self._room = room
            self._evict()

    def admit(self, found: Sequence[tuple[bytes, Exemplar]]) -> tuple[list[int], ExemplarsAppended]:
        """Positions of those to be kept, and what becomes of all.

        Source: tsdb/exemplar.go, `validateExemplar`: the newest one again is no news; others of
        the same time pass in the order of their values, for the buckets of one scrape.
        """
        newest: dict[bytes, Exemplar] = {}
        taken: list[int] = []
        again = out_of_order = too_long = 0
        if not self._room:
            return taken, ExemplarsAppended()
        for number, (series, one) in enumerate(found):
            known = self._series.get(series)
            last = newest.get(series) or (known.newest if known is not None else None)
            if sum(len(name) + len(value) for name, value in one.labels) > LABELS_MAX:
                too_long += 1
            elif last == one:
                again += 1
            elif last is not None and _order(one) < _order(last):
                out_of_order += 1
            else:
                newest[series] = one
                taken.append(number)
        self.appended += len(taken)
        self.out_of_order += out_of_order
        return taken, ExemplarsAppended(len(taken) + again, out_of_order, too_long)

    def put(self, series: bytes, one: Exemplar, labels: Callable[[], Labels]) -> None:
        """Keep an exemplar that was admitted; `labels` are those of its series."""
        if not self._room:
            return
        with self._lock:
            known = self._series.get(series)
            if known is None:
                known = self._series[series] = _Series(series, labels(), one)
            known.newest = one
            known.count += 1
            self._ring.append((known, one))
            self._evict()

    def find(
        self, selectors: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> list[tuple[Labels, list[Exemplar]]]:
        """Those in [start_ms, end_ms] of series that pass any selector, ordered by series."""
        with self._lock:
            series = list(self._series.values())
            ring = list(self._ring)
        wanted = {
            one.labels
            for one in series
            if any(all_match(matchers, one.labels) for matchers in selectors)
        }
        found: dict[Labels, list[Exemplar]] = {}
        if wanted:
            for owner, one in ring:
                if start_ms <= one.time_ms <= end_ms and owner.labels in wanted:
                    found.setdefault(owner.labels, []).append(one)
        return sorted(found.items())

    def _evict(self) -> None:
        while len(self._ring) > self._room:
            owner, _ = self._ring.popleft()
            owner.count -= 1
            if not owner.count:
                del self._series[owner.digest]


def _order(one: Exemplar) -> tuple[int, float, Labels]:
    return one.time_ms, one.value, one.labels
