"""The store's own metrics, under the original's names; computed when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from termprom.tsdb.db import Database


class StoreMetrics(Collector):
    """Registers itself on construction."""

    def __init__(self, database: Database, registry: CollectorRegistry) -> None:
        self._database = database
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        view = self._database.view()
        counters = self._database.head.counters
        wal = self._database.head.log.wal
        gauges = (
            ("head_series", "Series in the head block.", view.head_series),
            ("head_chunks", "Column pages in the head block.", self._database.head.page_count()),
            ("head_min_time", "Oldest time in the head block.", view.head_start_ms),
            ("head_max_time", "Newest time in the head block.", view.head_end_ms),
            ("blocks_loaded", "Blocks that are open.", len(view.blocks)),
            (
                "storage_blocks_bytes",
                "Bytes of all blocks on disk.",
                sum(block.size_bytes for block in view.blocks),
            ),
            ("wal_storage_size_bytes", "Bytes of the write-ahead log on disk.", view.wal_bytes),
            ("wal_segment_current", "The log segment that is written to.", wal.segment),
            ("retention_limit_bytes", "The limit of size; 0: none.", view.retention_bytes),
            ("retention_limit_seconds", "The limit of time; 0: none.", view.retention_ms / 1000),
        )
        for name, text, value in gauges:
            yield GaugeMetricFamily(f"prometheus_tsdb_{name}", text, value=float(value))
        counts = (
            ("head_series_created", "Series created in the head.", counters.created),
            ("head_series_removed", "Series removed from the head.", counters.removed),
            ("out_of_order_samples", "Samples refused as out of order.", counters.out_of_order),
            ("too_old_samples", "Samples refused as too old.", counters.too_old),
            ("wal_writes_failed", "Failed writes to the log.", wal.failures),
        )
        for name, text, value in counts:
            yield CounterMetricFamily(f"prometheus_tsdb_{name}", text, value=float(value))
        ring, options = self._database.head.exemplars, self._database.options
        for name, text, value in (
            ("exemplars_in_storage", "Exemplars in the ring.", len(ring)),
            ("series_with_exemplars_in_storage", "Series that have any.", ring.series_count),
            ("max_exemplars", "How many the ring holds.", options.exemplars_max),
        ):
            yield GaugeMetricFamily(f"prometheus_tsdb_exemplar_{name}", text, value=float(value))
        for name, text, value in (
            ("exemplars_appended", "Exemplars stored.", ring.appended),
            ("out_of_order_exemplars", "Exemplars refused as out of order.", ring.out_of_order),
        ):
            yield CounterMetricFamily(f"prometheus_tsdb_exemplar_{name}", text, value=float(value))
        appended = CounterMetricFamily(
            "prometheus_tsdb_head_samples_appended", "Samples stored.", labels=["type"]
        )
        appended.add_metric(["float"], float(counters.stored))
        yield appended
