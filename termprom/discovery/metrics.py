"""What discovery says about itself, under upstream's names."""

from __future__ import annotations

import contextlib
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

_PREFIX: Final = "prometheus_sd"
_NAME: Final = ("name",)
_CONFIG: Final = ("name", "config")
_REFRESH: Final = ("mechanism", "config")


class DiscoveryMetrics:
    """Registered once per process; `name` in the manager's series tells managers apart."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.failed_configs = Gauge(
            f"{_PREFIX}_failed_configs",
            "Discovery configurations that could not be set up.",
            _NAME,
            registry=registry,
        )
        self.discovered_targets = Gauge(
            f"{_PREFIX}_discovered_targets", "Targets found now.", _CONFIG, registry=registry
        )
        self.last_update = Gauge(
            f"{_PREFIX}_last_update_timestamp_seconds",
            "When targets were last handed on, Unix seconds.",
            _CONFIG,
            registry=registry,
        )
        self.received = Counter(
            f"{_PREFIX}_received_updates",
            "Updates that mechanisms sent.",
            _NAME,
            registry=registry,
        )
        self.delayed = Counter(
            f"{_PREFIX}_updates_delayed",
            "Updates that waited to be handed on together with later ones.",
            _NAME,
            registry=registry,
        )
        self.sent = Counter(f"{_PREFIX}_updates", "Updates handed on.", _NAME, registry=registry)
        self.refresh_failures = Counter(
            f"{_PREFIX}_refresh_failures", "Refreshes that failed.", _REFRESH, registry=registry
        )
        self.refresh_seconds = Summary(
            f"{_PREFIX}_refresh_duration_seconds",
            "Duration of refreshes.",
            _REFRESH,
            registry=registry,
        )
        self.refresh_histogram = Histogram(
            f"{_PREFIX}_refresh_duration_histogram_seconds",
            "Duration of refreshes.",
            _REFRESH,
            buckets=(0.01, 0.1, 1.0, 10.0),
            registry=registry,
        )
        self.file_read_errors = Counter(
            f"{_PREFIX}_file_read_errors", "Files that could not be used.", registry=registry
        )
        self.file_scan_seconds = Summary(
            f"{_PREFIX}_file_scan_duration_seconds",
            "Duration of reading the files of one section.",
            registry=registry,
        )
        self.file_mtime = Gauge(
            f"{_PREFIX}_file_mtime_seconds",
            "When the file was changed, Unix seconds, as of its last reading.",
            ("filename",),
            registry=registry,
        )
        self.http_failures = Counter(
            f"{_PREFIX}_http_failures", "Requests of HTTP discovery that failed.", registry=registry
        )

        self.dns_lookups = Counter(f"{_PREFIX}_dns_lookups", "Names looked up.", registry=registry)
        self.dns_lookup_failures = Counter(
            f"{_PREFIX}_dns_lookup_failures", "Names not found out about.", registry=registry
        )
        self.consul_failures = Counter(
            f"{_PREFIX}_consul_rpc_failures", "Requests to Consul that failed.", registry=registry
        )
        self.consul_seconds = Summary(
            f"{_PREFIX}_consul_rpc_duration_seconds",
            "Duration of requests to Consul.",
            ("endpoint", "call"),
            registry=registry,
        )
        self.kubernetes_events = Counter(
            f"{_PREFIX}_kubernetes_events",
            "Events of Kubernetes objects.",
            ("role", "event"),
            registry=registry,
        )
        self.kubernetes_failures = Counter(
            f"{_PREFIX}_kubernetes_failures",
            "Requests to Kubernetes that failed.",
            registry=registry,
        )

        self.file_watcher_errors = Counter(
            f"{_PREFIX}_file_watcher_errors",
            "Times at which files could not be looked at.",
            registry=registry,
        )
        self.nomad_failures = Counter(
            f"{_PREFIX}_nomad_failures", "Refreshes of Nomad that failed.", registry=registry
        )
        self.linode_failures = Counter(
            f"{_PREFIX}_linode_failures", "Refreshes of Linode that failed.", registry=registry
        )
        self.azure_failures = Counter(
            f"{_PREFIX}_azure_failures", "Refreshes of Azure that failed.", registry=registry
        )
        self.azure_cache_hits = Counter(
            f"{_PREFIX}_azure_cache_hit",
            "Network interfaces that were still known.",
            registry=registry,
        )
        self.kuma_failures = Counter(
            f"{_PREFIX}_kuma_fetch_failures", "Fetches from Kuma that failed.", registry=registry
        )
        self.kuma_skipped = Counter(
            f"{_PREFIX}_kuma_fetch_skipped_updates",
            "Fetches from Kuma without anything new.",
            registry=registry,
        )
        self.kuma_seconds = Summary(
            f"{_PREFIX}_kuma_fetch_duration_seconds",
            "Duration of fetches from Kuma.",
            registry=registry,
        )

    def end_refreshes(self, mechanism: str, config: str) -> None:
        """Forget the series of a mechanism that was stopped."""
        for metric in (self.refresh_failures, self.refresh_seconds, self.refresh_histogram):
            _remove(metric, mechanism, config)

    def end_config(self, name: str, config: str) -> None:
        """Forget the series of a job that is gone."""
        for metric in (self.discovered_targets, self.last_update):
            _remove(metric, name, config)

    def end_file(self, path: str) -> None:
        """Forget the series of a file that is gone."""
        _remove(self.file_mtime, path)


def _remove(metric: Counter | Gauge | Summary | Histogram, *values: str) -> None:
    """Remove one series, which need not exist."""
    with contextlib.suppress(KeyError):
        metric.remove(*values)
