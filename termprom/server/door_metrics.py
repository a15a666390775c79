"""What the doors measure of themselves, under upstream's names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class DoorMetrics:
    """Registers on construction; one per registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accepted = Counter(
            "net_conntrack_listener_conn_accepted",
            "Total number of connections opened to the listener of a given name.",
            ["listener_name"],
            registry=registry,
        ).labels("http")
        self.closed = Counter(
            "net_conntrack_listener_conn_closed",
            "Total number of connections closed that were made to the listener of a given name.",
            ["listener_name"],
            registry=registry,
        ).labels("http")
        self.reads = Gauge(
            "prometheus_remote_read_handler_queries",
            "The current number of remote read queries that are either in execution or queued on "
            "the handler.",
            registry=registry,
        )

        self.invalid_series = Counter(
            "prometheus_api_remote_write_invalid_labels_samples",
            "The total number of received remote write samples and histogram samples which contain "
            "invalid labels.",
            registry=registry,
        )
