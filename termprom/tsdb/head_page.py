"""Pages of a group's rows: as they were appended, or encoded.

A page is immutable and knows which columns of the group it holds, each in a *slot*: columns that
nobody writes any more take no room in later pages. Sealing is cheap and done by the event loop;
encoding is done later by maintenance, in a worker thread.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from termprom.model.values import ABSENT_BITS, AnyArray, Ints, TimesMs
from termprom.tsdb.cells import decode_cells, encode_cells
from termprom.tsdb.codecs.registry import decode_array, encode_array
from termprom.tsdb.page_cache import PageCache

# Columns of neighbouring metrics share a frame until it has this many: a frame has a fixed price.
_FRAME_COLUMNS: Final = 64
# These pages are written once and read for three hours at most: speed before size.
_LEVEL: Final = 6
_numbers = itertools.count()


class Page(Protocol):
    """Some rows of one group. Cells are bits (uint64), ABSENT_BITS where there is no sample."""

    first_ms: int
    last_ms: int
    row_count: int

    @property
    def slots(self) -> Slots: ...
    @property
    def columns(self) -> AnyArray:
        """The columns that may have samples here, (C,) in no order."""
        ...

    def times(self) -> TimesMs: ...
    def read(self, columns: Ints, low: int = 0, high: int | None = None) -> AnyArray:
        """The cells of these columns in rows [low, high), (K,) -> (K, high - low)."""
        ...

    def size_bytes(self) -> int: ...


class Slots:
    """Where each column of a page is kept. Shared by pages that hold the same columns."""

    __slots__ = ("_order", "_sorted", "columns", "is_identity")

    def __init__(self, columns: AnyArray) -> None:
        """Shapes: columns (C,) int32, the column of each slot."""
        self.columns = columns
        # A group whose columns never changed: the column is the slot.
        self.is_identity = bool((columns == np.arange(columns.size, dtype=np.int32)).all())
        self._sorted: AnyArray | None = None
        self._order: AnyArray | None = None

    def find(self, columns: Ints) -> Ints:
        """The slot of each column, -1 where the page does not have it; (K,) -> (K,)."""
        if self.is_identity:
            if columns.size == 0 or int(columns.max()) < self.columns.size:
                return columns
            return np.where(columns < self.columns.size, columns, -1)
        if self._sorted is None or self._order is None:
            self._order = np.argsort(self.columns, kind="stable").astype(np.int32)
            self._sorted = self.columns[self._order]
        if self._sorted.size == 0:
            return np.full(columns.size, -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(self._sorted, columns), self._sorted.size - 1)
        return np.where(self._sorted[places] == columns, self._order[places], np.int64(-1))


class RawPage:
    """Rows as they were appended."""

    __slots__ = ("_bits", "_times", "first_ms", "last_ms", "row_count", "slots")

    def __init__(self, times_ms: TimesMs, bits: AnyArray, slots: Slots) -> None:
        """Shapes: times_ms (rows,), bits (rows, slots)."""
        assert times_ms.size == bits.shape[0] > 0
        assert bits.shape[1] == slots.columns.size
        self._times = times_ms
        self._bits = bits
        self.slots = slots
        self.row_count = times_ms.size
        self.first_ms = int(times_ms[0])
        self.last_ms = int(times_ms[-1])

    @property
    def columns(self) -> AnyArray:
        return self.slots.columns

    def times(self) -> TimesMs:
        return self._times

    def read(self, columns: Ints, low: int = 0, high: int | None = None) -> AnyArray:
        cells = self._bits[low:high].T
        slots = self.slots.find(columns)
        known = np.flatnonzero(slots >= 0)
        if known.size == slots.size:
            return cells[slots]
        found = np.full((columns.size, cells.shape[1]), ABSENT_BITS, dtype=np.uint64)
        found[known] = cells[slots[known]]
        return found

    def size_bytes(self) -> int:
        return int(self._bits.nbytes + self._times.nbytes)

    def encode(self, metrics: AnyArray, cache: PageCache, like: Shape | None) -> EncodedPage:
        """The same page, compressed.

        `metrics` (slots,) tells which columns resemble each other; `like` is the shape of the page
        before, which is taken over where it fits.
        """
        cells = np.ascontiguousarray(self._bits.T)
        used = np.flatnonzero((cells != np.uint64(ABSENT_BITS)).any(axis=1))
        order = used[np.argsort(metrics[used], kind="stable")]
        shape = Shape(self.columns[order], _frame_bounds(metrics[order]))
        if like is not None and like.equals(shape):
            shape = like
        frames: list[bytes] = []
        for start, end in itertools.pairwise(shape.bounds.tolist()):
            rows = np.full(end - start, self.row_count, dtype=np.int64)
            flat = cells[order[start:end]].reshape(-1).view(np.float64)
            frames.append(encode_cells(flat, rows, level=_LEVEL))
        return EncodedPage(encode_array(self._times), frames, shape, self, cache)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the frames of an encoded page hold: frame f has the columns in slots bounds[f:f + 2]."""

    slots: Slots
    bounds: AnyArray

    def __init__(self, columns: AnyArray, bounds: AnyArray) -> None:
        object.__setattr__(self, "slots", Slots(columns))
        object.__setattr__(self, "bounds", bounds)

    def equals(self, other: Shape) -> bool:
        return np.array_equal(self.slots.columns, other.slots.columns) and np.array_equal(
            self.bounds, other.bounds
        )


