"""The process's own metrics that belong to no part: build, readiness, reload, process."""

from __future__ import annotations

import platform

from prometheus_client import CollectorRegistry, Gauge, PlatformCollector, ProcessCollector

from termprom import __version__


class SelfMetrics:
    """Registers on construction; upstream's names."""

    def __init__(self, registry: CollectorRegistry) -> None:
        ProcessCollector(registry=registry)
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
