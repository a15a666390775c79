"""The same metrics where there is no /proc, from what psutil knows (macOS and the BSDs).

Names are those that Linux has wherever the meaning agrees, so that one set of rules fits all.
"""

from __future__ import annotations

import os
from typing import Final

import psutil

from termprom.hostmetrics.family import Family, Table, single
from termprom.hostmetrics.filesystem import EXCLUDED_TYPES, SIZE_COLUMNS, sizes

_CPU_MODES: Final = ("user", "nice", "system", "idle", "irq")


class PortableCpu:
    name: Final = "cpu"

    def collect(self) -> list[Family]:
        table = Table(
            (("node_cpu_seconds_total", "counter", "Time a CPU has spent in a mode, seconds."),)
        )
        for number, times in enumerate(psutil.cpu_times(percpu=True)):
            for mode in _CPU_MODES:
                seconds = getattr(times, mode, None)
                if seconds is not None:
                    labels = (("cpu", str(number)), ("mode", mode))
                    table.add(labels, {"node_cpu_seconds_total": seconds})
        return table.families()


class PortableLoad:
    name: Final = "loadavg"

    def collect(self) -> list[Family]:
        return [
            single(f"node_load{minutes}", "gauge", f"Load average over {minutes} min.", load)
            for minutes, load in zip((1, 5, 15), os.getloadavg(), strict=True)
        ]


class PortableMemory:
    name: Final = "meminfo"

    def collect(self) -> list[Family]:
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        fields = {
            "MemTotal": memory.total,
            "MemAvailable": memory.available,
            "MemFree": memory.free,
            "SwapTotal": swap.total,
            "SwapFree": swap.free,
        }
        for name, attribute in (("Active", "active"), ("Inactive", "inactive"), ("Wired", "wired")):
            if hasattr(memory, attribute):
                fields[name] = getattr(memory, attribute)
        return [
            single(f"node_memory_{name}_bytes", "gauge", f"Memory: {name}.", value)
            for name, value in fields.items()
        ]


class PortableFilesystems:
    name: Final = "filesystem"

    def collect(self) -> list[Family]:
        table = Table(SIZE_COLUMNS)
        for mount in psutil.disk_partitions(all=False):
            if EXCLUDED_TYPES.fullmatch(mount.fstype):
                continue
            error, values = "", dict[str, float]()
            try:
                stat = os.statvfs(mount.mountpoint)
                values = sizes(stat, read_only="ro" in mount.opts.split(","))
            except OSError as problem:
                error = problem.strerror or str(problem)
            labels = (
                ("device", mount.device),
                ("device_error", error),
                ("fstype", mount.fstype),
                ("mountpoint", mount.mountpoint),
            )
            table.add(labels, {**values, "node_filesystem_device_error": int(bool(error))})
        return table.families()


class PortableDisks:
    name: Final = "diskstats"

    def collect(self) -> list[Family]:
        table = Table(
            (
                ("node_disk_reads_completed_total", "counter", "Reads completed."),
                ("node_disk_read_bytes_total", "counter", "Bytes read."),
                ("node_disk_read_time_seconds_total", "counter", "Seconds that all reads took."),
                ("node_disk_writes_completed_total", "counter", "Writes completed."),
                ("node_disk_written_bytes_total", "counter", "Bytes written."),
                ("node_disk_write_time_seconds_total", "counter", "Seconds that all writes took."),
            )
        )
        for device, counts in psutil.disk_io_counters(perdisk=True).items():
            values = {
                "node_disk_reads_completed_total": counts.read_count,
                "node_disk_read_bytes_total": counts.read_bytes,
                "node_disk_read_time_seconds_total": counts.read_time / 1000,
                "node_disk_writes_completed_total": counts.write_count,
                "node_disk_written_bytes_total": counts.write_bytes,
                "node_disk_write_time_seconds_total": counts.write_time / 1000,
            }
            table.add((("device", device),), values)
        return table.families()


class PortableNetwork:
    name: Final = "netdev"

    def collect(self) -> list[Family]:
        attributes = {
            "receive_bytes": "bytes_recv",
            "receive_packets": "packets_recv",
            "receive_errs": "errin",
            "receive_drop": "dropin",
            "transmit_bytes": "bytes_sent",
            "transmit_packets": "packets_sent",
            "transmit_errs": "errout",
            "transmit_drop": "dropout",
        }
        table = Table(
            (f"node_network_{what}_total", "counter", f"Interface counter: {what}.")
            for what in attributes
        )
        for device, counts in psutil.net_io_counters(pernic=True).items():
            values = {
                f"node_network_{what}_total": getattr(counts, attribute)
                for what, attribute in attributes.items()
            }
            table.add((("device", device),), values)
        return table.families()


class PortableStat:
    name: Final = "stat"

    def collect(self) -> list[Family]:
        stats = psutil.cpu_stats()
        boot = psutil.boot_time()
        return [
            single(
                "node_boot_time_seconds", "gauge", "When the machine started, Unix seconds.", boot
            ),
            single(
                "node_context_switches_total", "counter", "Context switches.", stats.ctx_switches
            ),
            single("node_intr_total", "counter", "Interrupts served.", stats.interrupts),
        ]
