"""The configuration as values. Field names are upstream's keys; durations are milliseconds,
sizes are bytes, 0 means "not limited" where upstream says so. `config.load` fills in defaults and
inherited values: whoever reads a ScrapeConfig finds the effective ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from termprom.model.labels import EMPTY, Labels
from termprom.relabel import RelabelConfig

DurationMs = int
SizeBytes = int


class Secret(str):
    """Text that must never be shown: prints and dumps as `<secret>`; `reveal` gives it away."""

    __slots__ = ()

    def reveal(self) -> str:
        return str.__str__(self)

    def __str__(self) -> str:
        return "<secret>"

    def __repr__(self) -> str:
        return "<secret>"

    def __format__(self, spec: str) -> str:
        return format("<secret>", spec)


NO_SECRET: Final = Secret("")


@dataclass(frozen=True, slots=True)
class TLSConfig:
    ca: str = ""
    cert: str = ""
    key: Secret = NO_SECRET
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: str = ""
    max_version: str = ""


@dataclass(frozen=True, slots=True)
class BasicAuth:
    username: str = ""
    username_file: str = ""
    password: Secret = NO_SECRET
    password_file: str = ""


@dataclass(frozen=True, slots=True)
class Authorization:
    type: str = "Bearer"
    credentials: Secret = NO_SECRET
    credentials_file: str = ""


@dataclass(frozen=True, slots=True)
class HTTPHeader:
    values: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HTTPClientConfig:
    """How to reach an HTTP server: inline in scrape configs, discovery and notification."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    tls_config: TLSConfig = TLSConfig()
    follow_redirects: bool = True
    enable_http2: bool = True
    proxy_url: str = ""
    no_proxy: str = ""
    proxy_from_environment: bool = False
    proxy_connect_header: Mapping[str, tuple[Secret, ...]] = field(default_factory=dict)
    http_headers: Mapping[str, HTTPHeader] = field(default_factory=dict)
    oauth2: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """Addresses that share labels: what discovery yields; `source` names where it comes from."""

    targets: tuple[str, ...] = ()
    labels: Labels = EMPTY
    source: str = ""


@dataclass(frozen=True, slots=True)
class FileSDConfig:
    files: tuple[str, ...]
    refresh_interval: DurationMs = 300_000


@dataclass(frozen=True, slots=True)
class HTTPSDConfig:
    url: str
    refresh_interval: DurationMs = 60_000
    http: HTTPClientConfig = HTTPClientConfig()


class Milliseconds(int):
    """A number of milliseconds that prints as a duration."""


@dataclass(frozen=True, slots=True)
class MechanismConfig:
    """A section of any other mechanism.

    `kind` is its key without `_sd_configs`; `values` holds every field of `sd_kinds`, defaults
    filled in; `http` is None where the mechanism has no HTTP client options.
    """

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    http: HTTPClientConfig | None = None


SDConfig = FileSDConfig | HTTPSDConfig | MechanismConfig


