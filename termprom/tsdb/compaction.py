"""Several blocks written anew as one, as often as the plan asks for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from termprom.errors import CorruptFile
from termprom.tsdb.block import Block
from termprom.tsdb.block_meta import BlockMeta, Ulids
from termprom.tsdb.block_set import BlockSet
from termprom.tsdb.block_writer import write_block
from termprom.tsdb.compaction_plan import plan_compaction
from termprom.tsdb.files import Files

logger = logging.getLogger("termprom.tsdb")


def compact_blocks(
    files: Files,
    blocks: BlockSet,
    ulids: Ulids,
    lengths: Sequence[int],
    is_closing: Callable[[], bool],
) -> None:
    """Merge blocks until the plan is content; a corrupt one is set apart and left out.

    Ends early where the store is closing. Raises DiskFull, StorageError.
    """
    while not is_closing():
        named = {block.meta.ulid: block for block in blocks.blocks}
        metas = [block.meta for block in named.values()]
        deleted = {name: block.tombstones.series_count for name, block in named.items()}
        plan = plan_compaction(metas, lengths, deleted)
        if not plan:
            return
        chosen = {meta.ulid for meta in plan}
        parents = [block for name, block in named.items() if name in chosen]
        try:
            merge_blocks(files, blocks, parents, ulids.next())
        except CorruptFile as problem:
            logger.error("compaction goes on without a block: %s", problem)


def merge_blocks(
    files: Files, blocks: BlockSet, parents: Sequence[Block], ulid: str
) -> BlockMeta | None:
    """Replace `parents`, in the set's order, by one block of that name, less what was deleted.

    None where nothing is left of them. Raises DiskFull, StorageError, CorruptFile; the parents
    are then as before.
    """
    assert parents, "one block at least"
    like = BlockMeta(
        ulid=ulid,
        start_ms=0,
        end_ms=0,
        series=0,
        samples=0,
        pages_bytes=0,
        index_bytes=0,
        level=max(block.meta.level for block in parents) + 1,
        parents=tuple(block.meta.ulid for block in parents),
    )
    start_ms = min(block.meta.start_ms for block in parents)
    end_ms = max(block.meta.end_ms for block in parents)
    meta = write_block(files, blocks.folder, parents, start_ms, end_ms, like)
    if meta is None:
        blocks.remove(parents)
        return None
    blocks.publish(meta)
    logger.info(
        "compacted blocks",
        extra={
            "fields": {
                "ulid": ulid,
                "parents": len(parents),
                "samples": meta.samples,
                "bytes": meta.size_bytes,
                "was_bytes": sum(block.meta.size_bytes for block in parents),
            }
        },
    )
    return meta
