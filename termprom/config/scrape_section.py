"""One entry of `scrape_configs`: decoded first, made effective against `global` afterwards.

Two steps, as in the original: an unreadable second job is reported before a first one whose
timeout is longer than its interval.
"""

from __future__ import annotations

from typing import Any, Final

from termprom.config import scalars
from termprom.config.discovery import (
    DISCOVERY_TABLE,
    sd_configs,
    static_groups,
)
from termprom.config.fields import (
    Document,
    Section,
    Table,
    is_null,
    list_of,
    map_of,
    optional,
    read_section,
)
from termprom.config.global_section import (
    FLAG_KEYS,
    LIMIT_KEYS,
    LIMIT_TABLE,
    GlobalSection,
    validation_scheme,
)
from termprom.config.http_client import HTTP_TABLE, JWT_BEARER, http_client
from termprom.config.protocols import (
    KNOWN,
    PROTO_FIRST,
    TEXT_FIRST,
    check_protocols,
    unknown_protocol,
)
from termprom.config.relabeling import checked_rules, relabel_rules
from termprom.config.schema import ScrapeConfig
from termprom.config.yaml_tree import Node
from termprom.model.durations import format_duration

_ESCAPINGS: Final = frozenset({"allow-utf-8", "underscores", "dots", "values"})
_ESCAPING_CHOICE: Final = "must be one of 'allow-utf-8', 'underscores', 'dots', or 'values'"

# Keys whose written value is the effective one.
_PLAIN: Final[Table] = {
    "honor_labels": scalars.boolean,
    "honor_timestamps": scalars.boolean,
    "track_timestamps_staleness": scalars.boolean,
    "params": map_of(list_of(scalars.text, "[]string"), "url.Values"),
    "fallback_scrape_protocol": scalars.text,
    "metrics_path": scalars.text,
    "scheme": scalars.text,
    "enable_compression": scalars.boolean,
    "native_histogram_bucket_limit": scalars.unsigned,
    "native_histogram_min_bucket_factor": scalars.floating,
}

_TABLE: Final[Table] = {
    "job_name": scalars.text,
    **_PLAIN,
    "scrape_interval": scalars.duration,
    "scrape_timeout": scalars.duration,
    "scrape_protocols": list_of(scalars.text, "[]config.ScrapeProtocol"),
    "scrape_failure_log_file": scalars.file_path,
    **LIMIT_TABLE,
    "metric_name_validation_scheme": validation_scheme,
    "metric_name_escaping_scheme": scalars.text,
    **{key: optional(scalars.boolean) for key in FLAG_KEYS},
    "relabel_configs": relabel_rules("empty or null target relabeling rule in scrape config"),
    "metric_relabel_configs": relabel_rules(
        "empty or null metric relabeling rule in scrape config"
    ),
    **DISCOVERY_TABLE,
    **HTTP_TABLE,
}


def read_scrape_config(node: Node, document: Document) -> Section:
    """A job as written, after the checks that need nothing but itself."""
    section = read_section(node, document, _TABLE, "config.ScrapeConfig")
    if not section.get("job_name"):
        section.fail("job_name is empty", "job_name")
    http_client(section)
    static_groups(section, relabelled=bool(section.get("relabel_configs")))
    return section


