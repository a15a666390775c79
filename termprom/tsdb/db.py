"""The store as a whole: one folder, one head, its blocks, and what keeps them in order.

Threads: appends come from one thread (the engine's loop). Queriers are made and used on any thread.
`maintain`, `delete`, `snapshot` and their like run on worker threads, one at a time. A thread of
its own makes the log durable once per period.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from termprom.clock import Clock
from termprom.errors import CorruptFile, StorageError
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.metadata import Metadata
from termprom.storage import Exemplar
from termprom.tsdb.analysis import Analysis, analyse
from termprom.tsdb.block_meta import BlockMeta, Ulids
from termprom.tsdb.block_set import BlockSet
from termprom.tsdb.cardinality import cardinality
from termprom.tsdb.compaction import compact_blocks, merge_blocks
from termprom.tsdb.compaction_plan import range_lengths
from termprom.tsdb.files import BLOCKS_FOLDER, WAL_FOLDER, Files, storage_errors
from termprom.tsdb.folder import FolderClaim
from termprom.tsdb.head import Head
from termprom.tsdb.head_cut import HeadCutter
from termprom.tsdb.head_group import HeadGroup
from termprom.tsdb.head_source import HeadSource
from termprom.tsdb.manifest import open_manifest
from termprom.tsdb.memory import give_back_freed
from termprom.tsdb.metrics import StoreMetrics
from termprom.tsdb.options import Options
from termprom.tsdb.page_cache import PageCache
from termprom.tsdb.querier import TsdbQuerier
from termprom.tsdb.readers import Readers
from termprom.tsdb.replay import Replayed, ReplayProgress, logged, replay
from termprom.tsdb.retention import plan_retention
from termprom.tsdb.snapshot import take_snapshot
from termprom.tsdb.source import Source
from termprom.tsdb.spill import Spill
from termprom.tsdb.spill_blocks import write_spill
from termprom.tsdb.sync import LogSync
from termprom.tsdb.union import UnionCache
from termprom.tsdb.wal_writer import WalWriter
from termprom.views import BlockView, CardinalityView, StorageView

__all__ = ["Database", "Options", "ReplayProgress"]

logger = logging.getLogger("termprom.tsdb")

_SPILL_NAME: Final = "import.tmp"


class Database:
    """Implements storage.Storage. Made by `open`."""

    def __init__(
        self, folder: Path, options: Options, clock: Clock, files: Files, claim: FolderClaim | None
    ) -> None:
        self.folder = folder
        self.clock = clock
        self._options = options
        self._files = files
        self._claim = claim
        self._cache = PageCache(options.page_cache_bytes)
        self._blocks = BlockSet(files, folder, self._cache, options.block_ms)
        self._readers = Readers()
        self._unions = UnionCache()
        self._blocks.on_change = self._unions.clear
        self._maintenance = threading.Lock()
        self._replayed = Replayed()
        self._closed = False
        self._closing = False  # maintenance is asked to come to an end
        self._sync: LogSync | None = None

    def __repr__(self) -> str:
        return f"Database({self.folder}, {self.head!r})"

    @classmethod
    def open(
        cls,
        folder: Path,
        options: Options | None = None,
        *,
        clock: Clock,
        registry: CollectorRegistry | None = None,
        progress: Callable[[ReplayProgress], None] = lambda progress: None,
        files: Files | None = None,
    ) -> Database:
        """The store in `folder`, made if need be; returns when the log has been replayed.

        Raises DataFolderLocked, StorageError. Bytes that cannot be used are reported in the log and
        in `view().replay_dropped`, and everything else is opened.
        """
        folder = Path(folder)
        files = files or Files()
        with storage_errors(folder):
            files.make_folder(folder / WAL_FOLDER)
        claim = FolderClaim(folder)
        try:
            database = cls(folder, options or Options(), clock, files, claim)
            database._open(progress)
        except BaseException:
            claim.release()
            raise
        if registry is not None:
            StoreMetrics(database, registry)
        return database

    @classmethod
    def open_read_only(
        cls, folder: Path, *, clock: Clock, page_cache_bytes: int = 64 << 20
    ) -> Database:
        """What is in `folder` now, for looking at; nothing on disk is changed, claimed or mended.

        Appends and maintenance must not be asked for. Raises StorageError.
        """
        folder = Path(folder)
        if not (folder / WAL_FOLDER).is_dir() and not (folder / BLOCKS_FOLDER).is_dir():
            raise StorageError(f"{folder}: not a data folder of termprom")
        options = Options(fsync_seconds=0, page_cache_bytes=page_cache_bytes)
        database = cls(folder, options, clock, Files(), None)
        database._open(lambda progress: None, read_only=True)
        return database

    def _open(self, progress: Callable[[ReplayProgress], None], *, read_only: bool = False) -> None:
        manifest = open_manifest(self._files, self.folder, repair=not read_only)
        self._blocks.open(repair=not read_only)
        self._ulids = Ulids(self.clock, (block.meta.ulid for block in self._blocks.blocks))
        wal = WalWriter(self._files, self.folder / WAL_FOLDER, 1)
        self.head = Head(
            wal,
            self._cache,
            floor_ms=manifest.floor_ms,
            window_ms=self._options.out_of_order_window_ms,
            block_ms=self._options.block_ms,
            exemplars_max=self._options.exemplars_max,
        )
        began = self.clock.monotonic()
        self._replayed = replay(
            self._files,
            self.folder / WAL_FOLDER,
            self.head,
            late_segment=manifest.out_of_order_segment,
            progress=logged(progress, self.clock),
            repair=not read_only,
        )
        if self._replayed.records:
            fields: dict[str, object] = {
                "records": self._replayed.records,
                "series": self.head.catalogue.series_count,
                "samples": self.head.sample_count(),
                "duration": f"{self.clock.monotonic() - began:.3f}s",
            }
            logger.info("read the write-ahead log", extra={"fields": fields})
        wal.begin_at(self._replayed.next_segment)
        self._cutter = HeadCutter(
            self._files, self.folder, self.head, self._blocks, self._readers, self._ulids, manifest
        )
        if self._options.fsync_seconds:
            self._sync = LogSync(wal, self._options.fsync_seconds)

    # --- Writing ------------------------------------------------------------------------------

    def group(self, identity: Labels) -> HeadGroup:
        self._check_open()
        return self.head.group(identity)

    # --- Reading ------------------------------------------------------------------------------

    def querier(self, start_ms: int, end_ms: int) -> TsdbQuerier:
        epoch = self._readers.enter()
        # The head's floor before the list of blocks: what is cut between the two is seen twice,
        # which merging puts right, and never not at all.
        head = HeadSource(self.head)
        blocks = [block for block in self._blocks.blocks if block.overlaps(start_ms, end_ms)]
        sources: list[Source] = [*blocks, head]
        leave = partial(self._readers.leave, epoch)
        return TsdbQuerier(sources, self._unions, start_ms, end_ms, leave)

    def exemplars(
        self, selectors: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> list[tuple[Labels, list[Exemplar]]]:
        return self.head.exemplars.find(selectors, start_ms, end_ms)

    def metadata(self) -> list[tuple[Labels, str, Metadata]]:
        return sorted(
            (
                (one.identity, metric, what)
                for one in self.head.all_groups()
                for metric, what in one.metadata.items()
            ),
            key=lambda one: one[:2],
        )

    def verify(self) -> list[str]:
        """Read every byte of every block; what is wrong, in words, nothing where all is well."""
        problems = [*self._replayed.dropped, *self._blocks.quarantined]
        for block in self._blocks.blocks:
            try:
                block.verify()
            except CorruptFile as problem:
                problems.append(str(problem))
        return list(dict.fromkeys(problems))

    def cardinality(self, limit: int = 10) -> CardinalityView:
        """Where the head's series come from."""
        return cardinality(HeadSource(self.head).index, limit)

    def analyse(self, ulid: str, limit: int) -> Analysis:
        """What the block of that name is made of; reads all of it.

        Raises StorageError where there is no such block, CorruptFile.
        """
        for block in self._blocks.blocks:
            if block.meta.ulid == ulid:
                length_ms = block.meta.end_ms - 1 - block.meta.start_ms
                return analyse(block.index, block.entry_parts(), length_ms, limit)
        raise StorageError(f"{self.folder}: no block {ulid}")

    def view(self) -> StorageView:
        head, counters = self.head, self.head.counters
        start_ms, end_ms = head.bounds()
        return StorageView(
            path=str(self.folder),
            head_series=head.catalogue.series_count - head.catalogue.component_count,
            head_groups=len(head.groups),
            head_samples=head.sample_count(),
            head_start_ms=start_ms if end_ms >= start_ms else 0,
            head_end_ms=max(end_ms, 0),
            wal_bytes=head.log.wal.size_bytes(),
            blocks=[_block_view(block.meta) for block in self._blocks.blocks],
            quarantined=tuple(self._blocks.quarantined),
            samples_appended=counters.stored,
            out_of_order=counters.out_of_order,
            duplicates=counters.duplicates,
            too_old=counters.too_old,
            replayed_records=self._replayed.records,
            replay_dropped="; ".join(self._replayed.dropped),
            retention_ms=self._options.retention_ms,
            retention_bytes=self._options.retention_bytes,
            read_only_reason=head.log.wal.failure,
        )

    # --- Keeping in order ---------------------------------------------------------------------

    @property
    def options(self) -> Options:
        """The limits in force."""
        return self._options

    def set_options(self, options: Options) -> None:
        """Take over new limits; they count from the next append and the next maintenance on."""
        self._options = options
        self.head.set_window(options.out_of_order_window_ms)
        self.head.exemplars.set_room(options.exemplars_max)

    def maintain(self) -> None:
        """What has to be done from time to time; takes long, so call it from a worker thread.

        Raises StorageError; whatever failed is tried again the next time.
        """
        with self._maintenance:
            if self._closed:
                return
            options = self._options
            self.head.seal_idle()
            self.head.encode_pages()
            self._cutter.run(options.block_ms)
            lengths = range_lengths(options.block_ms, options.retention_ms)
            compact_blocks(self._files, self._blocks, self._ulids, lengths, lambda: self._closing)
            self._retain()
            self._blocks.rest()
            give_back_freed()

    def _retain(self) -> None:
        blocks = self._blocks.blocks
        gone = plan_retention(
            [block.meta for block in blocks],
            newest_ms=self.head.newest_ms,
            retention_ms=self._options.retention_ms,
            retention_bytes=self._options.retention_bytes,
            other_bytes=self.head.log.wal.size_bytes(),
        )
        if gone:
            self._blocks.remove([block for block in blocks if block.meta.ulid in gone])
            logger.info("deleted blocks past retention", extra={"fields": {"count": len(gone)}})

    def delete(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> None:
        """Delete what the matching series have in [start_ms, end_ms].

        Durable when this returns. Takes long, so call it from a worker thread. Raises DiskFull or
        StorageError; part of it may be deleted then.
        """
        with self._maintenance:
            self._check_open()
            for block in self._blocks.blocks:
                if block.overlaps(start_ms, end_ms):
                    block.delete(matchers, start_ms, end_ms)
            self.head.delete(HeadSource(self.head).select(matchers), start_ms, end_ms)

    def clean_tombstones(self) -> None:
        """Write blocks anew of which anything was deleted, to have their room back.

        Raises DiskFull, StorageError; what was done so far stays done.
        """
        with self._maintenance:
            self._check_open()
            for block in self._blocks.blocks:
                if len(block.tombstones):
                    merge_blocks(self._files, self._blocks, [block], self._ulids.next())

    def snapshot(self, *, skip_head: bool = False) -> str:
        """The name of a new folder in `snapshots` that holds everything up to now.

        It is a data folder of its own. Blocks are linked, not copied. Raises DiskFull or
        StorageError, and nothing is left behind then.
        """
        with self._maintenance:
            self._check_open()
            return take_snapshot(
                self._files,
                self.folder,
                self._blocks.blocks,
                None if skip_head else HeadSource(self.head),
                self._ulids,
                self._options.block_ms,
            )

    def import_spill(
        self, spill: Spill, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> list[BlockView]:
        """Blocks of everything in `spill`, in ranges as long as its samples reach.

        What the store has already at a time stays as it is. `progress` is told of ranges done and
        of their number. Raises DiskFull or StorageError; blocks written until then stay.
        """
        with self._maintenance:
            self._check_open()
            lengths = range_lengths(self._options.block_ms, self._options.retention_ms)
            written = write_spill(self._files, self._blocks, self._ulids, spill, lengths, progress)
            return [_block_view(meta) for meta in written]

    def new_spill(self, group_of: Callable[[Labels], Labels]) -> Spill:
        """Where samples for `import_spill` are put. Raises DiskFull or StorageError."""
        return Spill(self._files, self.folder / _SPILL_NAME, group_of)

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError(f"{self.folder}: the store is closed")

    def close(self) -> None:
        """End the log durably. Appends and queries fail from now on."""
        self._closing = True
        with self._maintenance:
            if self._closed:
                return
            self._closed = True
            if self._sync is not None:
                self._sync.stop()
            with self.head.write_lock:
                self.head.log.wal.close()
            if self._claim is not None:
                self._claim.release()


def _block_view(meta: BlockMeta) -> BlockView:
    return BlockView(
        meta.ulid,
        meta.start_ms,
        meta.end_ms,
        meta.series,
        meta.samples,
        meta.size_bytes,
        meta.level,
    )
