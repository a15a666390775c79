"""The page of this host: node_exporter's metrics, without a node_exporter."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import psutil

from termprom import __version__
from termprom.clock import Clock
from termprom.hostmetrics.cpu import CpuTimes
from termprom.hostmetrics.disk import Disks
from termprom.hostmetrics.family import Family, LabelPairs, write_page
from termprom.hostmetrics.filesystem import Filesystems
from termprom.hostmetrics.kernel import (
    Entropy,
    FileHandles,
    KernelStat,
    LoadAverages,
    Pressure,
    VirtualMemory,
)
from termprom.hostmetrics.memory import Memory
from termprom.hostmetrics.network import NetworkCounters, NetworkState
from termprom.hostmetrics.portable import (
    PortableCpu,
    PortableDisks,
    PortableFilesystems,
    PortableLoad,
    PortableMemory,
    PortableNetwork,
    PortableStat,
)
from termprom.hostmetrics.system import SystemName, SystemTime

log = logging.getLogger("termprom.hostmetrics")

_BUILD_INFO: Final = "node_exporter_build_info"


class Part(Protocol):
    """Reads one corner of the system; `name` is what node_exporter calls the collector.

    `collect` may raise OSError, ValueError or psutil.Error: then this part is missing.
    """

    @property
    def name(self) -> str: ...

    def collect(self) -> list[Family]: ...


class HostCollector:
    """Renders the page. Safe to call from any thread; calls run one after another."""

    def __init__(
        self, *, clock: Clock, proc: Path = Path("/proc"), sys: Path = Path("/sys")
    ) -> None:
        self._clock = clock
        self._parts = [*_parts(proc, sys), SystemTime(clock), SystemName(proc)]
        self._failing: dict[str, str] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"HostCollector({len(self._parts)} parts, {len(self._failing)} failing)"

    def render(self) -> bytes:
        """The page as text format 0.0.4. Blocking, a few milliseconds; never raises for the host's
        faults: a part that fails says so in `node_scrape_collector_success`.
        """
        with self._lock:
            return write_page(self._families())

    def _families(self) -> Iterator[Family]:
        durations: list[tuple[LabelPairs, float]] = []
        successes: list[tuple[LabelPairs, float]] = []
        for part in self._parts:
            began = self._clock.monotonic()
            families = self._collect(part)
            labels = (("collector", part.name),)
            durations.append((labels, self._clock.monotonic() - began))
            successes.append((labels, int(families is not None)))
            yield from families or ()
        prefix = "node_scrape_collector"
        yield Family(f"{prefix}_duration_seconds", "gauge", "Time a collector took.", durations)
        yield Family(f"{prefix}_success", "gauge", "1 where a collector worked.", successes)
        build = (("goversion", ""), ("revision", ""), ("version", f"termprom-{__version__}"))
        help_text = "Always 1; the labels name the program that stands in for node_exporter."
        yield Family(_BUILD_INFO, "gauge", help_text, ((build, 1),))

    def _collect(self, part: Part) -> list[Family] | None:
        try:
            families = part.collect()
        except (OSError, ValueError, psutil.Error) as problem:
            reason = str(problem) or type(problem).__name__
            if self._failing.get(part.name) != reason:  # once per reason, not once per scrape
                self._failing[part.name] = reason
                fields = {"collector": part.name, "error": reason}
                log.warning("host collector failed", extra={"fields": fields})
            return None
        self._failing.pop(part.name, None)
        return families


def _parts(proc: Path, sys: Path) -> list[Part]:
    if not (proc / "stat").exists():
        return [
            PortableCpu(),
            PortableLoad(),
            PortableMemory(),
            PortableFilesystems(),
            PortableDisks(),
            PortableNetwork(),
            PortableStat(),
        ]
    return [
        CpuTimes(proc),
        KernelStat(proc),
        LoadAverages(proc),
        Memory(proc),
        Filesystems(proc),
        Disks(proc),
        NetworkCounters(proc),
        NetworkState(sys / "class" / "net"),
        VirtualMemory(proc),
        FileHandles(proc),
        Entropy(proc),
        Pressure(proc),
    ]
