"""From the head into blocks: what is old enough, and the late samples; then memory and log go.

1 write and publish the block     a crash from here on leaves samples twice, which reading merges
2 replace the manifest            from here on replay passes them over
3 raise the floor of the head     new readers find them in the block only
4 give memory back                once no reader is left that began before step 3
5 delete log segments
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Final

from termprom.tsdb.block_meta import BlockMeta, Ulids
from termprom.tsdb.block_set import BlockSet
from termprom.tsdb.block_writer import write_block
from termprom.tsdb.files import Files
from termprom.tsdb.head import Head
from termprom.tsdb.head_source import HeadPart, HeadSource
from termprom.tsdb.late_source import LateSource
from termprom.tsdb.manifest import Manifest, write_manifest
from termprom.tsdb.readers import Readers
from termprom.tsdb.source import Source

logger = logging.getLogger("termprom.tsdb")

# Late samples in memory that are worth a block of their own before the next cut: about 100 MB.
_LATE_MAX: Final = 2_000_000


class HeadCutter:
    """Run by maintenance, one run at a time."""

    def __init__(
        self,
        files: Files,
        folder: Path,
        head: Head,
        blocks: BlockSet,
        readers: Readers,
        ulids: Ulids,
        manifest: Manifest,
    ) -> None:
        self._files = files
        self._folder = folder
        self._head = head
        self._blocks = blocks
        self._readers = readers
        self._ulids = ulids
        self._manifest = manifest  # as it is on disk
        self._memory_epoch: int | None = None  # memory before the floor waits for this epoch
        self._frozen_epoch: int | None = None  # so do frozen late samples, which are in blocks

    def __repr__(self) -> str:
        return f"HeadCutter({self._head!r})"

    def run(self, block_ms: int) -> None:
        """Everything that is due.

        Raises DiskFull or StorageError; what was cut so far stays cut, the rest is tried again.
        """
        before = self._manifest
        try:
            # Only what is due by now: who writes faster than this must not keep the rest waiting.
            newest_ms = self._head.bounds()[1]
            while (start_ms := self._due(block_ms, newest_ms)) is not None:
                self._cut(start_ms, start_ms + block_ms)
            if self._frozen_epoch is None:
                late = self._head.late_count()
                if late and (self._manifest != before or late > _LATE_MAX):
                    self._cut_late(block_ms)
        finally:
            self._give_back()
        wal, manifest = self._head.log.wal, self._manifest
        for number in wal.removable(manifest.floor_ms, manifest.out_of_order_segment):
            wal.remove(number)

    def _due(self, block_ms: int, newest_ms: int) -> int | None:
        """The start of the oldest range that is over; None where none is.

        In-order samples are taken up to half a range behind the newest, so nothing can still
        come into a range that ends before that.
        Source: tsdb/head.go, `compactable`.
        """
        first_ms, last_ms = self._head.bounds()
        if last_ms < first_ms or newest_ms - first_ms <= block_ms * 3 // 2:
            return None
        return first_ms // block_ms * block_ms

    def _cut(self, start_ms: int, end_ms: int) -> None:
        head = self._head
        meta = self._write(HeadSource(head, HeadPart.IN_ORDER), start_ms, end_ms, late=False)
        head.cut_log()
        self._write_manifest(replace(self._manifest, floor_ms=end_ms))
        head.set_floor(end_ms)
        self._memory_epoch = self._readers.turn()
        if meta is not None:
            logger.info(
                "cut the head into a block",
                extra={
                    "fields": {
                        "ulid": meta.ulid,
                        "series": meta.series,
                        "samples": meta.samples,
                        "bytes": meta.size_bytes,
                    }
                },
            )

    def _cut_late(self, block_ms: int) -> None:
        head = self._head
        segment = head.freeze_late()
        try:
            for start_ms in head.late_ranges(block_ms, frozen_only=True):
                self._write(LateSource(head), start_ms, start_ms + block_ms, late=True)
            self._write_manifest(replace(self._manifest, out_of_order_segment=segment))
        except BaseException:
            head.thaw_late()
            raise
        self._frozen_epoch = self._readers.turn()

    def _write_manifest(self, manifest: Manifest) -> None:
        write_manifest(self._files, self._folder, manifest)
        self._manifest = manifest

    def _write(self, source: Source, start_ms: int, end_ms: int, *, late: bool) -> BlockMeta | None:
        like = BlockMeta(
            ulid=self._ulids.next(),
            start_ms=start_ms,
            end_ms=end_ms,
            series=0,
            samples=0,
            pages_bytes=0,
            index_bytes=0,
            out_of_order=late,
        )
        meta = write_block(self._files, self._blocks.folder, [source], start_ms, end_ms, like)
        if meta is not None:
            self._blocks.publish(meta)
        return meta

    def _give_back(self) -> None:
        """Memory of what is in blocks, as far as no reader may still look at it."""
        if self._memory_epoch is not None and self._readers.are_past(self._memory_epoch):
            self._memory_epoch = None
            self._head.drop_before(self._head.floor_ms)
            self._head.collect()
        if self._frozen_epoch is not None and self._readers.are_past(self._frozen_epoch):
            self._frozen_epoch = None
            self._head.drop_frozen()
