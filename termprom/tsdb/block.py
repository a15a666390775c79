"""A block that is open for reading: a Source over mapped files (FORMAT.md, sections 5 to 8)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from termprom.errors import CorruptFile
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.values import AnyArray, Ints, Mask, TimesMs
from termprom.tsdb.analysis import EntryPart
from termprom.tsdb.block_entries import BlockEntries
from termprom.tsdb.block_meta import META_NAME, BlockMeta
from termprom.tsdb.block_picked import BlockPicked
from termprom.tsdb.block_tables import Tables
from termprom.tsdb.block_writer import INDEX_NAME, PAGES_NAME
from termprom.tsdb.files import Files, storage_errors
from termprom.tsdb.label_index import LabelIndex, expand_runs
from termprom.tsdb.page_cache import PageCache
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
            pages = files.map(folder / PAGES_NAME)
        for name, data, size in (
            (INDEX_NAME, index, self.meta.index_bytes),
            (PAGES_NAME, pages, self.meta.pages_bytes),
        ):
            if len(data) != size:
                reason = f"{len(data)} bytes long instead of {size}"
                raise CorruptFile(str(folder / name), min(len(data), size), reason)
        self._tables = Tables(index, folder / INDEX_NAME)
        self._entries = BlockEntries(
            self._tables, pages, folder / PAGES_NAME, cache, self.meta.ulid
        )
        self.tombstones = read_tombstones(files, folder)
        self._on_corrupt = on_corrupt
        self._index: LabelIndex | None = None
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
            parts = [self._entries.times(span) for span in spans.tolist()]
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
            self._entries,
            self._checked,
            self.tombstones,
            series,
            rows,
            places[order],
            entries[order],
            spans[order],
            start_ms,
            end_ms,
        )

    # --- Its parts ----------------------------------------------------------------------------

    def rest(self) -> None:
        """Give back the decoded index if nobody has used it since the last call."""
        with self._lock:
            if not self._was_used:
                self._index = self._timelines = None
                self._entries.forget()
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
        samples = self._entries.verify()
        if samples != self.meta.samples or self.index.series_count != self.meta.series:
            reason = f"{samples} samples instead of {self.meta.samples}"
            raise CorruptFile(str(self.folder / PAGES_NAME), 0, reason)
        return samples

    def entry_parts(self) -> Iterator[EntryPart]:
        """Every page, decoded, as what its entries hold. Raises CorruptFile."""
        return self._entries.parts()

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
