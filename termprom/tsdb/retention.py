"""Which blocks have to go, by age and by size; decided on their descriptions alone."""

from __future__ import annotations

from collections.abc import Sequence

from termprom.tsdb.block_meta import BlockMeta


def plan_retention(
    metas: Sequence[BlockMeta],
    *,
    newest_ms: int,
    retention_ms: int,
    retention_bytes: int,
    other_bytes: int,
) -> set[str]:
    """The names of blocks to delete; limits of 0 mean none.

    By time: those that end `retention_ms` or more before `newest_ms`. By size: the oldest, until
    the rest and `other_bytes` (the log) fit.
    Source: tsdb/db.go, BeyondTimeRetention and BeyondSizeRetention.
    """
    gone: set[str] = set()
    if retention_ms:
        gone |= {meta.ulid for meta in metas if meta.end_ms <= newest_ms - retention_ms}
    if retention_bytes:
        total = other_bytes
        for meta in sorted(metas, key=lambda meta: (meta.end_ms, meta.ulid), reverse=True):
            total += meta.size_bytes
            if total > retention_bytes:
                gone.add(meta.ulid)
    return gone