class EncodedPage:
    """Rows compressed column by column, in frames of columns that resemble each other."""

    __slots__ = (
        "_cache",
        "_frames",
        "_number",
        "_times",
        "first_ms",
        "last_ms",
        "row_count",
        "shape",
    )

    def __init__(
        self, times: bytes, frames: list[bytes], shape: Shape, source: Page, cache: PageCache
    ) -> None:
        self._times = times
        self._frames = frames
        self._cache = cache
        self._number = next(_numbers)
        self.shape = shape
        self.first_ms = source.first_ms
        self.last_ms = source.last_ms
        self.row_count = source.row_count

    @property
    def slots(self) -> Slots:
        return self.shape.slots

    @property
    def columns(self) -> AnyArray:
        return self.shape.slots.columns

    def times(self) -> TimesMs:
        return decode_array(self._times, "<i8")

    def read(self, columns: Ints, low: int = 0, high: int | None = None) -> AnyArray:
        high = self.row_count if high is None else high
        cells = np.full((columns.size, high - low), ABSENT_BITS, dtype=np.uint64)
        slots = self.shape.slots.find(columns)
        known = np.flatnonzero(slots >= 0)
        slots = slots[known]
        frames = np.searchsorted(self.shape.bounds, slots, side="right") - 1
        for frame in np.unique(frames).tolist():
            here = frames == frame
            inside = slots[here] - int(self.shape.bounds[frame])
            cells[known[here]] = self._frame(frame)[inside, low:high]
        return cells

    def size_bytes(self) -> int:
        return len(self._times) + sum(map(len, self._frames))

    def _frame(self, frame: int) -> AnyArray:
        def load() -> AnyArray:
            count = int(self.shape.bounds[frame + 1] - self.shape.bounds[frame])
            rows = np.full(count, self.row_count, dtype=np.int64)
            return decode_cells(self._frames[frame], rows).view(np.uint64).reshape(count, -1)

        return self._cache.get((self._number, frame), load)


def _frame_bounds(metrics: AnyArray) -> AnyArray:
    """Cuts between metrics (C,) into runs of at least _FRAME_COLUMNS columns; (F + 1,)."""
    bounds = [0]
    for cut in (np.flatnonzero(np.diff(metrics)) + 1).tolist():
        if cut - bounds[-1] >= _FRAME_COLUMNS:
            bounds.append(cut)
    if metrics.size > bounds[-1]:
        bounds.append(metrics.size)
    return np.array(bounds, dtype=np.int32)
