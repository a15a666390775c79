"""The names that dashboards and alert rules of Prometheus rely on are there."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from termprom.daemon.selfmetrics import ProcessLimits, SelfMetrics
from termprom.scrape.loop import _go_text
from termprom.scrape.metrics import ScrapeMetrics

SCRAPE_METRICS = (
    "scrape_pools_total",
    "scrape_pools_failed_total",
    "scrape_pool_reloads_total",
    "scrape_pool_reloads_failed_total",
    "scrape_pool_exceeded_target_limit_total",
    "scrape_pool_exceeded_label_limits_total",
    "scrape_pool_target_limit",
    "scrape_pool_targets",
    "scrape_pool_sync_total",
    "sync_failed_total",
    "sync_length_seconds",
    "sync_length_histogram_seconds",
    "reload_length_seconds",
    "interval_length_seconds",
    "interval_length_histogram_seconds",
    "scrapes_exceeded_body_size_limit_total",
    "scrapes_exceeded_sample_limit_total",
    "scrapes_exceeded_native_histogram_bucket_limit_total",
    "scrapes_sample_duplicate_timestamp_total",
    "scrapes_sample_out_of_order_total",
    "scrapes_sample_out_of_bounds_total",
    "scrapes_exemplar_out_of_order_total",
    "scrapes_cache_flush_forced_total",
    "scrape_duration_seconds",
    "metadata_cache_entries",
    "metadata_cache_bytes",
)


def families(registry: CollectorRegistry) -> set[str]:
    return {
        line.split()[2]
        for line in generate_latest(registry).decode().splitlines()
        if line.startswith("# TYPE ")
    }


def test_every_scrape_metric_is_there() -> None:
    """Source: reference of the command line, 7.4; symbol tables are not kept per job here."""
    registry = CollectorRegistry()
    ScrapeMetrics(registry)
    assert {f"prometheus_target_{name}" for name in SCRAPE_METRICS} <= families(registry)


def test_no_series_says_when_a_counter_was_made() -> None:
    registry = CollectorRegistry()
    SelfMetrics(registry)
    ScrapeMetrics(registry)
    assert not [name for name in families(registry) if name.endswith("_created")]
    assert {
        "prometheus_build_info",
        "prometheus_ready",
        "prometheus_config_last_reload_successful",
        "prometheus_config_last_reload_success_timestamp_seconds",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_max_bytes",
    } <= families(registry)


def test_bytes_on_the_network(tmp_path: Path) -> None:
    path = tmp_path / "netstat"
    path.write_text("TcpExt: A B\nTcpExt: 1 2\nIpExt: InOctets OutOctets\nIpExt: 30 40\n")
    found = {metric.name: metric.samples[0].value for metric in ProcessLimits(path).collect()}
    assert found["process_network_receive_bytes"] == 30
    assert found["process_network_transmit_bytes"] == 40
    assert len(list(ProcessLimits(tmp_path / "nothing").collect())) == 1


@pytest.mark.parametrize(
    ("interval_ms", "text"),
    [(15_000, "15s"), (60_000, "1m0s"), (1_500, "1.5s"), (500, "500ms"), (3_690_000, "1h1m30s")],
)
def test_intervals_are_labelled_as_the_original_does(interval_ms: int, text: str) -> None:
    assert _go_text(interval_ms) == text
