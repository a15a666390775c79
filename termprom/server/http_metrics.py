"""What the server measures of itself, under upstream's names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120)
_BYTES = tuple(100 * 10**power for power in range(8))


class HttpMetrics:
    """Registers on construction; one per registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "prometheus_http_requests_total",
            "Counter of HTTP requests.",
            ["handler", "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "prometheus_http_request_duration_seconds",
            "Histogram of latencies for HTTP requests.",
            ["handler"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._bytes = Histogram(
            "prometheus_http_response_size_bytes",
            "Histogram of response size for HTTP requests.",
            ["handler"],
            buckets=_BYTES,
            registry=registry,
        )

    def observe(self, handler: str, status: int, seconds: float, size_bytes: int) -> None:
        self._requests.labels(handler, str(status)).inc()
        self._seconds.labels(handler).observe(seconds)
        self._bytes.labels(handler).observe(size_bytes)
