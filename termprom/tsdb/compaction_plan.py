"""Which blocks become one; decided on their descriptions alone.

Every block lies inside one range [k * length, (k + 1) * length) of each length from its own on:
2 h, 6 h, 18 h, ... A compaction takes all blocks of a range, so that blocks that overlap in time
keep the order in which they were written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from termprom.tsdb.block_meta import BlockMeta

_FACTOR: Final = 3
_LENGTH_MAX_MS: Final = 31 * 86_400_000
# A block is written anew when more than one in this many of its series has lost samples.
_TOMBSTONE_SHARE: Final = 20


def range_lengths(block_ms: int, retention_ms: int) -> list[int]:
    """The lengths of ranges in milliseconds, ascending.

    The longest is at most 31 days and at most a tenth of the retention, so that what has to go
    can go in pieces.
    Source: cmd/prometheus/main.go, `MaxBlockDuration`; tsdb.ExponentialBlockRanges.
    """
    longest = min(_LENGTH_MAX_MS, retention_ms // 10 or _LENGTH_MAX_MS)
    lengths = [block_ms]
    while lengths[-1] * _FACTOR <= longest:
        lengths.append(lengths[-1] * _FACTOR)
    return lengths


def plan_compaction(
    metas: Sequence[BlockMeta], lengths: Sequence[int], deleted: Mapping[str, int]
) -> list[BlockMeta]:
    """The blocks to merge next, oldest first; empty where everything is in order.

    `deleted` tells in how many series of a block something was deleted. Blocks that overlap come
    first; then the shortest ranges that are over, which is when a younger block exists; then
    blocks of which much was deleted.
    """
    ordered = sorted(metas, key=lambda meta: (meta.start_ms, meta.ulid))
    if not ordered:
        return []
    return (
        _overlapping(ordered)
        or _finished_range(ordered, lengths)
        or _mostly_deleted(ordered, deleted)
    )


def _overlapping(ordered: Sequence[BlockMeta]) -> list[BlockMeta]:
    found: list[BlockMeta] = []
    end_ms = ordered[0].start_ms
    for meta in ordered:
        if found and meta.start_ms >= end_ms:
            if len(found) > 1:
                return found
            found = []
        found.append(meta)
        end_ms = max(end_ms, meta.end_ms)
    return found if len(found) > 1 else []


def _finished_range(ordered: Sequence[BlockMeta], lengths: Sequence[int]) -> list[BlockMeta]:
    newest_ms = ordered[-1].start_ms
    for length in lengths[1:]:
        ranges: dict[int, list[BlockMeta]] = {}
        for meta in ordered:
            number = meta.start_ms // length
            end_ms = (number + 1) * length
            if meta.end_ms <= end_ms <= newest_ms:
                ranges.setdefault(number, []).append(meta)
        for number in sorted(ranges):
            if len(ranges[number]) > 1:
                return ranges[number]
    return []


def _mostly_deleted(ordered: Sequence[BlockMeta], deleted: Mapping[str, int]) -> list[BlockMeta]:
    for meta in ordered:
        if deleted.get(meta.ulid, 0) * _TOMBSTONE_SHARE > meta.series:
            return [meta]
    return []
