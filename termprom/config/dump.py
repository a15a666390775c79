"""The effective configuration as YAML: defaults filled in, secrets masked, comments gone.

The order of keys, and which keys are printed though they hold a default, are the original's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from termprom.config.fields import Section
from termprom.config.global_section import FLAG_KEYS, LIMIT_KEYS
from termprom.config.schema import (
    AlertmanagerConfig,
    Config,
    FileSDConfig,
    GlobalConfig,
    HTTPClientConfig,
    HTTPSDConfig,
    MechanismConfig,
    Milliseconds,
    ScrapeConfig,
    SDConfig,
    Secret,
    StorageConfig,
    TargetGroup,
    TLSConfig,
)
from termprom.config.sd_kinds import KINDS
from termprom.config.sizes import format_size
from termprom.config.yaml_tree import resolve_plain
from termprom.model.durations import format_duration
from termprom.model.labels import Labels
from termprom.model.urls import without_passwords
from termprom.relabel import RelabelConfig

_BASE: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _FlowList(list[str]):
    """A list that is printed in one line."""


class _Dumper(_BASE):  # type: ignore[misc]
    """Quotes what another reader would take for something else than text; writes no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = '"' if text == "" or resolve_plain(text) != "str" else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_flow(dumper: Any, items: _FlowList) -> Any:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(_FlowList, _represent_flow)


def to_yaml(tree: Mapping[str, object]) -> str:
    text: str = yaml.dump(
        tree,
        Dumper=_Dumper,
        default_flow_style=False,
        sort_keys=False,
        allow_unicode=True,
        width=1_000_000,
    )
    return text


def dump_config(config: Config, *, print_escaping: bool, retention_ms: int) -> str:
    """The whole configuration; `retention_ms` is in force where the file does not say."""
    tree: dict[str, object] = {"global": _global(config.global_, print_escaping=print_escaping)}
    tree["runtime"] = plain(config.others.get("runtime")) or {"gogc": 75}
    alerting = _filled(
        alert_relabel_configs=[rule_tree(rule) for rule in config.alerting.alert_relabel_configs],
        alertmanagers=[_alertmanager(manager) for manager in config.alerting.alertmanagers],
    )
    tree.update(
        _filled(
            alerting=alerting,
            rule_files=list(config.rule_files),
            scrape_config_files=list(config.scrape_config_files),
            scrape_configs=[_job(job) for job in config.scrape_configs],
        )
    )
    tree["storage"] = _storage(config.storage, retention_ms)
    for key in ("tracing", "remote_write", "remote_read"):
        tree.update(_filled(**{key: plain(config.others.get(key))}))
    otlp: dict[str, object] = {
        "translation_strategy": "UnderscoreEscapingWithSuffixes",
        "label_name_underscore_sanitization": True,
        "label_name_preserve_multiple_underscores": True,
    }
    written = plain(config.others.get("otlp"))
    tree["otlp"] = {**otlp, **(written or {})}
    tree.update(_filled(x_pushgateway=_pushgateway(config)))
    return to_yaml(tree)


def dump_job(job: ScrapeConfig) -> str:
    """One entry of `scrape_configs`."""
    return to_yaml(_job(job))


def _pushgateway(config: Config) -> dict[str, object]:
    """Printed only where it differs: the original would refuse the key."""
    values = config.pushgateway
    if values == type(values)():
        return {}
    return {
        "enabled": values.enabled,
        "job_name": values.job_name,
        "scrape_interval": format_duration(values.scrape_interval),
    }


def _filled(**values: object) -> dict[str, object]:
    """The entries that hold something: zero, empty and None are left out."""
    return {key: value for key, value in values.items() if value}


def _limits(owner: GlobalConfig | ScrapeConfig) -> dict[str, object]:
    values = {key: getattr(owner, key) for key in LIMIT_KEYS}
    if values["body_size_limit"]:
        values["body_size_limit"] = format_size(values["body_size_limit"])
    return _filled(**values)


