"""Numbers of the kernel as a whole: /proc/stat, load, virtual memory, file handles, pressure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from termprom.hostmetrics.family import Family, Kind, single

_STAT: Final[dict[str, tuple[str, Kind, str]]] = {
    "intr": ("node_intr_total", "counter", "Interrupts served."),
    "ctxt": ("node_context_switches_total", "counter", "Context switches."),
    "btime": ("node_boot_time_seconds", "gauge", "When the machine started, Unix seconds."),
    "processes": ("node_forks_total", "counter", "Processes and threads created."),
    "procs_running": ("node_procs_running", "gauge", "Processes that run or could run."),
    "procs_blocked": ("node_procs_blocked", "gauge", "Processes that wait for a disk."),
}
_VMSTAT: Final = re.compile(r"oom_kill|pgpg.*|pswp.*|pg.*fault.*")
_PRESSURE: Final = {
    ("cpu", "some"): ("cpu_waiting", "Seconds in which a process waited for a CPU."),
    ("io", "some"): ("io_waiting", "Seconds in which a process waited for input or output."),
    ("io", "full"): ("io_stalled", "Seconds in which all processes waited for input or output."),
    ("memory", "some"): ("memory_waiting", "Seconds in which a process waited for memory."),
    ("memory", "full"): ("memory_stalled", "Seconds in which all processes waited for memory."),
}
_MICROSECONDS: Final = 1_000_000


class KernelStat:
    name: Final = "stat"

    def __init__(self, proc: Path) -> None:
        self._stat = proc / "stat"

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        families = []
        for line in self._stat.read_text().splitlines():
            # The line of interrupts has thousands of numbers; the first is their sum.
            keyword, _, rest = line.partition(" ")
            if keyword in _STAT:
                families.append(single(*_STAT[keyword], int(rest.partition(" ")[0])))
        return families


class LoadAverages:
    name: Final = "loadavg"

    def __init__(self, proc: Path) -> None:
        self._loadavg = proc / "loadavg"

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        loads = self._loadavg.read_text().split()[:3]
        return [
            single(f"node_load{minutes}", "gauge", f"Load average over {minutes} min.", float(load))
            for minutes, load in zip((1, 5, 15), loads, strict=True)
        ]


class VirtualMemory:
    name: Final = "vmstat"

    def __init__(self, proc: Path) -> None:
        self._vmstat = proc / "vmstat"

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        fields = (line.split() for line in self._vmstat.read_text().splitlines())
        return [
            single(
                f"node_vmstat_{name}",
                "untyped",
                f"The kernel's paging statistic {name}.",
                int(value),
            )
            for name, value in fields
            if _VMSTAT.fullmatch(name)
        ]


class FileHandles:
    name: Final = "filefd"

    def __init__(self, proc: Path) -> None:
        self._file_nr = proc / "sys" / "fs" / "file-nr"

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        allocated, _, maximum = map(int, self._file_nr.read_text().split())
        return [
            single("node_filefd_allocated", "gauge", "Open file handles.", allocated),
            single("node_filefd_maximum", "gauge", "Limit of open file handles.", maximum),
        ]


class Entropy:
    name: Final = "entropy"

    def __init__(self, proc: Path) -> None:
        self._folder = proc / "sys" / "kernel" / "random"

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        available = int((self._folder / "entropy_avail").read_text())
        size = int((self._folder / "poolsize").read_text())
        return [
            single("node_entropy_available_bits", "gauge", "Entropy at hand, bits.", available),
            single("node_entropy_pool_size_bits", "gauge", "Size of the entropy pool, bits.", size),
        ]


class Pressure:
    """Stall times; a kernel built without them fails this collector and no other."""

    name: Final = "pressure"

    def __init__(self, proc: Path) -> None:
        self._folder = proc / "pressure"

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        families = []
        for resource in ("cpu", "io", "memory"):
            for line in (self._folder / resource).read_text().splitlines():
                share, *_, total = line.split()
                if (resource, share) in _PRESSURE:
                    what, help_text = _PRESSURE[resource, share]
                    seconds = int(total.removeprefix("total=")) / _MICROSECONDS
                    name = f"node_pressure_{what}_seconds_total"
                    families.append(single(name, "counter", help_text, seconds))
        return families
