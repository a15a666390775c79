"""What the operator decides about the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BLOCK_MS: Final = 7_200_000  # the head is cut in ranges of this length, as upstream


@dataclass(frozen=True, slots=True)
class Options:
    """Limits of 0 mean: none. Durations in milliseconds, sizes in bytes."""

    retention_ms: int = 0
    retention_bytes: int = 0
    out_of_order_window_ms: int = 0
    block_ms: int = BLOCK_MS
    fsync_seconds: float = 1.0  # 0: only at the end of a segment and on close
    page_cache_bytes: int = 64 << 20
    exemplars_max: int = 100_000  # of all series together; 0: none are kept
