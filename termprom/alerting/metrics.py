"""What the notifier says about itself, under upstream's names."""

from __future__ import annotations

from collections import Counter as Counts
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from termprom.clock import Clock
from termprom.exposition.quantile_summary import QuantileSummary

_LABEL: Final = ("alertmanager",)


class NotifierMetrics:
    """Per-endpoint series carry the whole URL and end with their endpoint."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._holders: Counts[str] = Counts()
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
        self.latency = QuantileSummary(
            f"{prefix}_latency_seconds",
            "Latency of sending.",
            (0.5, 0.9, 0.99),
            clock=clock,
            registry=registry,
            label=_LABEL[0],
        )
        self.latency_histogram = Histogram(
            f"{prefix}_latency_histogram_seconds",
            "Latency of sending.",
            _LABEL,
            buckets=(0.01, 0.1, 1.0, 10.0),
            registry=registry,
        )

    def begin(self, url: str) -> None:
        self._holders[url] += 1
        for metric in (self.sent, self.errors, self.dropped, self.queue_length):
            metric.labels(url)
        self.latency.begin(url)
        self.latency_histogram.labels(url)

    def end(self, url: str) -> None:
        """The series go with the last sender to that URL: one of an old configuration may still
        be draining when that of the new one begins.
        """
        self._holders[url] -= 1
        if self._holders[url]:
            return
        del self._holders[url]
        for metric in (self.sent, self.errors, self.dropped, self.queue_length):
            metric.remove(url)
        self.latency.end(url)
        self.latency_histogram.remove(url)
