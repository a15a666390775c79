"""What discovery says about itself, under upstream's names."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

_PREFIX: Final = "prometheus_sd"
_NAME: Final = ("name",)
_CONFIG: Final = ("name", "config")
_REFRESH: Final = ("mechanism", "config")
_BUCKETS: Final = (0.01, 0.1, 1.0, 10.0)  # seconds, those of upstream


class _Made:
    """Metrics of one registry, under the prefix of discovery."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(f"{_PREFIX}_{name}", text, labels, registry=self._registry)

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", text, labels, registry=self._registry)

    def summary(self, name: str, text: str, labels: Sequence[str] = ()) -> Summary:
        return Summary(f"{_PREFIX}_{name}", text, labels, registry=self._registry)

    def histogram(self, name: str, text: str, labels: Sequence[str] = ()) -> Histogram:
        return Histogram(
            f"{_PREFIX}_{name}", text, labels, registry=self._registry, buckets=_BUCKETS
        )


class DiscoveryMetrics:
    """Registered once per process; `name` in the manager's series tells managers apart."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        made = _Made(registry)
        self.failed_configs = made.gauge(
            "failed_configs", "Discovery configurations that could not be set up.", _NAME
        )
        self.discovered_targets = made.gauge("discovered_targets", "Targets found now.", _CONFIG)
        self.last_update = made.gauge(
            "last_update_timestamp_seconds",
            "When targets were last handed on, Unix seconds.",
            _CONFIG,
        )
        self.received = made.counter("received_updates", "Updates that mechanisms sent.", _NAME)
        self.delayed = made.counter(
            "updates_delayed",
            "Updates that waited to be handed on together with later ones.",
            _NAME,
        )
        self.sent = made.counter("updates", "Updates handed on.", _NAME)
        self.refresh_failures = made.counter("refresh_failures", "Refreshes that failed.", _REFRESH)
        self.refresh_seconds = made.summary(
            "refresh_duration_seconds", "Duration of refreshes.", _REFRESH
        )
        self.refresh_histogram = made.histogram(
            "refresh_duration_histogram_seconds",
            "Duration of refreshes.",
            _REFRESH,
        )
        self.file_read_errors = made.counter("file_read_errors", "Files that could not be used.")
        self.file_scan_seconds = made.summary(
            "file_scan_duration_seconds", "Duration of reading the files of one section."
        )
        self.file_mtime = made.gauge(
            "file_mtime_seconds",
            "When the file was changed, Unix seconds, as of its last reading.",
            ("filename",),
        )
        self.http_failures = made.counter(
            "http_failures", "Requests of HTTP discovery that failed."
        )

        self.dns_lookups = made.counter("dns_lookups", "Names looked up.")
        self.dns_lookup_failures = made.counter("dns_lookup_failures", "Names not found out about.")
        self.consul_failures = made.counter(
            "consul_rpc_failures", "Requests to Consul that failed."
        )
        self.consul_seconds = made.summary(
            "consul_rpc_duration_seconds", "Duration of requests to Consul.", ("endpoint", "call")
        )
        self.kubernetes_events = made.counter(
            "kubernetes_events", "Events of Kubernetes objects.", ("role", "event")
        )
        self.kubernetes_failures = made.counter(
            "kubernetes_failures", "Requests to Kubernetes that failed."
        )

        self.file_watcher_errors = made.counter(
            "file_watcher_errors", "Times at which files could not be looked at."
        )
        self.nomad_failures = made.counter("nomad_failures", "Refreshes of Nomad that failed.")
        self.linode_failures = made.counter("linode_failures", "Refreshes of Linode that failed.")
        self.azure_failures = made.counter("azure_failures", "Refreshes of Azure that failed.")
        self.azure_cache_hits = made.counter(
            "azure_cache_hit", "Network interfaces that were still known."
        )
        self.kuma_failures = made.counter("kuma_fetch_failures", "Fetches from Kuma that failed.")
        self.kuma_skipped = made.counter(
            "kuma_fetch_skipped_updates", "Fetches from Kuma without anything new."
        )
        self.kuma_seconds = made.summary(
            "kuma_fetch_duration_seconds", "Duration of fetches from Kuma."
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
