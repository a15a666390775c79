"""What the pushgateway says about itself, under upstream's names."""

from __future__ import annotations

import platform
import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary, generate_latest

from termprom import __version__
from termprom.exposition.families import MetricFamily, parse_families


class PushMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Counter(
            "pushgateway_http_requests",
            "Requests served, by status code, handler and method.",
            ("code", "handler", "method"),
            registry=registry,
        )
        self.push_seconds = Summary(
            "pushgateway_http_push_duration_seconds",
            "Duration of pushes.",
            ("method",),
            registry=registry,
        )
        self.push_bytes = Summary(
            "pushgateway_http_push_size_bytes",
            "Size of pushed bodies, as sent.",
            ("method",),
            registry=registry,
        )
        build = {
            "branch": "",
            "goarch": platform.machine(),
            "goos": sys.platform,
            "goversion": "",
            "revision": "",
            "tags": "",
            "version": __version__,
        }
        Gauge(
            "pushgateway_build_info",
            "Always 1; the labels name the build.",
            tuple(build),
            registry=registry,
        ).labels(**build).set(1)


def own_families(registry: CollectorRegistry, names: set[str] | None = None) -> list[MetricFamily]:
    """The process's own metrics as families; those of certain names only, where `names` is given.

    Blocking: every collector behind them runs.
    """
    if names is None:
        return parse_families(generate_latest(registry))
    restricted = registry.restricted_registry(names)
    return parse_families(generate_latest(restricted))
