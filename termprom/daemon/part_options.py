"""Flags and configuration together, as the options of the store and of the query engine."""

from __future__ import annotations

from collections.abc import Sequence

from termprom.config.schema import Config
from termprom.daemon.configuration import query_features
from termprom.daemon.settings import Settings
from termprom.promql.engine import EngineOptions
from termprom.promql.watching import QueryWatcher
from termprom.tsdb.db import Options


def storage_options(settings: Settings, config: Config) -> Options:
    """Where the configuration has a retention section, it replaces the flags entirely."""
    storage = config.storage
    from_file = storage.retention_time is not None or storage.retention_size is not None
    exemplars_on = "exemplar-storage" in settings.features
    return Options(
        retention_ms=(storage.retention_time or 0) if from_file else settings.retention_ms,
        retention_bytes=(storage.retention_size or 0) if from_file else settings.retention_bytes,
        out_of_order_window_ms=storage.out_of_order_time_window,
        exemplars_max=max(storage.max_exemplars, 0) if exemplars_on else 0,
    )


def engine_options(
    settings: Settings, config: Config, watchers: Sequence[QueryWatcher]
) -> EngineOptions:
    """The default step of a subquery is the evaluation interval of the configuration."""
    return EngineOptions(
        lookback_ms=settings.lookback_ms,
        samples_max=settings.query_samples_max,
        timeout_seconds=settings.query_timeout_seconds,
        default_step_ms=config.global_.evaluation_interval,
        features=query_features(settings),
        delayed_name_removal="promql-delayed-name-removal" in settings.features,
        start_timestamps="use-start-timestamps" in settings.features,
        watchers=watchers,
    )