def _global(config: GlobalConfig, *, print_escaping: bool) -> dict[str, object]:
    offset = config.rule_query_offset
    schemes = {"metric_name_validation_scheme": config.metric_name_validation_scheme}
    if print_escaping:
        schemes["metric_name_escaping_scheme"] = config.metric_name_escaping_scheme
    return {
        "scrape_interval": format_duration(config.scrape_interval),
        "scrape_timeout": format_duration(config.scrape_timeout),
        **_filled(scrape_protocols=list(config.scrape_protocols or ())),
        "evaluation_interval": format_duration(config.evaluation_interval),
        **_filled(
            rule_query_offset=format_duration(offset) if offset else "",
            query_log_file=config.query_log_file,
            scrape_failure_log_file=config.scrape_failure_log_file,
            external_labels=dict(config.external_labels),
        ),
        **_limits(config),
        **schemes,
        "scrape_native_histograms": config.scrape_native_histograms,
        **_filled(
            convert_classic_histograms_to_nhcb=config.convert_classic_histograms_to_nhcb,
            always_scrape_classic_histograms=config.always_scrape_classic_histograms,
        ),
        "extra_scrape_metrics": config.extra_scrape_metrics,
    }


def _job(job: ScrapeConfig) -> dict[str, object]:
    return {
        "job_name": job.job_name,
        **_filled(honor_labels=job.honor_labels),
        "honor_timestamps": job.honor_timestamps,
        "track_timestamps_staleness": job.track_timestamps_staleness,
        **_filled(params={name: list(values) for name, values in job.params.items()}),
        "scrape_interval": format_duration(job.scrape_interval),
        "scrape_timeout": format_duration(job.scrape_timeout),
        "scrape_protocols": list(job.scrape_protocols),
        **_filled(fallback_scrape_protocol=job.fallback_scrape_protocol),
        **{key: getattr(job, key) for key in FLAG_KEYS if key != "extra_scrape_metrics"},
        **_filled(
            scrape_failure_log_file=job.scrape_failure_log_file,
            metrics_path=job.metrics_path,
            scheme=job.scheme,
        ),
        "enable_compression": job.enable_compression,
        **_limits(job),
        **_filled(
            native_histogram_bucket_limit=job.native_histogram_bucket_limit,
            native_histogram_min_bucket_factor=job.native_histogram_min_bucket_factor,
        ),
        "metric_name_validation_scheme": job.metric_name_validation_scheme,
        "metric_name_escaping_scheme": job.metric_name_escaping_scheme,
        "extra_scrape_metrics": job.extra_scrape_metrics,
        **_http(job.http),
        **_filled(
            relabel_configs=[rule_tree(rule) for rule in job.relabel_configs],
            metric_relabel_configs=[rule_tree(rule) for rule in job.metric_relabel_configs],
        ),
        **_discovery(job),
    }


def _alertmanager(manager: AlertmanagerConfig) -> dict[str, object]:
    return {
        **_http(manager.http),
        "scheme": manager.scheme,
        **_filled(path_prefix=manager.path_prefix),
        "timeout": format_duration(manager.timeout),
        "api_version": manager.api_version,
        **_filled(
            relabel_configs=[rule_tree(rule) for rule in manager.relabel_configs],
            alert_relabel_configs=[rule_tree(rule) for rule in manager.alert_relabel_configs],
        ),
        **_discovery(manager),
    }


def _discovery(owner: ScrapeConfig | AlertmanagerConfig) -> dict[str, object]:
    lists: dict[str, list[object]] = {}
    for sd in owner.sd_configs:
        kind, values = _mechanism(sd)
        lists.setdefault(f"{kind}_sd_configs", []).append(values)
    if owner.static_configs:
        lists["static_configs"] = [_static(group) for group in owner.static_configs]
    return dict(sorted(lists.items()))


