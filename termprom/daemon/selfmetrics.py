"""The process's own metrics that belong to no part: build, readiness, reload, process."""

from __future__ import annotations

import platform
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from termprom import __version__

_NETSTAT: Final = Path("/proc/self/net/netstat")
_UNLIMITED: Final = float(2**64 - 1)


class ProcessLimits(Collector):
    """What the client library leaves out of the process's metrics."""

    def __init__(self, netstat: Path = _NETSTAT) -> None:
        self._netstat = netstat

    def collect(self) -> Iterator[Metric]:
        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        yield GaugeMetricFamily(
            "process_virtual_memory_max_bytes",
            "Maximum amount of virtual memory available in bytes.",
            _UNLIMITED if most == resource.RLIM_INFINITY else float(most),
        )
        octets = self._octets()
        for way, name in (("receive", "InOctets"), ("transmit", "OutOctets")):
            if name in octets:
                yield CounterMetricFamily(
                    f"process_network_{way}_bytes_total",
                    f"Number of bytes {way}{'d' if way == 'receive' else 'ted'} over the network.",
                    octets[name],
                )

    def _octets(self) -> dict[str, float]:
        """The line of names and the line of numbers that begin with `IpExt:`; Linux only."""
        try:
            lines = self._netstat.read_text().splitlines()
        except OSError:
            return {}
        found = [line.split()[1:] for line in lines if line.startswith("IpExt:")]
        if len(found) != 2:
            return {}
        return {name: float(number) for name, number in zip(*found, strict=False)}


class SelfMetrics:
    """Registers on construction; upstream's names."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # `..._created` beside every counter would be half of all series; upstream has none.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # their stub says nothing
        ProcessCollector(registry=registry)
        registry.register(ProcessLimits())
        PlatformCollector(registry=registry)
        build = Gauge(
            "prometheus_build_info",
            "A constant 1 with the version of this server in its labels.",
            ["version", "revision", "branch", "goversion", "goos", "goarch", "tags"],
            registry=registry,
        )
        system, machine = platform.system().lower(), platform.machine()
        build.labels(
            __version__, "", "", f"python{platform.python_version()}", system, machine, "termprom"
        ).set(1)
        self.ready = Gauge(
            "prometheus_ready", "Whether the server answers queries.", registry=registry
        )
        self._reload_ok = Gauge(
            "prometheus_config_last_reload_successful",
            "Whether the last attempt to load the configuration worked.",
            registry=registry,
        )
        self._reload_time = Gauge(
            "prometheus_config_last_reload_success_timestamp_seconds",
            "When the configuration was last loaded, Unix seconds.",
            registry=registry,
        )

    def reloaded(self, *, ok: bool, now_ms: int) -> None:
        self._reload_ok.set(1 if ok else 0)
        if ok:
            self._reload_time.set(now_ms / 1000)
