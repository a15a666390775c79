"""What the operator decides about the store."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
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
    page_cache_bytes: int = field(default_factory=lambda: page_cache_size(memory_bytes()))
    exemplars_max: int = 100_000  # of all series together; 0: none are kept


def page_cache_size(memory: int) -> int:
    """How much decoded pages may take of that memory: a sixty-fourth, from 64 MiB to 512 MiB.

    Decoding is half of what a query over thousands of series costs, and dashboards ask again.
    """
    return min(max(memory // 64, 64 << 20), 512 << 20)


def memory_bytes() -> int:
    """What this machine, or the control group around this process, has; 0 where nobody says."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii")
        return min(found, int(limit))
    except (OSError, ValueError):  # no such group, or "max": no limit
        return found
