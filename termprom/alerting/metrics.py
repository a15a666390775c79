"""What the notifier says about itself, under upstream's names."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

_LABEL: Final = ("alertmanager",)


class NotifierMetrics:
    """Per-endpoint series carry the whole URL and end with their endpoint."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "prometheus_notifications"
        self.sent = Counter(f"{prefix}_sent", "Alerts sent.", _LABEL, registry=registry)
        self.errors = Counter(
            f"{prefix}_errors", "Alerts that could not be sent.", _LABEL, registry=registry
        )
        self.dropped = Counter(
            f"{prefix}_dropped",
            "Alerts dropped because sending failed or the queue was full.",
            _LABEL,
            registry=registry,
        )
        self.queue_length = Gauge(
            f"{prefix}_queue_length", "Alerts in the queue.", _LABEL, registry=registry
        )
        self.queue_capacity = Gauge(
            f"{prefix}_queue_capacity", "Capacity of each queue.", registry=registry
        )
        self.discovered = Gauge(
            f"{prefix}_alertmanagers_discovered",
            "Alertmanagers discovered and active.",
            registry=registry,
        )
        self.latency = Summary(
            f"{prefix}_latency_seconds", "Latency of sending.", _LABEL, registry=registry
        )
        self.latency_histogram = Histogram(
            f"{prefix}_latency_histogram_seconds",
            "Latency of sending.",
            _LABEL,
            buckets=(0.01, 0.1, 1.0, 10.0),
            registry=registry,
        )

    def begin(self, url: str) -> None:
        for metric in (self.sent, self.errors, self.dropped, self.queue_length):
            metric.labels(url)
        self.latency.labels(url)
        self.latency_histogram.labels(url)

    def end(self, url: str) -> None:
        for metric in (self.sent, self.errors, self.dropped, self.queue_length):
            metric.remove(url)
        self.latency.remove(url)
        self.latency_histogram.remove(url)
