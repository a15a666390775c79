"""A copy of everything up to now, as a data folder of its own: `snapshots/<time>-<number>`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from termprom.tsdb.block import Block
from termprom.tsdb.block_meta import BlockMeta, Ulids
from termprom.tsdb.block_writer import write_block
from termprom.tsdb.files import BLOCKS_FOLDER, TEMPORARY_SUFFIX, WAL_FOLDER, Files, storage_errors
from termprom.tsdb.head_source import HeadSource
from termprom.tsdb.manifest import Manifest, write_manifest

SNAPSHOTS_FOLDER: Final = "snapshots"


def take_snapshot(
    files: Files,
    folder: Path,
    blocks: Sequence[Block],
    head: HeadSource | None,
    ulids: Ulids,
    range_ms: int,
) -> str:
    """The name of the snapshot. Raises DiskFull or StorageError."""
    ulid = ulids.next()
    now = datetime.fromtimestamp(ulids.time_ms(ulid) / 1000, UTC)
    # As upstream: the time, and what tells two of one second apart.
    name = f"{now:%Y%m%dT%H%M%SZ}-{ulid[-16:].lower()}"
    target = folder / SNAPSHOTS_FOLDER / name
    temporary = target.with_name(name + TEMPORARY_SUFFIX)
    with storage_errors(target):
        try:
            _fill(files, temporary, blocks, head, ulids, range_ms)
            files.rename(temporary, target)
        except BaseException:
            files.remove_tree(temporary)
            raise
    return name


def _fill(
    files: Files,
    folder: Path,
    blocks: Sequence[Block],
    head: HeadSource | None,
    ulids: Ulids,
    range_ms: int,
) -> None:
    files.make_folder(folder / BLOCKS_FOLDER)
    files.make_folder(folder / WAL_FOLDER)
    for block in blocks:
        copy = folder / BLOCKS_FOLDER / block.folder.name
        files.make_folder(copy)
        for path in sorted(block.folder.iterdir()):
            if path.suffix != TEMPORARY_SUFFIX:
                files.link(path, copy / path.name)
        files.sync_folder(copy)
    if head is not None:
        for start_ms in head.ranges(range_ms):
            like = BlockMeta(ulids.next(), start_ms, start_ms + range_ms, 0, 0, 0, 0)
            write_block(files, folder / BLOCKS_FOLDER, [head], like.start_ms, like.end_ms, like)
    write_manifest(files, folder, Manifest())
    files.sync_folder(folder / BLOCKS_FOLDER)
