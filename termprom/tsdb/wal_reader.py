"""The reading end of the write-ahead log: segments in order, up to the first bad record of each."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from isal import isal_zlib

from termprom.errors import CorruptFile
from termprom.tsdb.files import WAL_SUFFIX
from termprom.tsdb.wal_entries import Entry, EntryReader
from termprom.tsdb.wal_writer import FRAME, HEADER, MAGIC, RECORD_BYTES_MAX, segment_header

_NAME: Final = re.compile(r"(\d{8})" + re.escape(WAL_SUFFIX))


@dataclass(frozen=True, slots=True)
class Segment:
    number: int
    path: Path
    size_bytes: int


def list_segments(folder: Path) -> list[Segment]:
    """The segments in a folder, oldest first; other names are ignored."""
    found = []
    for path in folder.iterdir():
        named = _NAME.fullmatch(path.name)
        if named and path.is_file():
            found.append(Segment(int(named[1]), path, path.stat().st_size))
    return sorted(found, key=lambda segment: segment.number)


@dataclass(frozen=True, slots=True)
class Record:
    """The entries of one commit; the next record begins at byte `end`."""

    entries: list[Entry]
    end: int


def read_records(data: memoryview, segment: Segment) -> Iterator[Record]:
    """The records of one segment in order.

    Raises CorruptFile at the first byte that cannot be trusted; everything before it was yielded.
    """
    path = str(segment.path)
    if len(data) < HEADER.size or bytes(data[: HEADER.size]) != segment_header(segment.number):
        reason = "torn header" if len(data) < HEADER.size else "not a header of this segment"
        if bytes(data[: len(MAGIC)]) not in (MAGIC, MAGIC[: len(data)]):
            reason = "not a log segment"
        raise CorruptFile(path, 0, reason)
    reader = EntryReader()
    offset = HEADER.size
    while offset < len(data):
        if offset + FRAME.size > len(data):
            raise CorruptFile(path, offset, "torn record")
        length, crc = FRAME.unpack_from(data, offset)
        start = offset + FRAME.size
        if not 0 < length <= RECORD_BYTES_MAX:
            raise CorruptFile(path, offset, "impossible record length")
        if start + length > len(data):
            raise CorruptFile(path, offset, "torn record")
        payload = data[start : start + length]
        if isal_zlib.crc32(payload) != crc:
            raise CorruptFile(path, offset, "checksum mismatch")
        try:
            entries = list(reader.entries(payload))
        except (ValueError, struct.error) as problem:
            raise CorruptFile(path, offset, str(problem)) from problem
        yield Record(entries, start + length)
        offset = start + length