@dataclass(frozen=True, slots=True)
class ScrapeConfig:
    """One job, effective values."""

    job_name: str
    honor_labels: bool = False
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    params: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scrape_interval: DurationMs = 60_000
    scrape_timeout: DurationMs = 10_000
    scrape_protocols: tuple[str, ...] = (
        "OpenMetricsText1.0.0",
        "OpenMetricsText0.0.1",
        "PrometheusText1.0.0",
        "PrometheusText0.0.4",
    )
    fallback_scrape_protocol: str = ""
    scrape_native_histograms: bool = False
    always_scrape_classic_histograms: bool = False
    convert_classic_histograms_to_nhcb: bool = False
    extra_scrape_metrics: bool = False
    scrape_failure_log_file: str = ""
    metrics_path: str = "/metrics"
    scheme: str = "http"  # ours: "internal" asks a page of this process, without HTTP
    enable_compression: bool = True
    body_size_limit: SizeBytes = 0
    sample_limit: int = 0
    target_limit: int = 0
    label_limit: int = 0
    label_name_length_limit: int = 0
    label_value_length_limit: int = 0
    keep_dropped_targets: int = 0
    native_histogram_bucket_limit: int = 0
    native_histogram_min_bucket_factor: float = 0.0
    metric_name_validation_scheme: str = "utf8"
    metric_name_escaping_scheme: str = "allow-utf-8"
    http: HTTPClientConfig = HTTPClientConfig()
    static_configs: tuple[TargetGroup, ...] = ()
    sd_configs: tuple[SDConfig, ...] = ()
    relabel_configs: tuple[RelabelConfig, ...] = ()
    metric_relabel_configs: tuple[RelabelConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class GlobalConfig:
    """The defaults of jobs and rule groups; what is None or empty was not written."""

    scrape_interval: DurationMs = 60_000
    scrape_timeout: DurationMs = 10_000
    evaluation_interval: DurationMs = 60_000
    rule_query_offset: DurationMs = 0
    query_log_file: str = ""
    external_labels: Labels = EMPTY
    scrape_protocols: tuple[str, ...] | None = None
    scrape_failure_log_file: str = ""
    body_size_limit: SizeBytes = 0
    sample_limit: int = 0
    target_limit: int = 0
    label_limit: int = 0
    label_name_length_limit: int = 0
    label_value_length_limit: int = 0
    keep_dropped_targets: int = 0
    metric_name_validation_scheme: str = "utf8"
    metric_name_escaping_scheme: str = "allow-utf-8"
    scrape_native_histograms: bool = False
    convert_classic_histograms_to_nhcb: bool = False
    always_scrape_classic_histograms: bool = False
    extra_scrape_metrics: bool = False


@dataclass(frozen=True, slots=True)
class AlertmanagerConfig:
    scheme: str = "http"
    path_prefix: str = ""
    timeout: DurationMs = 10_000
    api_version: str = "v2"
    http: HTTPClientConfig = HTTPClientConfig()
    static_configs: tuple[TargetGroup, ...] = ()
    sd_configs: tuple[SDConfig, ...] = ()
    relabel_configs: tuple[RelabelConfig, ...] = ()
    alert_relabel_configs: tuple[RelabelConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertingConfig:
    alert_relabel_configs: tuple[RelabelConfig, ...] = ()
    alertmanagers: tuple[AlertmanagerConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class StorageConfig:
    retention_time: DurationMs | None = None  # None: the flag decides
    retention_size: SizeBytes | None = None
    out_of_order_time_window: DurationMs = 0
    max_exemplars: int = 100_000
    retention_percentage: float | None = None
    stale_series_compaction_threshold: float = 0.0
    chunk_encoding_floats: str = ""


@dataclass(frozen=True, slots=True)
class PushgatewayConfig:
    """Ours: settings of the built-in Pushgateway (top-level key `x_pushgateway`)."""

    enabled: bool = True
    job_name: str = "pushgateway"
    scrape_interval: DurationMs = 15_000


@dataclass(frozen=True, slots=True)
class RuleConfig:
    """One rule of a rule file; exactly one of `record` and `alert` is set. Line counts from 1."""

    expr: str
    record: str = ""
    alert: str = ""
    hold: DurationMs = 0  # key `for`
    keep_firing_for: DurationMs = 0
    labels: Labels = EMPTY
    annotations: Labels = EMPTY
    line: int = 0


@dataclass(frozen=True, slots=True)
class RuleGroupConfig:
    """One group of a rule file; interval 0 and query_offset None take the global ones."""

    name: str
    file: str
    rules: tuple[RuleConfig, ...] = ()
    interval: DurationMs = 0
    limit: int = 0
    query_offset: DurationMs | None = None
    labels: Labels = EMPTY
    line: int = 0


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration that has passed every check.

    `yaml` is its effective text with secrets masked; `warnings` name what is accepted and has no
    effect here. `rule_groups` come from all `rule_files`, in file and group order. `others` are
    the sections that are checked and printed only, by their top-level key, as they are printed.
    """

    path: str = ""
    global_: GlobalConfig = GlobalConfig()
    scrape_configs: tuple[ScrapeConfig, ...] = ()
    rule_files: tuple[str, ...] = ()
    rule_groups: tuple[RuleGroupConfig, ...] = ()
    alerting: AlertingConfig = AlertingConfig()
    storage: StorageConfig = StorageConfig()
    pushgateway: PushgatewayConfig = PushgatewayConfig()
    yaml: str = ""
    warnings: Sequence[str] = ()
    scrape_config_files: tuple[str, ...] = ()
    others: Mapping[str, object] = field(default_factory=dict)