def effective_scrape_config(section: Section, global_: GlobalSection) -> ScrapeConfig:
    """The job with everything inherited that it does not say itself. Raises ConfigError."""
    job: str = section.get("job_name")
    where = f'for scrape config with job name "{job}"'
    base = global_.config
    interval = section.get("scrape_interval") or base.scrape_interval
    timeout = section.get("scrape_timeout") or min(base.scrape_timeout, interval)
    if timeout > interval:
        section.fail(
            f"scrape timeout greater than scrape interval {where} "
            f"({format_duration(timeout)} > {format_duration(interval)})",
            "scrape_timeout",
        )
    flags = _flags(section, global_)
    values: dict[str, Any] = {
        **section.pick("job_name", *_PLAIN),
        "scrape_interval": interval,
        "scrape_timeout": timeout,
        "scrape_failure_log_file": section.get("scrape_failure_log_file")
        or base.scrape_failure_log_file,
        **{key: section.get(key) or getattr(base, key) for key in LIMIT_KEYS},
        **flags,
        "scrape_protocols": _protocols(
            section, global_, where, native=flags["scrape_native_histograms"]
        ),
    }
    _check_fallback(section, where)
    validation, escaping = _schemes(section, global_)
    legacy = validation == "legacy"
    rules = checked_rules(section.get("relabel_configs", ()), legacy=legacy)
    _warn_of_ineffective(section)
    return ScrapeConfig(
        **values,
        metric_name_validation_scheme=validation,
        metric_name_escaping_scheme=escaping,
        http=http_client(section),
        static_configs=static_groups(section, relabelled=bool(rules)),
        sd_configs=sd_configs(section),
        relabel_configs=rules,
        metric_relabel_configs=checked_rules(
            section.get("metric_relabel_configs", ()), legacy=legacy
        ),
    )


def _flags(section: Section, global_: GlobalSection) -> dict[str, bool]:
    written = {key: section.get(key) for key in FLAG_KEYS}
    return {
        key: getattr(global_.config, key) if value is None else value
        for key, value in written.items()
    }


def _warn_of_ineffective(section: Section) -> None:
    """Name what is accepted and not done here, once per file."""
    oauth2: Section | None = section.get("oauth2")
    found: list[str] = []
    if oauth2 is not None and oauth2.get("grant_type") == JWT_BEARER:
        found.append(
            f"oauth2 grant_type {JWT_BEARER}: accepted, but not implemented: "
            "jobs with it are not scraped"
        )
    if oauth2 is not None and (oauth2.get("proxy_url") or "").startswith("socks"):
        found.append("oauth2 proxy_url: SOCKS is not implemented: jobs with it are not scraped")
    if "enable_http2" in section and section.get("enable_http2"):
        found.append("enable_http2: accepted and without effect: targets are asked by HTTP/1.1")
    for warning in found:
        if warning not in section.document.warnings:
            section.document.warnings.append(warning)


def _protocols(
    section: Section, global_: GlobalSection, where: str, *, native: bool
) -> tuple[str, ...]:
    node = section.nodes.get("scrape_protocols")
    if node is not None and not is_null(node):
        protocols: tuple[str, ...] = section.get("scrape_protocols")
        check_protocols(section, protocols, where)
        return protocols
    if global_.config.scrape_protocols is not None:
        return global_.config.scrape_protocols
    return PROTO_FIRST if native else TEXT_FIRST


def _check_fallback(section: Section, where: str) -> None:
    fallback = section.get("fallback_scrape_protocol", "")
    if fallback and fallback not in KNOWN:
        section.fail(
            f"invalid fallback_scrape_protocol {where}: {unknown_protocol(fallback)}",
            "fallback_scrape_protocol",
        )


def _schemes(section: Section, global_: GlobalSection) -> tuple[str, str]:
    """Which names are valid, and how those that a target cannot take are escaped."""
    base = global_.config
    if base.metric_name_escaping_scheme not in _ESCAPINGS:
        section.fail(
            f"unknown global name escaping method specified, {_ESCAPING_CHOICE}, got "
            f'"{base.metric_name_escaping_scheme}"'
        )
    written: str = section.get("metric_name_validation_scheme", "")
    validation = written or base.metric_name_validation_scheme
    escaping: str = section.get("metric_name_escaping_scheme", "")
    if not escaping and not written:
        escaping = base.metric_name_escaping_scheme
    elif not escaping:
        escaping = "underscores" if validation == "legacy" else "allow-utf-8"
    if escaping not in _ESCAPINGS:
        section.fail(
            f"unknown scrape config name escaping method specified, {_ESCAPING_CHOICE}, got "
            f'"{escaping}"',
            "metric_name_escaping_scheme",
        )
    if escaping == "allow-utf-8" and validation == "legacy":
        section.fail(
            "utf8 metric names requested but validation scheme is not set to UTF8",
            "metric_name_escaping_scheme",
            "metric_name_validation_scheme",
        )
    return validation, escaping
