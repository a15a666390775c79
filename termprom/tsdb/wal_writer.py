"""The writing end of the write-ahead log.

One record per commit, one `write` per record: the kernel has it before `append` returns. What
definitions a segment already holds is remembered here, and forgotten with the segment.
"""

from __future__ import annotations

import logging
import os
import struct
import threading
from pathlib import Path
from typing import Final

from isal import isal_zlib

from termprom.errors import StorageError
from termprom.tsdb.files import WAL_SUFFIX, Files, translated

logger = logging.getLogger("termprom.tsdb")

MAGIC: Final = b"TPWAL001"
HEADER: Final = struct.Struct("<8sII")
FRAME: Final = struct.Struct("<II")
RECORD_BYTES_MAX: Final = 1 << 30  # a first row of a million columns, with their definitions, fits
SEGMENT_BYTES: Final = 64 << 20  # a segment is the unit of giving back; 2 h of 30,000 series
# A segment grows until definitions are at most this part of it: with a million series they alone
# take 40 MB, and a start would read them again with every 20 MB of samples.
_DEFINED_PART: Final = 5

_NO_TIME: Final = -(2**63)


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}{WAL_SUFFIX}"


def segment_header(number: int) -> bytes:
    start = MAGIC + struct.pack("<I", number)
    return start + struct.pack("<I", isal_zlib.crc32(start))


def frame(payload: bytes) -> bytes:
    """`payload` as a record."""
    return FRAME.pack(len(payload), isal_zlib.crc32(payload)) + payload


