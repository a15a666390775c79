"""index.bin: named arrays in one file, each with its own checksum (FORMAT.md, section 6).

    file     magic | bodies, each at a multiple of 8 | contents (JSON) | length <u4> | CRC | end
    contents name -> [dtype, count, coding, offset, length, CRC of the body]

An array is decoded and checked when it is first asked for, so that opening a block reads its end
and nothing else.
"""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cramjam
import numpy as np
from isal import isal_zlib

from termprom.errors import CorruptFile
from termprom.model.values import AnyArray

MAGIC: Final = b"TPINDEX1"
END_MAGIC: Final = b"TPINDEND"
_TAIL: Final = struct.Struct("<II8s")
_DTYPES: Final = frozenset({"<i4", "<i8", "<u4", "<u8", "|u1"})
_LEVEL: Final = 9  # written once, read often

# Codings. On disk for ever: never renumber, only append.
RAW: Final = 0
ZSTD: Final = 1
DELTA_ZSTD: Final = 2  # differences (the first from 0), then their bytes by significance


def encode_tables(tables: Mapping[str, AnyArray]) -> bytes:
    """The whole file; each table (N,) of a dtype in `_DTYPES`."""
    parts = [MAGIC]
    size = len(MAGIC)
    contents: dict[str, tuple[str, int, int, int, int, int]] = {}
    for name, table in tables.items():
        assert table.dtype.str in _DTYPES
        coding, body = _smallest(np.ascontiguousarray(table))
        crc = isal_zlib.crc32(body)
        contents[name] = (table.dtype.str, table.size, coding, size, len(body), crc)
        padding = b"\0" * (-len(body) % 8)
        parts += (body, padding)
        size += len(body) + len(padding)
    text = json.dumps(contents, separators=(",", ":")).encode()
    parts += (text, _TAIL.pack(len(text), isal_zlib.crc32(text), END_MAGIC))
    return b"".join(parts)


def _smallest(table: AnyArray) -> tuple[int, bytes]:
    raw = table.tobytes()
    best = RAW, raw
    if len(raw) < 64:
        return best
    packed = bytes(cramjam.zstd.compress(raw, level=_LEVEL))
    if len(packed) < len(raw) - len(raw) // 8:
        best = ZSTD, packed
    if table.dtype.itemsize > 1:
        deltas = table.copy()
        deltas[1:] -= table[:-1]  # wraps round, and back when it is summed
        shuffled = deltas.view(np.uint8).reshape(table.size, -1).T.tobytes()
        packed = bytes(cramjam.zstd.compress(shuffled, level=_LEVEL))
        if len(packed) < len(best[1]) - len(raw) // 8:
            best = DELTA_ZSTD, packed
    return best


class Tables:
    """The arrays of one index.bin. Any thread; arrays are read only."""

    def __init__(self, data: memoryview, path: Path) -> None:
        """Raises CorruptFile where the end of the file does not check."""
        self._data = data
        self._path = path
        self._held: dict[str, AnyArray] = {}
        self._lock = threading.Lock()
        self._contents = self._read_contents()

    def __repr__(self) -> str:
        return f"Tables({self._path}, {len(self._held)} of {len(self._contents)} decoded)"

    def get(self, name: str) -> AnyArray:
        """The table of that name. Raises CorruptFile."""
        with self._lock:
            found = self._held.get(name)
        if found is None:
            found = self._decode(name)
            found.flags.writeable = False
            with self._lock:
                found = self._held.setdefault(name, found)
        return found

    def body_bytes(self) -> dict[str, int]:
        """How long each table is on disk."""
        return {name: int(entry[4]) for name, entry in self._contents.items()}

    def forget(self) -> None:
        """Give the decoded arrays back; they are decoded again when they are asked for."""
        with self._lock:
            self._held = {}

    def _read_contents(self) -> dict[str, list[Any]]:
        data, size = self._data, len(self._data)
        if size < len(MAGIC) + _TAIL.size or bytes(data[: len(MAGIC)]) != MAGIC:
            raise self._corrupt(0, "not an index of a block")
        length, crc, magic = _TAIL.unpack_from(data, size - _TAIL.size)
        start = size - _TAIL.size - length
        if magic != END_MAGIC or start < len(MAGIC):
            raise self._corrupt(size - _TAIL.size, "the end of the index is missing")
        text = bytes(data[start : start + length])
        if isal_zlib.crc32(text) != crc:
            raise self._corrupt(start, "checksum mismatch in the table of contents")
        contents: dict[str, list[Any]] = json.loads(text)
        return contents

    def _decode(self, name: str) -> AnyArray:
        entry = self._contents.get(name)
        if entry is None:
            raise self._corrupt(0, f"no table {name!r}")
        dtype, count, coding, offset, length, crc = entry
        body = self._data[offset : offset + length]
        if isal_zlib.crc32(body) != crc:
            raise self._corrupt(offset, f"checksum mismatch in {name!r}")
        size_bytes = count * np.dtype(dtype).itemsize
        try:
            raw = (
                body
                if coding == RAW
                else bytes(cramjam.zstd.decompress(body, output_len=size_bytes))
            )
        except cramjam.DecompressionError as problem:
            raise self._corrupt(offset, f"{name!r}: {problem}") from problem
        if coding == DELTA_ZSTD:
            shuffled = np.frombuffer(raw, dtype=np.uint8).reshape(-1, count)
            deltas = np.ascontiguousarray(shuffled.T).reshape(-1).view(dtype)
            summed: AnyArray = np.cumsum(deltas, dtype=dtype)
            return summed
        if coding not in (RAW, ZSTD):
            raise self._corrupt(offset, f"{name!r} has the unknown coding {coding}")
        table: AnyArray = np.frombuffer(raw, dtype=dtype, count=count)
        return table

    def _corrupt(self, offset: int, reason: str) -> CorruptFile:
        return CorruptFile(str(self._path), offset, reason)
