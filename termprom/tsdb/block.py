"""A block that is open for reading: a Source over mapped files (FORMAT.md, sections 5 to 8)."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from isal import isal_zlib

from termprom.errors import CorruptFile
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.values import ABSENT_BITS, AnyArray, Ints, Mask, TimesMs
from termprom.tsdb.analysis import EntryPart
from termprom.tsdb.block_meta import META_NAME, BlockMeta
from termprom.tsdb.block_tables import Tables
from termprom.tsdb.block_writer import INDEX_NAME, PAGES_NAME
from termprom.tsdb.cells import decode_cells
from termprom.tsdb.codecs.registry import decode_array
from termprom.tsdb.files import Files, storage_errors
from termprom.tsdb.label_index import LabelIndex, expand_runs
from termprom.tsdb.page_cache import PageCache
from termprom.tsdb.source import OWN_TIMES, Piece
from termprom.tsdb.tombstones import TOMBSTONES_NAME, read_tombstones


class BlockSymbols:
    """The texts of a block, sorted by their bytes."""

    def __init__(self, offsets: Ints, text: AnyArray) -> None:
        self._offsets = offsets
        self._text = text.tobytes()

    def __len__(self) -> int:
        return self._offsets.size - 1

    def text(self, number: int) -> str:
        return self._bytes(number).decode()

    def find(self, text: str) -> int:
        wanted = text.encode("utf-8", "replace")
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._bytes(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self._bytes(low) == wanted else -1

    def _bytes(self, number: int) -> bytes:
        return self._text[int(self._offsets[number]) : int(self._offsets[number + 1])]


class Block:
    """Implements Source. Any thread; the files may be deleted while it is in use.

    `on_corrupt` is called once, with the first error that reading meets.
    """

    def __init__(
        self,
        files: Files,
        folder: Path,
        cache: PageCache,
        on_corrupt: Callable[[Block, CorruptFile], None] = lambda block, problem: None,
    ) -> None:
        """Raises CorruptFile, StorageError. Reads meta.json and the end of index.bin."""
        self.folder = folder
        self._files = files
        with storage_errors(folder):
            self.meta = BlockMeta.decode(files.read(folder / META_NAME), folder / META_NAME)
            index = files.map(folder / INDEX_NAME)
            self._pages = files.map(folder / PAGES_NAME)
        for name, data, size in (
            (INDEX_NAME, index, self.meta.index_bytes),
            (PAGES_NAME, self._pages, self.meta.pages_bytes),
        ):
            if len(data) != size:
                reason = f"{len(data)} bytes long instead of {size}"
                raise CorruptFile(str(folder / name), min(len(data), size), reason)
        self._tables = Tables(index, folder / INDEX_NAME)
        self.tombstones = read_tombstones(files, folder)
        self._cache = cache
        self._on_corrupt = on_corrupt
        self._index: LabelIndex | None = None
        self._entry_cells: AnyArray | None = None
        self._timelines: dict[bytes, int] | None = None
        self._was_used = False
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        meta = self.meta
        return f"Block({meta.ulid}, [{meta.start_ms}, {meta.end_ms}), level {meta.level})"

    # --- As a source --------------------------------------------------------------------------

    @property
    def index(self) -> LabelIndex:
        with self._lock:
            self._was_used = True
            if self._index is None:
                with self._checked():
                    self._index = self._read_index()
            return self._index

    def select(self, matchers: Sequence[Matcher]) -> Ints:
        return self.index.select(matchers)

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        return self.meta.start_ms <= end_ms and self.meta.end_ms > start_ms

    def identity_of(self, timeline: bytes) -> Labels | None:
        number = self._timeline_numbers().get(timeline)
        if number is None:
            return None
        with self._checked():
            offsets = self._tables.get("timeline_offsets")
            text = self._tables.get("timeline_identity")
        raw = text[offsets[number] : offsets[number + 1]].tobytes()
        parts = [part.decode() for part in raw.split(b"\xff")[:-1]]
        return Labels(zip(parts[0::2], parts[1::2], strict=True))

    def times_of(self, timeline: bytes, start_ms: int, end_ms: int) -> TimesMs:
        number = self._timeline_numbers().get(timeline)
        if number is None:
            return np.zeros(0, dtype=np.int64)
        with self._checked():
            spans = np.flatnonzero(self._tables.get("span_timeline") == number)
            parts = [self._times(span) for span in spans.tolist()]
        times = np.concatenate(parts)
        low = int(np.searchsorted(times, start_ms, side="left"))
        return times[low : int(np.searchsorted(times, end_ms, side="right"))]

    def pick(self, series: Ints, start_ms: int, end_ms: int) -> BlockPicked:
        with self._checked():
            get = self._tables.get
            offsets = get("series_entries_offsets")
            starts, ends = offsets[series], offsets[series + 1]
            entries = get("series_entries")[expand_runs(starts, ends)].astype(np.int64)
            places = np.repeat(np.arange(series.size, dtype=np.int64), ends - starts)
            spans = get("entry_span")[entries].astype(np.int64)
            kept: Mask = (get("span_first")[spans] <= end_ms) & (
                get("span_last")[spans] >= start_ms
            )
            if not kept.all():
                entries, places, spans = entries[kept], places[kept], spans[kept]
            rows = np.bincount(
                places, weights=get("span_rows")[spans], minlength=series.size
            ).astype(np.int64)
            timelines = get("span_timeline")[spans]
            own = get("timeline_own")[timelines]
        # Rows before own times, which they outrank; then by timeline, and in it by time, as spans
        # of one timeline are numbered.
        order = np.lexsort((entries, spans, timelines, own))
        return BlockPicked(
            self, series, rows, places[order], entries[order], spans[order], start_ms, end_ms
        )

    # --- Reading entries ----------------------------------------------------------------------

    def read_timeline(
        self, places: Ints, entries: Ints, spans: Ints, start_ms: int, end_ms: int
    ) -> tuple[Ints, TimesMs, AnyArray] | None:
        """The cells of entries (E,) of one timeline, sorted by span, then entry.

        Shapes: -> distinct places (K,) ascending, times (T,), bits (K, T); None where T is 0.
        """
        with self._checked():
            return self._read_timeline(places, entries, spans, start_ms, end_ms)

    def timelines_of(self, spans: Ints) -> AnyArray:
        """The number of each span's timeline."""
        with self._checked():
            return self._tables.get("span_timeline")[spans]

    def is_own(self, span: int) -> tuple[bool, bytes]:
        """Whether the span's times are those of one series, and the hash of its timeline."""
        with self._checked():
            timeline = int(self._tables.get("span_timeline")[span])
            own = bool(self._tables.get("timeline_own")[timeline])
            hashes = self._tables.get("timeline_hash")
        return own, hashes[2 * timeline : 2 * timeline + 2].tobytes()

    def _read_timeline(
        self, places: Ints, entries: Ints, spans: Ints, start_ms: int, end_ms: int
    ) -> tuple[Ints, TimesMs, AnyArray] | None:
        get = self._tables.get
        times: list[TimesMs] = []
        bounds: dict[int, tuple[int, int, int]] = {}  # span: first row, last row, place in the sum
        total = 0
        every = np.unique(spans).tolist()
        span_count = len(every)
        for span in every:
            own = self._times(span)
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

    def _times(self, span: int) -> TimesMs:
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

        return self._cache.get((self.meta.ulid, "times", span), load)

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

        return self._cache.get((self.meta.ulid, "page", page), load)

    def _body(self, offset: int, length: int, crc: int) -> memoryview:
        body = self._pages[offset : offset + length]
        if len(body) != length or isal_zlib.crc32(body) != crc:
            raise self._corrupt(offset, "checksum mismatch")
        return body

    def _first_cells(self) -> AnyArray:
        """How many cells are before each entry."""
        with self._lock:
            if self._entry_cells is None:
                rows = self._tables.get("span_rows")[self._tables.get("entry_span")]
                self._entry_cells = np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])
            return self._entry_cells

    # --- Its parts ----------------------------------------------------------------------------

    def rest(self) -> None:
        """Give back the decoded index if nobody has used it since the last call."""
        with self._lock:
            if not self._was_used:
                self._index = self._entry_cells = self._timelines = None
                self._tables.forget()
            self._was_used = False

    def delete(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> int:
        """Leave out [start_ms, end_ms] of the matching series from now on; how many series.

        Durable when this returns. Readers that have picked series see them as before. Raises
        DiskFull, StorageError.
        """
        series = self.select(matchers)
        series = series[self.pick(series, start_ms, end_ms).present]
        if series.size:
            changed = self.tombstones.plus(series, start_ms, end_ms)
            path = self.folder / TOMBSTONES_NAME
            with storage_errors(path):
                self._files.write_atomic(path, changed.encode())
            self.tombstones = changed
        return int(series.size)

    def verify(self) -> int:
        """Read and check everything; how many samples there are. Raises CorruptFile."""
        for name in self._tables.body_bytes():
            self._tables.get(name)
        samples = 0
        for page in range(self._tables.get("page_crc").size):
            low, high = self._tables.get("page_entries")[page : page + 2].tolist()
            for span in np.unique(self._tables.get("entry_span")[low:high]).tolist():
                self._times(span)
            samples += int(np.count_nonzero(self._page(page) != np.uint64(ABSENT_BITS)))
        if samples != self.meta.samples or self.index.series_count != self.meta.series:
            raise self._corrupt(0, f"{samples} samples instead of {self.meta.samples}")
        return samples

    def entry_parts(self) -> Iterator[EntryPart]:
        """Every page, decoded, as what its entries hold. Raises CorruptFile."""
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
                times = self._times(span)
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

    def table_bytes(self) -> dict[str, int]:
        """How long each table of the index is on disk."""
        return self._tables.body_bytes()

    def _read_index(self) -> LabelIndex:
        get = self._tables.get
        symbols = BlockSymbols(get("symbol_offsets"), get("symbol_text"))
        pairs = get("series_pairs")
        return LabelIndex(
            symbols,
            get("series_offsets"),
            np.ascontiguousarray(pairs[0::2]),
            np.ascontiguousarray(pairs[1::2]),
            get("series_hash").reshape(-1, 2),
        )

    def _timeline_numbers(self) -> dict[bytes, int]:
        with self._lock:
            if self._timelines is None:
                with self._checked():
                    hashes = self._tables.get("timeline_hash").reshape(-1, 2)
                    own = self._tables.get("timeline_own")
                self._timelines = {
                    hashes[number].tobytes(): number for number in np.flatnonzero(own == 0).tolist()
                }
            return self._timelines

    @contextmanager
    def _checked(self) -> Iterator[None]:
        try:
            yield
        except CorruptFile as problem:
            self._on_corrupt(self, problem)
            raise

    def _corrupt(self, offset: int, reason: str) -> CorruptFile:
        return CorruptFile(str(self.folder / PAGES_NAME), offset, reason)


class BlockPicked:
    """Entries of some series of a block; what tombstones cover is absent when it is read."""

    def __init__(
        self,
        block: Block,
        series: Ints,
        rows: Ints,
        places: Ints,
        entries: Ints,
        spans: Ints,
        start_ms: int,
        end_ms: int,
    ) -> None:
        self._block = block
        self._series = series
        self._tombstones = block.tombstones
        self.rows = rows
        self.present: Mask = rows > 0
        self._places = places
        self._entries = entries
        self._spans = spans
        self._start_ms = start_ms
        self._end_ms = end_ms

    @property
    def timelines(self) -> Ints:
        """The first one of each series that has any here."""
        found = np.zeros(self.present.size, dtype=np.int64)
        found[self._places[::-1]] = self._block.timelines_of(self._spans)[::-1]
        return found

    def read(self, wanted: Ints) -> Iterator[Piece]:
        places, entries, spans = self._places, self._entries, self._spans
        if wanted.size != self.present.size:
            chosen = np.zeros(self.present.size, dtype=np.bool_)
            chosen[wanted] = True
            mask = chosen[places]
            places, entries, spans = places[mask], entries[mask], spans[mask]
        if not entries.size:
            return
        timelines = self._block.timelines_of(spans)
        cuts = np.flatnonzero(np.diff(timelines)) + 1
        for first, last in itertools.pairwise([0, *cuts.tolist(), entries.size]):
            part = slice(first, last)
            read = self._block.read_timeline(
                places[part], entries[part], spans[part], self._start_ms, self._end_ms
            )
            if read is None:
                continue
            distinct, times, bits = read
            bits = self._tombstones.apply(self._series[distinct], times, bits)
            is_own, timeline = self._block.is_own(int(spans[first]))
            if is_own:
                assert distinct.size == 1
                used = np.flatnonzero(bits[0] != np.uint64(ABSENT_BITS))
                if used.size:
                    yield Piece(OWN_TIMES, distinct, times[used], bits[:, used])
            else:
                yield Piece(timeline, distinct, times, bits)
