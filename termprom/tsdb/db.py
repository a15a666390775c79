"""The store as a whole: one folder, one head, its blocks, and what keeps them in order.

Threads: appends come from one thread (the engine's loop). Queriers are made and used on any thread.
`maintain`, `delete`, `snapshot` and their like run on worker threads, one at a time. A thread of
its own makes the log durable once per period.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry

from termprom.clock import Clock
from termprom.errors import StorageError
from termprom.model.labels import Labels
from termprom.storage import Group
from termprom.tsdb.cardinality import cardinality
from termprom.tsdb.files import WAL_FOLDER, Files, storage_errors
from termprom.tsdb.folder import FolderClaim
from termprom.tsdb.head import Head
from termprom.tsdb.head_source import HeadSource
from termprom.tsdb.manifest import Manifest, read_manifest, write_manifest
from termprom.tsdb.metrics import StoreMetrics
from termprom.tsdb.options import Options
from termprom.tsdb.page_cache import PageCache
from termprom.tsdb.querier import TsdbQuerier
from termprom.tsdb.replay import Replayed, ReplayProgress, replay
from termprom.tsdb.source import Source
from termprom.tsdb.sync import LogSync
from termprom.tsdb.union import UnionCache
from termprom.tsdb.wal_writer import WalWriter
from termprom.views import CardinalityView, StorageView

__all__ = ["Database", "Options", "ReplayProgress"]

logger = logging.getLogger("termprom.tsdb")


class Database:
    """Implements storage.Storage. Made by `open`."""

    def __init__(
        self, folder: Path, options: Options, clock: Clock, files: Files, claim: FolderClaim
    ) -> None:
        self.folder = folder
        self.clock = clock
        self._options = options
        self._files = files
        self._claim = claim
        self._manifest = Manifest()
        self._cache = PageCache(options.page_cache_bytes)
        self._unions = UnionCache()
        self._maintenance = threading.Lock()
        self._replayed = Replayed()
        self._closed = False
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

    def _open(self, progress: Callable[[ReplayProgress], None]) -> None:
        manifest = read_manifest(self._files, self.folder)
        if manifest is None:
            write_manifest(self._files, self.folder, self._manifest)
        else:
            self._manifest = manifest
        wal = WalWriter(self._files, self.folder / WAL_FOLDER, 1)
        self.head = Head(
            wal,
            self._cache,
            floor_ms=self._manifest.floor_ms,
            window_ms=self._options.out_of_order_window_ms,
            block_ms=self._options.block_ms,
        )
        self._replayed = replay(
            self._files,
            self.folder / WAL_FOLDER,
            self.head,
            late_segment=self._manifest.out_of_order_segment,
            progress=progress,
        )
        wal.begin_at(self._replayed.next_segment)
        if self._options.fsync_seconds:
            self._sync = LogSync(wal, self._options.fsync_seconds)

    # --- Writing ------------------------------------------------------------------------------

    def group(self, identity: Labels) -> Group:
        if self._closed:
            raise StorageError(f"{self.folder}: the store is closed")
        return self.head.group(identity)

    # --- Reading ------------------------------------------------------------------------------

    def querier(self, start_ms: int, end_ms: int) -> TsdbQuerier:
        sources: list[Source] = [HeadSource(self.head)]
        return TsdbQuerier(sources, self._unions, start_ms, end_ms)

    def cardinality(self, limit: int = 10) -> CardinalityView:
        """Where the head's series come from."""
        return cardinality(HeadSource(self.head).index, limit)

    def view(self) -> StorageView:
        head, counters = self.head, self.head.counters
        start_ms, end_ms = head.bounds()
        return StorageView(
            path=str(self.folder),
            head_series=head.catalogue.series_count,
            head_groups=len(head.groups),
            head_samples=head.sample_count(),
            head_start_ms=start_ms if end_ms >= start_ms else 0,
            head_end_ms=max(end_ms, 0),
            wal_bytes=head.log.wal.size_bytes(),
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

    def set_options(self, options: Options) -> None:
        """Take over new limits; they count from the next append and the next maintenance on."""
        self._options = options
        self.head.set_window(options.out_of_order_window_ms)

    def maintain(self) -> None:
        """What has to be done from time to time; takes long, so call it from a worker thread.

        Raises StorageError; whatever failed is tried again the next time.
        """
        with self._maintenance:
            if self._closed:
                return
            self.head.seal_idle()
            self.head.encode_pages()

    def close(self) -> None:
        """End the log durably. Appends and queries fail from now on."""
        with self._maintenance:
            if self._closed:
                return
            self._closed = True
            if self._sync is not None:
                self._sync.stop()
            with self.head.write_lock:
                self.head.log.wal.close()
            self._claim.release()
