"""The blocks of a data folder: opened, published, replaced, deleted, set apart when corrupt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from termprom.errors import CorruptFile, StorageError
from termprom.tsdb.block import Block
from termprom.tsdb.block_meta import META_NAME, BlockMeta, is_ulid
from termprom.tsdb.files import (
    BLOCKS_FOLDER,
    GONE_SUFFIX,
    QUARANTINED_SUFFIX,
    TEMPORARY_SUFFIX,
    Files,
    storage_errors,
)
from termprom.tsdb.page_cache import PageCache

logger = logging.getLogger("termprom.tsdb")


class BlockSet:
    """Changed by maintenance, one change at a time; a reader's corrupt block may leave any time."""

    def __init__(self, files: Files, folder: Path, cache: PageCache, range_ms: int) -> None:
        self.folder = folder / BLOCKS_FOLDER
        self._files = files
        self._cache = cache
        self._range_ms = range_ms
        self._blocks: tuple[Block, ...] = ()
        self._lock = threading.Lock()
        self.quarantined: list[str] = []
        self.on_change: Callable[[], None] = lambda: None
        self._repair = True

    def __repr__(self) -> str:
        return f"BlockSet({self.folder}, {len(self._blocks)} blocks)"

    @property
    def blocks(self) -> tuple[Block, ...]:
        """In the order in which they decide at equal times, which is nearly that of time."""
        return self._blocks

    def open(self, *, repair: bool = True) -> None:
        """Find what is there; with `repair` also finish what a crash interrupted.

        A block that fails its checks is set apart. Raises StorageError.
        """
        self._repair = repair
        with storage_errors(self.folder):
            if repair:
                self._files.make_folder(self.folder)
            paths = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
            opened: list[Block] = []
            for path in paths:
                if path.suffix in (TEMPORARY_SUFFIX, GONE_SUFFIX) and is_ulid(path.stem):
                    if repair:
                        self._files.remove_tree(path)
                elif is_ulid(path.name) and path.is_dir():
                    opened += self._try_open(path)
        replaced = {parent for block in opened for parent in block.meta.parents}
        for block in opened:
            if block.meta.ulid in replaced and repair:
                self._delete(block)
        self._keep(block for block in opened if block.meta.ulid not in replaced)

    def _try_open(self, path: Path) -> list[Block]:
        try:
            return [Block(self._files, path, self._cache, self._corrupt)]
        except CorruptFile as problem:
            self._set_apart(path, problem)
        except StorageError as problem:
            if not (path / META_NAME).exists():
                self._set_apart(path, problem)
            else:
                # Not ours to judge: a version from the future, or a disk that does not answer.
                logger.error("cannot open a block: %s", problem)
        return []

    def publish(self, meta: BlockMeta) -> Block:
        """Open a block that was just written, in place of its parents. Raises StorageError."""
        block = Block(self._files, self.folder / meta.ulid, self._cache, self._corrupt)
        with self._lock:
            gone = [one for one in self._blocks if one.meta.ulid in meta.parents]
            self._keep([one for one in self._blocks if one not in gone] + [block])
        self.on_change()
        for parent in gone:
            self._delete(parent)
        return block

    def remove(self, blocks: Collection[Block]) -> None:
        """Delete blocks; readers that hold them read on. Raises StorageError."""
        with self._lock:
            self._keep(block for block in self._blocks if block not in blocks)
        self.on_change()
        for block in blocks:
            self._delete(block)

    def rest(self) -> None:
        """Give back the indexes that nobody has used for a while."""
        for block in self._blocks:
            block.rest()

    def size_bytes(self) -> int:
        return sum(block.meta.size_bytes for block in self._blocks)

    def _keep(self, blocks: Iterable[Block]) -> None:
        def place(block: Block) -> tuple[int, str]:
            return block.meta.start_ms // self._range_ms, block.meta.ulid

        self._blocks = tuple(sorted(blocks, key=place))

    def _delete(self, block: Block) -> None:
        gone = block.folder.with_name(block.folder.name + GONE_SUFFIX)
        with storage_errors(block.folder):
            self._files.remove_tree(gone)
            self._files.rename(block.folder, gone)
            self._files.remove_tree(gone)

    def _corrupt(self, block: Block, problem: CorruptFile) -> None:
        with self._lock:
            if block not in self._blocks:
                return
            self._keep(one for one in self._blocks if one is not block)
        self.on_change()
        self._set_apart(block.folder, problem)

    def _set_apart(self, path: Path, problem: StorageError) -> None:
        logger.error("block %s is set apart, its samples are missing: %s", path.name, problem)
        self.quarantined.append(str(problem))
        if not self._repair:
            return
        try:
            self._files.rename(path, path.with_name(path.name + QUARANTINED_SUFFIX))
        except OSError as failure:
            logger.error("cannot rename %s: %s", path, failure)
