"""A new block out of any sources: a range of the head, or older blocks.

Works metric by metric in batches of cells, so that its memory is bounded by a batch and by the
index of the new block, not by its samples.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from termprom.model.values import ABSENT_BITS, AnyArray, Ints, TimesMs
from termprom.tsdb.block_meta import META_NAME, BlockMeta
from termprom.tsdb.block_pages import Entries, PagesWriter
from termprom.tsdb.block_series import SeriesTable, unite_series
from termprom.tsdb.block_tables import encode_tables
from termprom.tsdb.files import TEMPORARY_SUFFIX, Files, storage_errors
from termprom.tsdb.identity import encoded
from termprom.tsdb.merge import join
from termprom.tsdb.source import OWN_TIMES, ByTimeline, Picked, Piece, Source

PAGES_NAME: Final = "pages.bin"
INDEX_NAME: Final = "index.bin"
SPAN_ROWS_MAX: Final = 1024
# A page is decoded whole: 0.3 ms, and long enough that the fixed price of a frame does not show.
_PAGE_CELLS_MAX: Final = 1 << 16
# Neighbouring metrics share a page until it has this many cells.
_PAGE_CELLS_MIN: Final = 1 << 9
_BATCH_CELLS: Final = 1 << 21
_TIMELINES_HELD: Final = 256  # with their times; the others are a few bytes each

_ABSENT: Final = np.uint64(ABSENT_BITS)


def write_block(
    files: Files,
    folder: Path,
    sources: Sequence[Source],
    start_ms: int,
    end_ms: int,
    like: BlockMeta,
) -> BlockMeta | None:
    """Publish a block in `folder` with all that `sources` have in [start_ms, end_ms).

    `like` brings its name, level and parents. At equal times the first source decides. None, and
    nothing on disk, where there is no sample. Raises DiskFull, StorageError, CorruptFile; the
    folder is then as before.
    """
    found: list[tuple[Picked, Ints, Source]] = []
    for source in sources:
        every = np.arange(source.index.series_count, dtype=np.int64)
        picked = source.pick(every, start_ms, end_ms - 1)
        if picked.present.any():
            found.append((picked, np.flatnonzero(picked.present), source))
    if not found:
        return None
    temporary = folder / (like.ulid + TEMPORARY_SUFFIX)
    with storage_errors(temporary):
        files.remove_tree(temporary)
        files.make_folder(temporary)
        try:
            meta = _write_files(files, temporary, found, start_ms, end_ms, like)
            if meta is None:
                files.remove_tree(temporary)
                return None
            files.rename(temporary, folder / meta.ulid)
        except BaseException:
            files.remove_tree(temporary)
            raise
    return meta


def _write_files(
    files: Files,
    folder: Path,
    found: Sequence[tuple[Picked, Ints, Source]],
    start_ms: int,
    end_ms: int,
    like: BlockMeta,
) -> BlockMeta | None:
    series = unite_series([(source.index, present) for _, present, source in found])
    with PagesWriter(files, folder / PAGES_NAME) as pages:
        timelines = _Timelines(pages, [source for _, _, source in found], start_ms, end_ms - 1)
        rows = np.zeros(series.metrics.size, dtype=np.int64)
        for (picked, present, _), places in zip(found, series.places, strict=True):
            rows[places] += picked.rows[present]
        for batch in _batches(rows, _arranged(series, found)):
            pieces = _read(found, series.places, batch)
            _write_batch(pages, timelines, series, pieces)
        if not pages.sample_count:
            return None
        pages.finish()
        first_ms, last_ms = pages.bounds()
        tables = _series_tables(series) | timelines.tables() | pages.tables(rows.size)
        pages_bytes = pages.size_bytes
    index = encode_tables(tables)
    files.write_file(folder / INDEX_NAME, index)
    meta = replace(
        like,
        start_ms=first_ms,
        end_ms=last_ms + 1,
        series=series.metrics.size,
        samples=pages.sample_count,
        pages_bytes=pages_bytes,
        index_bytes=len(index),
    )
    files.write_file(folder / META_NAME, meta.encode())
    files.sync_folder(folder)
    return meta


def _arranged(series: SeriesTable, found: Sequence[tuple[Picked, Ints, Source]]) -> Ints:
    """All series metric by metric, and in a metric those that share their times together.

    A page then holds whole targets, whose columns are read together and have their like in it.
    """
    timelines = np.zeros(series.metrics.size, dtype=np.int64)
    # Of several sources the one that has most decides.
    by_weight = sorted(
        zip(found, series.places, strict=True), key=lambda one: int(one[0][0].rows.sum())
    )
    for (picked, present, _), places in by_weight:
        if isinstance(picked, ByTimeline):
            timelines[places] = picked.timelines[present]
    return np.lexsort((timelines, series.metrics))


def _batches(rows: Ints, order: Ints) -> Iterator[Ints]:
    """Series in `order`, at most _BATCH_CELLS at a time but at least one series."""
    ends = np.cumsum(rows[order])
    first = 0
    while first < order.size:
        before = int(ends[first - 1]) if first else 0
        last = int(np.searchsorted(ends, before + _BATCH_CELLS, side="right"))
        last = max(last, first + 1)
        yield order[first:last]
        first = last


def _read(
    found: Sequence[tuple[Picked, Ints, Source]], places: Sequence[Ints], batch: Ints
) -> dict[bytes | int, list[Piece]]:
    """The pieces of these series by timeline, or by series where the times are its own."""
    chosen = np.zeros(max(int(one.max()) + 1 for one in places), dtype=np.bool_)
    chosen[batch] = True
    pieces: dict[bytes | int, list[Piece]] = {}
    for (picked, present, _), numbers in zip(found, places, strict=True):
        mine = np.flatnonzero(chosen[numbers])
        if not mine.size:
            continue
        numbering = np.zeros(picked.present.size, dtype=np.int64)
        numbering[present[mine]] = numbers[mine]
        for piece in picked.read(present[mine]):
            named = numbering[piece.series]
            bits = piece.bits
            if named.size > 1 and (named[1:] < named[:-1]).any():
                order = np.argsort(named, kind="stable")
                named, bits = named[order], bits[order]
            key = piece.timeline or int(named[0])
            pieces.setdefault(key, []).append(Piece(piece.timeline, named, piece.times_ms, bits))
    return pieces


def _write_batch(
    pages: PagesWriter,
    timelines: _Timelines,
    series: SeriesTable,
    pieces: dict[bytes | int, list[Piece]],
) -> None:
    """Pages of one batch: by metric, then by time, then by timeline."""
    parts: list[tuple[tuple[int, int, int], Entries]] = []
    for key, same in pieces.items():
        piece = join(same)
        if isinstance(key, int):
            digest = series.hashes[2 * key : 2 * key + 2].tobytes()
            spans = timelines.own(digest, piece.times_ms)
        else:
            spans = timelines.of(key)
        metrics = series.metrics[piece.series]
        cuts = [0, *(np.flatnonzero(np.diff(metrics)) + 1).tolist(), metrics.size]
        for order, span in enumerate(spans):
            bits = _cells_in(piece, span.times_ms)
            if bits is None:
                continue
            used = (bits != _ABSENT).any(axis=1)
            pages.sample_count += int(np.count_nonzero(bits != _ABSENT))
            for low, high in itertools.pairwise(cuts):
                here = np.flatnonzero(used[low:high]) + low
                if here.size:
                    entries = Entries(span.number, piece.series[here], bits[here])
                    parts.append(((int(metrics[low]), order, span.number), entries))
    parts.sort(key=lambda part: part[0])
    waiting: list[Entries] = []
    cells = 0
    metric = -2
    for (new_metric, _, _), entries in parts:
        if waiting and new_metric != metric and cells >= _PAGE_CELLS_MIN:
            pages.add_page(waiting)
            waiting, cells = [], 0
        metric = new_metric
        for part in _pieces_of(entries):
            if waiting and cells + part.bits.size > _PAGE_CELLS_MAX:
                pages.add_page(waiting)
                waiting, cells = [], 0
            waiting.append(part)
            cells += part.bits.size
    if waiting:
        pages.add_page(waiting)


def _pieces_of(entries: Entries) -> Iterator[Entries]:
    """`entries` in parts that fit into a page."""
    step = max(_PAGE_CELLS_MAX // entries.bits.shape[1], 1)
    for low in range(0, entries.series.size, step):
        part = slice(low, low + step)
        yield Entries(entries.span, entries.series[part], entries.bits[part])


def _cells_in(piece: Piece, times_ms: TimesMs) -> AnyArray | None:
    """The piece's cells at the times of a span, (K, rows); None where it has none of them."""
    low = int(np.searchsorted(piece.times_ms, times_ms[0], side="left"))
    high = int(np.searchsorted(piece.times_ms, times_ms[-1], side="right"))
    if low == high:
        return None
    own = piece.times_ms[low:high]
    if own.size == times_ms.size:
        return piece.bits[:, low:high]
    places = np.searchsorted(times_ms, own)
    assert (times_ms[places] == own).all(), "a timeline has all the times of its pieces"
    bits = np.full((piece.series.size, times_ms.size), ABSENT_BITS, dtype=np.uint64)
    bits[:, places] = piece.bits[:, low:high]
    return bits


