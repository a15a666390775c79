"""Whole disks, from /proc/diskstats; partitions and memory disks are left out.

Fields are counted from the device name on: kernel documentation, admin-guide/iostats. Discards
came with Linux 4.18 and flushes with 5.5, so a line may end early.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from termprom.hostmetrics.family import Family, Kind, Table

_EXCLUDED: Final = re.compile(r"(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+")
_SECTOR_BYTES: Final = 512  # whatever the disk's own sector size is
_MS: Final = 0.001

# In the order of the fields: metric, kind, what one unit is worth, help.
_FIELDS: Final[tuple[tuple[str, Kind, float, str], ...]] = (
    ("node_disk_reads_completed_total", "counter", 1, "Reads completed."),
    ("node_disk_reads_merged_total", "counter", 1, "Reads merged with a neighbour."),
    ("node_disk_read_bytes_total", "counter", _SECTOR_BYTES, "Bytes read."),
    ("node_disk_read_time_seconds_total", "counter", _MS, "Seconds that all reads took."),
    ("node_disk_writes_completed_total", "counter", 1, "Writes completed."),
    ("node_disk_writes_merged_total", "counter", 1, "Writes merged with a neighbour."),
    ("node_disk_written_bytes_total", "counter", _SECTOR_BYTES, "Bytes written."),
    ("node_disk_write_time_seconds_total", "counter", _MS, "Seconds that all writes took."),
    ("node_disk_io_now", "gauge", 1, "Requests in progress."),
    ("node_disk_io_time_seconds_total", "counter", _MS, "Seconds with a request in progress."),
    (
        "node_disk_io_time_weighted_seconds_total",
        "counter",
        _MS,
        "Seconds with a request in progress, times the number of requests.",
    ),
    ("node_disk_discards_completed_total", "counter", 1, "Discards completed."),
    ("node_disk_discards_merged_total", "counter", 1, "Discards merged with a neighbour."),
    ("node_disk_discarded_sectors_total", "counter", 1, "Sectors discarded."),
    ("node_disk_discard_time_seconds_total", "counter", _MS, "Seconds that all discards took."),
    ("node_disk_flush_requests_total", "counter", 1, "Flush requests completed."),
    (
        "node_disk_flush_requests_time_seconds_total",
        "counter",
        _MS,
        "Seconds that all flush requests took.",
    ),
)


class Disks:
    name: Final = "diskstats"

    def __init__(self, proc: Path) -> None:
        self._diskstats = proc / "diskstats"

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        table = Table((name, kind, help_text) for name, kind, _, help_text in _FIELDS)
        for line in self._diskstats.read_text().splitlines():
            _, _, device, *counts = line.split()
            if _EXCLUDED.fullmatch(device):
                continue
            values = {
                name: int(count) * worth if worth != _MS else int(count) / 1000
                for (name, _, worth, _), count in zip(_FIELDS, counts, strict=False)
            }
            table.add((("device", device),), values)
        return table.families()
