"""Everything that a spill holds, written as blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from termprom.tsdb.block_meta import BlockMeta, Ulids
from termprom.tsdb.block_set import BlockSet
from termprom.tsdb.block_writer import write_block
from termprom.tsdb.files import Files
from termprom.tsdb.spill import Spill


def write_spill(
    files: Files,
    blocks: BlockSet,
    ulids: Ulids,
    spill: Spill,
    lengths: Sequence[int],
    progress: Callable[[int, int], None],
) -> list[BlockMeta]:
    """The new blocks, in ranges as long as the spill's samples reach, out of `lengths`.

    `progress` is told of ranges done and of their number. Raises DiskFull or StorageError; blocks
    written until then stay.
    """
    spill.flush()
    if not spill.sample_count:
        return []
    first_ms, last_ms = spill.bounds()
    length_ms = max([one for one in lengths if one <= 2 * (last_ms - first_ms)] or lengths[:1])
    ranges = spill.ranges(length_ms)
    written = []
    for number, start_ms in enumerate(ranges):
        progress(number, len(ranges))
        end_ms = start_ms + length_ms
        like = BlockMeta(ulids.next(), start_ms, end_ms, 0, 0, 0, 0)
        source = spill.source(start_ms, end_ms)
        meta = write_block(files, blocks.folder, [source], start_ms, end_ms, like)
        if meta is not None:
            blocks.publish(meta)
            written.append(meta)
    progress(len(ranges), len(ranges))
    return written