def _mechanism(sd: SDConfig) -> tuple[str, object]:
    match sd:
        case FileSDConfig():
            interval = format_duration(sd.refresh_interval)
            return "file", {"files": list(sd.files), "refresh_interval": interval}
        case HTTPSDConfig():
            interval = format_duration(sd.refresh_interval)
            return "http", {
                **_http(sd.http),
                "refresh_interval": interval,
                "url": without_passwords(sd.url),
            }
        case MechanismConfig():
            fields = KINDS[sd.kind].fields
            own = {
                key: plain(item)
                for key, item in sd.values.items()
                if _holds(item) or _holds(fields[key].default)  # what was switched off must show
            }
            return sd.kind, {**own, **(_http(sd.http) if sd.http is not None else {})}


def _holds(item: Any) -> bool:
    """Whether there is anything but zero and empty in a value."""
    return any(_holds(part) for part in item.values()) if isinstance(item, Mapping) else bool(item)


def _static(group: TargetGroup) -> dict[str, object]:
    return {"targets": list(group.targets), **_filled(labels=dict(group.labels))}


def _http(http: HTTPClientConfig) -> dict[str, object]:
    return {
        **_filled(
            basic_auth=plain(http.basic_auth) if http.basic_auth else None,
            authorization=plain(http.authorization) if http.authorization else None,
            oauth2=plain(http.oauth2),
            tls_config=plain(http.tls_config),
        ),
        "follow_redirects": http.follow_redirects,
        "enable_http2": http.enable_http2,
        **_filled(
            proxy_url=without_passwords(http.proxy_url),
            no_proxy=http.no_proxy,
            proxy_from_environment=http.proxy_from_environment,
            proxy_connect_header=plain(http.proxy_connect_header),
            http_headers=plain(http.http_headers),
        ),
    }


def rule_tree(rule: RelabelConfig) -> dict[str, object]:
    return {
        **_filled(source_labels=_FlowList(rule.source_labels)),
        "separator": rule.separator,
        "regex": rule.regex,
        **_filled(modulus=rule.modulus, target_label=rule.target_label),
        "replacement": rule.replacement,
        "action": rule.action.value,
    }


def _storage(storage: StorageConfig, retention_ms: int) -> dict[str, object]:
    time_ms = retention_ms if storage.retention_time is None else storage.retention_time
    window = storage.out_of_order_time_window
    retention = _filled(
        time=format_duration(time_ms) if time_ms else "",
        size=format_size(storage.retention_size) if storage.retention_size else "",
        percentage=storage.retention_percentage,
    )
    tsdb = {
        **_filled(out_of_order_time_window=format_duration(window) if window else ""),
        "outofordertimewindow": window,
        **_filled(
            stale_series_compaction_threshold=storage.stale_series_compaction_threshold,
            chunk_encoding=_filled(floats=storage.chunk_encoding_floats),
            retention=retention,
        ),
    }
    return {"tsdb": tsdb}


def plain(value: Any) -> Any:
    """Any configuration value as dicts, lists and scalars; secrets masked, empty fields gone."""
    match value:
        case Secret():
            return str(value)
        case Milliseconds():
            return format_duration(value)
        case str():
            return without_passwords(value)
        case Section():
            return plain(value.values)
        case RelabelConfig():
            return rule_tree(value)
        case Labels():
            return dict(value)
        case TLSConfig():
            fields = _fields(value)
            # Always printed once there is anything to print.
            return {**fields, "insecure_skip_verify": value.insecure_skip_verify} if fields else {}
        case Mapping():
            return {key: plain(item) for key, item in value.items() if _is_set(item)}
        case (Section(), RelabelConfig()):
            return plain(value[1])
        case Sequence():
            return [plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            return _fields(value)
        case _:
            return value


def _fields(value: Any) -> dict[str, object]:
    items = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {key: plain(item) for key, item in items.items() if item}


def _is_set(item: object) -> bool:
    return item is not None and item != "" and item != ()
