"""What of a block was deleted: cells that readers leave out until the block is written anew.

    tombstones.bin   magic | count <u4> | CRC of the rest <u4> | series <i4>* first <i8>* last <i8>*

Series `series[i]` of the block has nothing in [first[i], last[i]]. Replaced as a whole.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from isal import isal_zlib

from termprom.errors import CorruptFile
from termprom.model.values import ABSENT_BITS, AnyArray, Ints, TimesMs
from termprom.tsdb.files import Files

TOMBSTONES_NAME: Final = "tombstones.bin"
MAGIC: Final = b"TPTOMB01"
_HEADER: Final = struct.Struct("<8sII")


@dataclass(frozen=True, slots=True)
class Tombstones:
    """Shapes: series, first_ms, last_ms (N,); sorted by series."""

    series: Ints
    first_ms: Ints
    last_ms: Ints

    def __len__(self) -> int:
        return self.series.size

    @property
    def series_count(self) -> int:
        """In how many series something was deleted."""
        return int(np.unique(self.series).size)

    def apply(self, series: Ints, times_ms: TimesMs, bits: AnyArray) -> AnyArray:
        """`bits` (K, T) of `series` (K,) less what was deleted; a copy where anything was."""
        if not self.series.size:
            return bits
        hit = np.flatnonzero(np.isin(series, self.series))
        changed = None
        for row in hit.tolist():
            low, high = np.searchsorted(self.series, [series[row], series[row] + 1]).tolist()
            for one in range(low, high):
                start = int(np.searchsorted(times_ms, self.first_ms[one], side="left"))
                end = int(np.searchsorted(times_ms, self.last_ms[one], side="right"))
                if start < end:
                    if changed is None:
                        changed = bits.copy()
                    changed[row, start:end] = ABSENT_BITS
        return bits if changed is None else changed

    def plus(self, series: Ints, first_ms: int, last_ms: int) -> Tombstones:
        """These and [first_ms, last_ms] of more series."""
        all_series = np.concatenate([self.series, series])
        first = np.concatenate([self.first_ms, np.full(series.size, first_ms, dtype=np.int64)])
        last = np.concatenate([self.last_ms, np.full(series.size, last_ms, dtype=np.int64)])
        order = np.lexsort((first, all_series))
        return Tombstones(all_series[order], first[order], last[order])

    def encode(self) -> bytes:
        body = b"".join(
            (
                self.series.astype("<i4").tobytes(),
                self.first_ms.astype("<i8").tobytes(),
                self.last_ms.astype("<i8").tobytes(),
            )
        )
        return _HEADER.pack(MAGIC, self.series.size, isal_zlib.crc32(body)) + body


_NOTHING: Final = np.zeros(0, dtype=np.int64)
NO_TOMBSTONES: Final = Tombstones(_NOTHING, _NOTHING, _NOTHING)


def read_tombstones(files: Files, folder: Path) -> Tombstones:
    """Those of the block in `folder`. Raises CorruptFile, OSError."""
    path = folder / TOMBSTONES_NAME
    if not path.exists():
        return NO_TOMBSTONES
    data = files.read(path)
    if len(data) < _HEADER.size:
        raise CorruptFile(str(path), 0, "torn header")
    magic, count, crc = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if magic != MAGIC or len(body) != 20 * count or isal_zlib.crc32(body) != crc:
        raise CorruptFile(str(path), 0, "checksum mismatch")
    series = np.frombuffer(body, "<i4", count).astype(np.int64)
    first = np.frombuffer(body, "<i8", count, 4 * count)
    last = np.frombuffer(body, "<i8", count, 12 * count)
    return Tombstones(series, first, last)
