"""What the entries of a block hold: pages and spans, decoded (FORMAT.md, sections 5 to 8)."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from isal import isal_zlib

from termprom.errors import CorruptFile
from termprom.model.values import ABSENT_BITS, AnyArray, Ints, TimesMs
from termprom.tsdb.analysis import EntryPart
from termprom.tsdb.block_tables import Tables
from termprom.tsdb.cells import decode_cells
from termprom.tsdb.codecs.registry import decode_array
from termprom.tsdb.page_cache import PageCache


class BlockEntries:
    """Any thread. `pages` is the mapped file at `path`, `tables` says what is where in it.

    Every method that reads raises CorruptFile; telling of it is left to the caller.
    """

    def __init__(
        self,
        tables: Tables,
        pages: memoryview,
        path: Path,
        cache: PageCache,
        ulid: str,
    ) -> None:
        self._tables = tables
        self._pages = pages
        self._path = path
        self._cache = cache
        self._ulid = ulid
        self._cells: AnyArray | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"BlockEntries({self._path})"

    def forget(self) -> None:
        """Give back what is derived from the tables."""
        with self._lock:
            self._cells = None

    def read_timeline(
        self, places: Ints, entries: Ints, spans: Ints, start_ms: int, end_ms: int
    ) -> tuple[Ints, TimesMs, AnyArray] | None:
        """The cells of entries (E,) of one timeline, sorted by span, then entry.

        Shapes: -> distinct places (K,) ascending, times (T,), bits (K, T); None where T is 0.
        """
        get = self._tables.get
        times: list[TimesMs] = []
        bounds: dict[int, tuple[int, int, int]] = {}  # span: first row, last row, place in the sum
        total = 0
        every = np.unique(spans).tolist()
        span_count = len(every)
        for span in every:
            own = self.times(span)
            low, high = 0, own.size
            if own[0] < start_ms:
                low = int(np.searchsorted(own, start_ms, side="left"))
            if own[-1] > end_ms:
                high = int(np.searchsorted(own, end_ms, side="right"))
            if low < high:
                times.append(own[low:high])
                bounds[span] = low, high, total
                total += high - low
        if not total:
            return None
        if len(bounds) < span_count:
            # Spans that only reach round the range have no part in it.
            inside = np.isin(spans, np.array(list(bounds)))
            places, entries, spans = places[inside], entries[inside], spans[inside]
        distinct = np.unique(places)
        pages = np.searchsorted(get("page_entries"), entries, side="right") - 1
        cells = self._first_cells()
        cuts = np.flatnonzero((np.diff(pages) != 0) | (np.diff(spans) != 0)) + 1
        bits: AnyArray | None = None
        for first, last in itertools.pairwise([0, *cuts.tolist(), entries.size]):
            span = int(spans[first])
            low, high, at = bounds[span]
            page, rows = int(pages[first]), int(get("span_rows")[span])
            flat = self._page(page)
            offsets = cells[entries[first:last]] - cells[get("page_entries")[page]]
            if int(entries[last - 1] - entries[first]) == last - 1 - first:
                start = int(offsets[0])
                part = flat[start : start + (last - first) * rows].reshape(-1, rows)[:, low:high]
            else:
                part = flat[offsets[:, np.newaxis] + np.arange(low, high)]
            here = places[first:last]
            if bits is None:
                if part.shape == (distinct.size, total) and (here[1:] > here[:-1]).all():
                    return distinct, times[0], part
                bits = np.empty((distinct.size, total), dtype=np.uint64)
                if entries.size != distinct.size * len(bounds):
                    bits.fill(ABSENT_BITS)  # not every series has an entry in every span
            rows_here = np.searchsorted(distinct, here)
            bits[rows_here, at : at + high - low] = part
        assert bits is not None
        return distinct, times[0] if len(times) == 1 else np.concatenate(times), bits

    def timelines_of(self, spans: Ints) -> AnyArray:
        """The number of each span's timeline."""
        return self._tables.get("span_timeline")[spans]

    def is_own(self, span: int) -> tuple[bool, bytes]:
        """Whether the span's times are those of one series, and the hash of its timeline."""
        timeline = int(self._tables.get("span_timeline")[span])
        own = bool(self._tables.get("timeline_own")[timeline])
        hashes = self._tables.get("timeline_hash")
        return own, hashes[2 * timeline : 2 * timeline + 2].tobytes()

    def times(self, span: int) -> TimesMs:
        """The times of a span, ascending."""

        def load() -> AnyArray:
            get = self._tables.get
            offset, length = int(get("span_offset")[span]), int(get("span_length")[span])
            body = self._body(offset, length, int(get("span_crc")[span]))
            try:
                times = decode_array(body, "<i8")
            except ValueError as problem:
                raise self._corrupt(offset, str(problem)) from problem
            if times.size != int(get("span_rows")[span]):
                raise self._corrupt(offset, "a span has another number of rows than the index says")
            return times

        return self._cache.get((self._ulid, "times", span), load)

    # --- The whole, for maintenance and for looking at it --------------------------------------

    def verify(self) -> int:
        """Read and check every page; how many samples there are."""
        samples = 0
        for page in range(self._tables.get("page_crc").size):
            low, high = self._tables.get("page_entries")[page : page + 2].tolist()
            for span in np.unique(self._tables.get("entry_span")[low:high]).tolist():
                self.times(span)
            samples += int(np.count_nonzero(self._page(page) != np.uint64(ABSENT_BITS)))
        return samples

    def parts(self) -> Iterator[EntryPart]:
        """Every page, decoded, as what its entries hold."""
        get = self._tables.get
        cells = self._first_cells()
        for page in range(get("page_crc").size):
            low, high = get("page_entries")[page : page + 2].tolist()
            flat = self._page(page)
            spans = get("entry_span")[low:high]
            cuts = np.flatnonzero(np.diff(spans)) + 1
            starts = cells[low:high] - cells[low]
            for first, last in itertools.pairwise([0, *cuts.tolist(), high - low]):
                span = int(spans[first])
                times = self.times(span)
                at = int(starts[first])
                bits = flat[at : at + (last - first) * times.size].reshape(-1, times.size)
                held = bits != np.uint64(ABSENT_BITS)
                yield EntryPart(
                    get("entry_series")[low + first : low + last].astype(np.int64),
                    np.count_nonzero(held, axis=1),
                    times[held.argmax(axis=1)],
                    times[times.size - 1 - held[:, ::-1].argmax(axis=1)],
                    int(get("page_length")[page]) * bits.size // max(flat.size, 1),
                )

    # --- Decoding ------------------------------------------------------------------------------

    def _page(self, page: int) -> AnyArray:
        def load() -> AnyArray:
            get = self._tables.get
            offset, length = int(get("page_offset")[page]), int(get("page_length")[page])
            body = self._body(offset, length, int(get("page_crc")[page]))
            low, high = get("page_entries")[page : page + 2].tolist()
            rows = get("span_rows")[get("entry_span")[low:high]].astype(np.int64)
            try:
                return decode_cells(body, rows).view(np.uint64)
            except ValueError as problem:
                raise self._corrupt(offset, str(problem)) from problem

        return self._cache.get((self._ulid, "page", page), load)

    def _body(self, offset: int, length: int, crc: int) -> memoryview:
        body = self._pages[offset : offset + length]
        if len(body) != length or isal_zlib.crc32(body) != crc:
            raise self._corrupt(offset, "checksum mismatch")
        return body

    def _first_cells(self) -> AnyArray:
        """How many cells are before each entry."""
        with self._lock:
            if self._cells is None:
                rows = self._tables.get("span_rows")[self._tables.get("entry_span")]
                self._cells = np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])
            return self._cells

    def _corrupt(self, offset: int, reason: str) -> CorruptFile:
        return CorruptFile(str(self._path), offset, reason)
