"""The metrics of the scrape engine; upstream's names, which dashboards and alerts rely on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

_QUANTILES: Final = (0.01, 0.05, 0.5, 0.9, 0.99)
_WINDOW: Final = 1_000  # observations that the quantiles look back on
_LENGTH_BOUNDS: Final = (0.01, 0.1, 1, 10)
_PREFIX: Final = "prometheus_target_scrapes_"


class Lengths:
    """Durations in seconds under one label value, with quantiles of the latest."""

    __slots__ = ("count", "latest", "total")

    def __init__(self) -> None:
        self.latest: deque[float] = deque(maxlen=_WINDOW)
        self.count = 0
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.latest.append(seconds)
        self.count += 1
        self.total += seconds


class Summaries(Collector):
    """A summary with quantiles, which the client library does not have."""

    def __init__(self, name: str, text: str, label: str, registry: CollectorRegistry) -> None:
        self._name, self._text, self._label = name, text, label
        self._lengths: dict[str, Lengths] = {}
        registry.register(self)

    def of(self, value: str) -> Lengths:
        return self._lengths.setdefault(value, Lengths())

    def forget(self, value: str) -> None:
        self._lengths.pop(value, None)

    def describe(self) -> Iterator[Metric]:
        yield Metric(self._name, self._text, "summary")

    def collect(self) -> Iterator[Metric]:
        found = Metric(self._name, self._text, "summary")
        for value, lengths in list(self._lengths.items()):
            ordered = sorted(lengths.latest)
            labels = {self._label: value}
            for quantile in _QUANTILES if ordered else ():
                place = min(int(quantile * len(ordered)), len(ordered) - 1)
                found.add_sample(
                    self._name, {**labels, "quantile": f"{quantile:g}"}, ordered[place]
                )
            found.add_sample(f"{self._name}_sum", labels, lengths.total)
            found.add_sample(f"{self._name}_count", labels, lengths.count)
        yield found


class ScrapeMetrics:
    """Registers on construction."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._intervals: dict[str, tuple[Lengths, Histogram]] = {}

        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, registry=registry)

        def by_job(name: str, text: str) -> Gauge:
            return Gauge(name, text, ["scrape_job"], registry=registry)

        self.pools = counter(
            "prometheus_target_scrape_pools_total", "Scrape pool creation attempts."
        )
        self.pools_failed = counter(
            "prometheus_target_scrape_pools_failed_total", "Scrape pool creations that failed."
        )
        self.reloads = counter(
            "prometheus_target_scrape_pool_reloads_total", "Scrape pool reloads."
        )
        self.reloads_failed = counter(
            "prometheus_target_scrape_pool_reloads_failed_total", "Scrape pool reloads that failed."
        )
        self.target_limit_exceeded = counter(
            "prometheus_target_scrape_pool_exceeded_target_limit_total",
            "Times that a scrape pool hit the target limit.",
        )
        self.label_limits_exceeded = counter(
            "prometheus_target_scrape_pool_exceeded_label_limits_total",
            "Times that a scrape pool hit the label limits.",
        )
        self.target_limit = by_job(
            "prometheus_target_scrape_pool_target_limit", "Maximum number of targets of the pool."
        )
        self.targets = by_job(
            "prometheus_target_scrape_pool_targets", "Current number of targets in the pool."
        )
        self.syncs = Counter(
            "prometheus_target_scrape_pool_sync_total",
            "Syncs of a scrape pool.",
            ["scrape_job"],
            registry=registry,
        )
        self.sync_failed = Counter(
            "prometheus_target_sync_failed_total",
            "Targets that could not be made.",
            ["scrape_job"],
            registry=registry,
        )
        self.sync_lengths = Summaries(
            "prometheus_target_sync_length_seconds",
            "How long it took to sync a scrape pool.",
            "scrape_job",
            registry,
        )
        self.sync_histogram = Histogram(
            "prometheus_target_sync_length_histogram_seconds",
            "How long it took to sync a scrape pool.",
            ["scrape_job"],
            buckets=_LENGTH_BOUNDS,
            registry=registry,
        )
        self.interval_histogram = Histogram(
            "prometheus_target_interval_length_histogram_seconds",
            "Actual intervals between scrapes.",
            ["interval"],
            buckets=_LENGTH_BOUNDS,
            registry=registry,
        )
        self.interval_lengths = Summaries(
            "prometheus_target_interval_length_seconds",
            "Actual intervals between scrapes.",
            "interval",
            registry,
        )
        self.reload_lengths = Summaries(
            "prometheus_target_reload_length_seconds",
            "Actual intervals to reload a scrape pool with new configurations.",
            "interval",
            registry,
        )
        self.durations = Histogram(
            "prometheus_target_scrape_duration_seconds",
            "Duration of scrapes that have extra_scrape_metrics.",
            registry=registry,
        )
        self.body_too_large = counter(
            f"{_PREFIX}exceeded_body_size_limit_total", "Scrapes that hit the body size limit."
        )
        self.too_many_samples = counter(
            f"{_PREFIX}exceeded_sample_limit_total",
            "Scrapes that hit the sample limit and were rejected.",
        )
        self.too_many_buckets = counter(
            f"{_PREFIX}exceeded_native_histogram_bucket_limit_total",
            "Scrapes that hit the native histogram bucket limit and were rejected.",
        )
        self.duplicates = counter(
            f"{_PREFIX}sample_duplicate_timestamp_total",
            "Samples rejected for a known timestamp with another value.",
        )
        self.out_of_order = counter(
            f"{_PREFIX}sample_out_of_order_total", "Samples rejected for their place in time."
        )
        self.out_of_bounds = counter(
            f"{_PREFIX}sample_out_of_bounds_total",
            "Samples rejected because they are too old or in the future.",
        )
        self.exemplars_out_of_order = counter(
            f"{_PREFIX}exemplar_out_of_order_total", "Exemplars rejected for their place in time."
        )
        self.cache_flushes = counter(
            f"{_PREFIX}cache_flush_forced_total",
            "Times that a scrape cache was flushed because it grew during failed scrapes.",
        )
        self.cache_entries = by_job(
            "prometheus_target_metadata_cache_entries", "Metric families with metadata."
        )
        self.cache_bytes = by_job(
            "prometheus_target_metadata_cache_bytes", "Bytes of metadata that are kept."
        )

    def interval_passed(self, interval: str, seconds: float) -> None:
        """One scrape began so long after the one before."""
        found = self._intervals.get(interval)
        if found is None:
            histogram = self.interval_histogram.labels(interval)
            found = self._intervals[interval] = (self.interval_lengths.of(interval), histogram)
        lengths, histogram = found
        lengths.observe(seconds)
        histogram.observe(seconds)

    def count_metadata(self, job: str, entries: Callable[[], tuple[int, int]]) -> None:
        """Ask `entries` for the number and the bytes of the job's metadata when they are read."""
        self.cache_entries.labels(job).set_function(lambda: entries()[0])
        self.cache_bytes.labels(job).set_function(lambda: entries()[1])

    def forget_job(self, job: str) -> None:
        for family in (
            self.target_limit,
            self.targets,
            self.syncs,
            self.sync_failed,
            self.sync_histogram,
            self.cache_entries,
            self.cache_bytes,
        ):
            try:
                family.remove(job)
            except KeyError:
                continue
        self.sync_lengths.forget(job)
