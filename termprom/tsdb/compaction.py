"""Several blocks written anew as one."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from termprom.tsdb.block import Block
from termprom.tsdb.block_meta import BlockMeta
from termprom.tsdb.block_set import BlockSet
from termprom.tsdb.block_writer import write_block
from termprom.tsdb.files import Files

logger = logging.getLogger("termprom.tsdb")


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