class WalWriter:
    """Appends records to the newest segment; begins another when it is full or has failed.

    `append` and `cut` are called under the head's write lock; `sync` from any thread.
    """

    def __init__(self, files: Files, folder: Path, first_number: int) -> None:
        self._files = files
        self._folder = folder
        self._next_number = first_number
        self._descriptor = -1
        self._size_bytes = 0
        self._defined_bytes = 0  # of these, what says which series there are
        self._dirty = False
        self._doubted = False  # an fsync has failed: the disk may have a hole where records were
        self._spent = False  # doubted, and the disk works again
        self._latest_ms: dict[int, int] = {}
        self._late: set[int] = set()  # segments with out-of-order samples
        self._descriptor_lock = threading.Lock()
        self.segment = 0  # number of the open segment or of the last one; 0: none yet
        self.failure = ""
        self.failures = 0
        self.fsync_seconds = 0.0
        self.fsync_count = 0

    def __repr__(self) -> str:
        return f"WalWriter(segment {self.segment}, {self._size_bytes} bytes)"

    def begin_at(self, number: int) -> None:
        """The number of the first segment to write; replay has found out which are taken."""
        self._next_number = max(self._next_number, number)

    @property
    def next_segment(self) -> int:
        """The number of the segment that is begun next."""
        return self._next_number

    def prepare(self) -> None:
        """Have an open segment with room. Call before looking at `segment`.

        Raises DiskFull or StorageError.
        """
        full = max(SEGMENT_BYTES, _DEFINED_PART * self._defined_bytes)
        if self._descriptor >= 0 and self._size_bytes < full and not self._spent:
            return
        self.cut()
        number = self._next_number
        path = segment_path(self._folder, number)
        try:
            descriptor = self._files.create(path)
        except OSError as problem:
            raise self._failed(problem, path) from problem
        header = segment_header(number)
        try:
            self._files.write_all(descriptor, header)
            self._files.sync_folder(self._folder)
        except OSError as problem:
            self._files.close(descriptor)
            self._files.remove(path)
            raise self._failed(problem, path) from problem
        with self._descriptor_lock:
            self._descriptor = descriptor
            self.segment = number
        self._size_bytes = len(header)
        self._next_number = number + 1
        self._latest_ms[number] = _NO_TIME

    def count_definitions(self, size_bytes: int) -> None:
        """So much of what is appended next are definitions."""
        self._defined_bytes += size_bytes

    def append(self, payload: bytes, latest_ms: int, *, late: bool = False) -> None:
        """Hand one record to the kernel, whole or not at all.

        `latest_ms` is its newest time; `late` says that some of its samples are out of order.

        Raises DiskFull or StorageError; the segment is then given up, because what it defines is
        no longer sure, and the next record begins another.
        """
        record = frame(payload)
        try:
            written = self._files.write(self._descriptor, record)
            if written != len(record):
                self._files.write_all(self._descriptor, record[written:])
        except OSError as problem:
            self._give_up()
            raise self._failed(problem, segment_path(self._folder, self.segment)) from problem
        self._size_bytes += len(record)
        self._dirty = True
        if late:
            self._late.add(self.segment)
        if latest_ms > self._latest_ms[self.segment]:
            self._latest_ms[self.segment] = latest_ms
        if self.failure and not self._doubted:
            logger.info("appends work again")
            self.failure = ""

    def cut(self) -> None:
        """End the open segment, durably; the next record begins another."""
        if self._descriptor < 0:
            return
        self.sync()
        self._forget()

    def sync(self) -> None:
        """fsync what was written since the last time. Failure is remembered, not raised.

        After a failed fsync the kernel may take lost pages for written. Replay would stop at such
        a hole, so the segment ends with the next fsync that works.
        """
        with self._descriptor_lock:
            if self._descriptor < 0 or not self._dirty:
                return
            self._dirty = False
            number = self.segment
            # A duplicate, so that the loop may end the segment while the disk is busy.
            descriptor = os.dup(self._descriptor)
        try:
            self._files.fsync(descriptor)
            self.fsync_count += 1
            self._mark(number, spent=self._doubted)
        except OSError as problem:
            self._mark(number, doubted=True)
            self._failed(problem, segment_path(self._folder, number))
        finally:
            os.close(descriptor)

    def _mark(self, number: int, *, doubted: bool = False, spent: bool = False) -> None:
        """What an fsync has shown of segment `number`, which may have ended meanwhile."""
        with self._descriptor_lock:
            if self._descriptor >= 0 and number == self.segment:
                self._dirty = self._dirty or doubted
                self._doubted = self._doubted or doubted
                self._spent = self._spent or spent

    def latest_ms(self) -> dict[int, int]:
        """The newest time in each segment, by its number; also of those that replay found."""
        return dict(self._latest_ms)

    def adopt(self, number: int, latest_ms: int, *, late: bool) -> None:
        """A segment that replay has read."""
        self._latest_ms[number] = latest_ms
        if late:
            self._late.add(number)

    def removable(self, floor_ms: int, late_segment: int) -> list[int]:
        """The segments of which everything is in blocks.

        In-order samples before `floor_ms` are, and late ones of segments before `late_segment`.
        """
        return [
            number
            for number, latest_ms in sorted(self._latest_ms.items())
            if (number != self.segment or self._descriptor < 0)
            and latest_ms < floor_ms
            and (number < late_segment or number not in self._late)
        ]

    def remove(self, number: int) -> None:
        """Delete a segment that nothing needs any more."""
        path = segment_path(self._folder, number)
        try:
            self._files.remove(path)
        except OSError as problem:
            raise translated(problem, path) from problem
        self._latest_ms.pop(number, None)
        self._late.discard(number)

    def size_bytes(self) -> int:
        """All segments on disk."""
        total = 0
        for number in self.latest_ms():
            try:
                total += segment_path(self._folder, number).stat().st_size
            except OSError:  # deleted meanwhile
                continue
        return total

    def close(self) -> None:
        self.cut()

    def _give_up(self) -> None:
        """After a failed write: cut the torn record off and leave the segment."""
        try:
            self._files.truncate(self._descriptor, self._size_bytes)
        except OSError as problem:
            # Replay stops at the torn record, which is the last of this segment: nothing is lost.
            logger.warning(
                "cannot cut a torn record off the log",
                extra={"fields": {"segment": self.segment, "err": str(problem)}},
            )
        self.sync()
        self._forget()

    def _forget(self) -> None:
        with self._descriptor_lock:
            descriptor, self._descriptor = self._descriptor, -1
            self._doubted = self._spent = self._dirty = False
        self._files.close(descriptor)
        self._size_bytes = self._defined_bytes = 0

    def _failed(self, problem: OSError, path: Path) -> StorageError:
        failure = translated(problem, path)
        self.failures += 1
        if not self.failure:
            logger.error("cannot write the log", extra={"fields": {"err": str(failure)}})
        self.failure = str(failure)
        return failure
