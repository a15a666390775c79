"""The `alerting` section: which Alertmanagers there are, and what alerts look like to them."""

from __future__ import annotations

from typing import Final

from termprom.config import scalars
from termprom.config.cloud_auth import sigv4
from termprom.config.discovery import (
    DISCOVERY_TABLE,
    sd_configs,
    static_groups,
)
from termprom.config.fields import Document, Section, Table, list_of, read_section
from termprom.config.http_client import HTTP_TABLE, http_client
from termprom.config.relabeling import checked_rules, relabel_rules
from termprom.config.schema import AlertingConfig, AlertmanagerConfig
from termprom.config.yaml_tree import Node

_ALERTMANAGER_TABLE: Final[Table] = {
    "scheme": scalars.text,
    "path_prefix": scalars.text,
    "timeout": scalars.duration,
    "api_version": scalars.text,
    "sigv4": sigv4,
    "relabel_configs": relabel_rules("empty or null Alertmanager target relabeling rule"),
    "alert_relabel_configs": relabel_rules("empty or null Alertmanager alert relabeling rule"),
    **DISCOVERY_TABLE,
    **HTTP_TABLE,
}


def _alertmanager(node: Node, document: Document) -> Section:
    section = read_section(node, document, _ALERTMANAGER_TABLE, "config.AlertmanagerConfig")
    version = section.get("api_version", "v2")
    if version != "v2":
        section.fail(
            f"expected Alertmanager api version to be one of [v2] but got {version}",
            "api_version",
        )
    http_client(section)
    others = [key for key in ("basic_auth", "authorization", "oauth2") if section.get(key)]
    if section.get("sigv4") is not None and others:
        section.fail(
            "at most one of basic_auth, authorization, oauth2, & sigv4 must be configured",
            "sigv4",
        )
    static_groups(section, relabelled=bool(section.get("relabel_configs")))
    return section


_TABLE: Final[Table] = {
    "alert_relabel_configs": relabel_rules("empty or null alert relabeling rule"),
    "alertmanagers": list_of(
        _alertmanager,
        "config.AlertmanagerConfigs",
        null_item="empty or null Alertmanager config section",
    ),
}


def read_alerting(node: Node, document: Document) -> Section:
    return read_section(node, document, _TABLE, "config.plain")


def effective_alerting(section: Section, *, legacy: bool) -> AlertingConfig:
    """The section with its relabelling checked under the global validation scheme."""
    managers: tuple[Section, ...] = section.get("alertmanagers", ())
    return AlertingConfig(
        checked_rules(section.get("alert_relabel_configs", ()), legacy=legacy),
        tuple(_effective(manager, number, legacy) for number, manager in enumerate(managers)),
    )


def _effective(section: Section, number: int, legacy: bool) -> AlertmanagerConfig:
    if section.get("sigv4") is not None:
        section.document.warnings.append(
            f"alertmanagers[{number}]: sigv4 is not implemented and signs nothing"
        )
    rules = checked_rules(section.get("relabel_configs", ()), legacy=legacy)
    return AlertmanagerConfig(
        **section.pick("scheme", "path_prefix", "timeout", "api_version"),
        http=http_client(section),
        static_configs=static_groups(section, relabelled=bool(rules)),
        sd_configs=sd_configs(section),
        relabel_configs=rules,
        alert_relabel_configs=checked_rules(
            section.get("alert_relabel_configs", ()), legacy=legacy
        ),
    )