@dataclass(frozen=True, slots=True)
class _Span:
    number: int
    times_ms: TimesMs


class _Timelines:
    """The timelines of the new block, each with its spans, written when it is first met."""

    def __init__(
        self, pages: PagesWriter, sources: Sequence[Source], first_ms: int, last_ms: int
    ) -> None:
        self._pages = pages
        self._sources = sources
        self._first_ms = first_ms
        self._last_ms = last_ms
        self._numbers: dict[bytes, list[int]] = {}
        self._held: OrderedDict[bytes, list[_Span]] = OrderedDict()
        self._hashes: list[bytes] = []
        self._is_own: list[bool] = []

    def of(self, timeline: bytes) -> list[_Span]:
        """The spans of a group's rows."""
        held = self._held.get(timeline)
        if held is not None:
            self._held.move_to_end(timeline)
            return held
        times = _all_times(self._sources, timeline, self._first_ms, self._last_ms)
        numbers = self._numbers.get(timeline)
        if numbers is None:
            spans = self._add(timeline, times, is_own=False)
            self._numbers[timeline] = [span.number for span in spans]
        else:
            spans = [_Span(number, part) for number, part in zip(numbers, _cut(times), strict=True)]
        self._held[timeline] = spans
        if len(self._held) > _TIMELINES_HELD:
            self._held.popitem(last=False)
        return spans

    def own(self, series: bytes, times_ms: TimesMs) -> list[_Span]:
        """The spans of the series of that hash, which brings its own times."""
        return self._add(series, times_ms, is_own=True)

    def tables(self) -> dict[str, AnyArray]:
        identities = [self._identity(timeline) for timeline in self._hashes]
        texts = b"".join(identities)
        return {
            "timeline_hash": np.frombuffer(b"".join(self._hashes), dtype="<u8"),
            "timeline_own": np.array(self._is_own, dtype="|u1"),
            "timeline_offsets": np.cumsum([0, *map(len, identities)]).astype("<i8"),
            "timeline_identity": np.frombuffer(texts, dtype="|u1"),
        }

    def _add(self, timeline: bytes, times_ms: TimesMs, *, is_own: bool) -> list[_Span]:
        number = len(self._hashes)
        self._hashes.append(timeline)
        self._is_own.append(is_own)
        return [_Span(self._pages.add_span(number, part), part) for part in _cut(times_ms)]

    def _identity(self, timeline: bytes) -> bytes:
        for source in self._sources:
            identity = source.identity_of(timeline)
            if identity is not None:
                return b"".join(encoded(text) + b"\xff" for pair in identity for text in pair)
        return b""


def _cut(times_ms: TimesMs) -> list[TimesMs]:
    """Times in spans of nearly equal length."""
    count = -(-times_ms.size // SPAN_ROWS_MAX)
    return np.array_split(times_ms, count) if count else []


def _all_times(sources: Sequence[Source], timeline: bytes, first_ms: int, last_ms: int) -> TimesMs:
    parts = [source.times_of(timeline, first_ms, last_ms) for source in sources]
    parts = [part for part in parts if part.size]
    if len(parts) == 1:
        return parts[0]
    return np.unique(np.concatenate(parts))


def _series_tables(series: SeriesTable) -> dict[str, AnyArray]:
    text = b"".join(series.texts)
    return {
        "symbol_offsets": np.cumsum([0, *map(len, series.texts)]).astype("<i8"),
        "symbol_text": np.frombuffer(text, dtype="|u1"),
        "series_offsets": series.offsets.astype("<i8"),
        "series_pairs": series.pairs.astype("<i4"),
        "series_hash": series.hashes.astype("<u8"),
    }


assert OWN_TIMES == b"", "an empty hash is how `_read` tells own times"
