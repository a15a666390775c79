"""pages.bin while it is written: bodies one after the other, and where each of them lies.

Knows timelines, spans, pages and entries as numbers; what the series are is the writer's business.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np
from isal import isal_zlib

from termprom.model.values import AnyArray, Ints, TimesMs
from termprom.tsdb.cells import column_classes, encode_cells
from termprom.tsdb.codecs.registry import encode_array
from termprom.tsdb.files import Files

PAGES_MAGIC: Final = b"TPPAGES1"
_BUFFER_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Entries:
    """Cells of some series in one span: bits (K, rows) uint64, series (K,)."""

    span: int
    series: Ints
    bits: AnyArray


class PagesWriter:
    """Appends spans and pages; a context that closes the file, synced only by `finish`."""

    def __init__(self, files: Files, path: Path) -> None:
        """Raises OSError, as do all methods."""
        self._files = files
        self._descriptor = files.create(path)
        self._buffer = bytearray()
        self.size_bytes = 0
        self._spans = [array(code) for code in "iiiIqqq"]
        self._pages = [array(code) for code in "qqIq"]
        self._entry_series: list[AnyArray] = []
        self._entry_spans: list[AnyArray] = []
        self._entry_count = 0
        self.sample_count = 0
        self._write(PAGES_MAGIC)

    def __enter__(self) -> PagesWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: object, trace: TracebackType | None
    ) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._files.close(descriptor)

    def add_span(self, timeline: int, times_ms: TimesMs) -> int:
        """The number of a new span; those of one timeline are added in the order of time."""
        body = encode_array(np.ascontiguousarray(times_ms, dtype=np.int64))
        row = (
            timeline,
            times_ms.size,
            len(body),
            isal_zlib.crc32(body),
            int(times_ms[0]),
            int(times_ms[-1]),
            self.size_bytes,
        )
        for column, value in zip(self._spans, row, strict=True):
            column.append(value)
        self._write(body)
        return len(self._spans[0]) - 1

    def add_page(self, parts: Sequence[Entries]) -> None:
        """One page with all cells of `parts`; columns that are alike become neighbours."""
        sorted_parts = [_by_class(part) for part in parts]
        parts = [part for part, _ in sorted_parts]
        rows = np.concatenate(
            [np.full(part.series.size, part.bits.shape[1], dtype=np.int64) for part in parts]
        )
        flat = np.concatenate([part.bits.reshape(-1) for part in parts])
        classes = np.concatenate([classes for _, classes in sorted_parts])
        body = encode_cells(flat.view(np.float64), rows, classes=classes)
        page = (self.size_bytes, len(body), isal_zlib.crc32(body), self._entry_count)
        for column, value in zip(self._pages, page, strict=True):
            column.append(value)
        self._write(body)
        for part in parts:
            self._entry_series.append(part.series.astype(np.int32))
            self._entry_spans.append(np.full(part.series.size, part.span, dtype=np.int32))
        self._entry_count += rows.size

    def bounds(self) -> tuple[int, int]:
        """First and last time of all spans; there is at least one."""
        return min(self._spans[4]), max(self._spans[5])

    def finish(self) -> None:
        """Everything on the platter."""
        self._flush()
        self._files.fsync(self._descriptor)

    def tables(self, series_count: int) -> dict[str, AnyArray]:
        """What index.bin has to say about this file."""
        names = ("timeline", "rows", "length", "crc", "first", "last", "offset")
        dtypes = ("<i4", "<i4", "<i4", "<u4", "<i8", "<i8", "<i8")
        tables: dict[str, AnyArray] = {
            f"span_{name}": np.array(column, dtype=dtype)
            for name, column, dtype in zip(names, self._spans, dtypes, strict=True)
        }
        offset, length, crc, entries = self._pages
        tables["page_offset"] = np.array(offset, dtype="<i8")
        tables["page_length"] = np.array(length, dtype="<i8")
        tables["page_crc"] = np.array(crc, dtype="<u4")
        tables["page_entries"] = np.array([*entries, self._entry_count], dtype="<i8")
        series = _joined(self._entry_series)
        tables["entry_series"] = series
        tables["entry_span"] = _joined(self._entry_spans)
        counts = np.bincount(series, minlength=series_count)
        tables["series_entries_offsets"] = np.append(0, np.cumsum(counts)).astype("<i8")
        tables["series_entries"] = np.argsort(series, kind="stable").astype("<i4")
        return tables

    def _write(self, data: bytes) -> None:
        self._buffer += data
        self.size_bytes += len(data)
        if len(self._buffer) >= _BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        data, self._buffer = bytes(self._buffer), bytearray()
        self._files.write_all(self._descriptor, data)


def _by_class(part: Entries) -> tuple[Entries, Ints]:
    classes = column_classes(part.bits)
    if (classes[1:] >= classes[:-1]).all():
        return part, classes
    order = np.argsort(classes, kind="stable")
    return Entries(part.span, part.series[order], part.bits[order]), classes[order]


def _joined(parts: list[AnyArray]) -> AnyArray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
