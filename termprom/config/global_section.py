"""The `global` section: the defaults of everything below it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from termprom.config import scalars
from termprom.config.environment import expand_environment
from termprom.config.fields import Document, Section, Table, list_of, map_of, read_section
from termprom.config.names import is_label_name, is_text, quoted
from termprom.config.protocols import PROTO_FIRST, check_protocols
from termprom.config.schema import GlobalConfig
from termprom.config.yaml_tree import Node, ScalarNode
from termprom.model.labels import Labels

_DEFAULT_INTERVAL_MS: Final = 60_000
_DEFAULT_TIMEOUT_MS: Final = 10_000
_START_FEATURES: Final = frozenset({"created-timestamp-zero-ingestion", "st-storage"})

LIMIT_KEYS: Final = (
    "body_size_limit",
    "sample_limit",
    "target_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "keep_dropped_targets",
)
FLAG_KEYS: Final = (
    "scrape_native_histograms",
    "convert_classic_histograms_to_nhcb",
    "always_scrape_classic_histograms",
    "extra_scrape_metrics",
)


def validation_scheme(node: Node, document: Document) -> str:
    scheme = scalars.text(node, document)
    if scheme not in ("", "utf8", "legacy"):
        document.fail(node, f'unrecognized ValidationScheme: "{scheme}"')
    return scheme


LIMIT_TABLE: Final[Table] = {
    key: scalars.size if key == "body_size_limit" else scalars.unsigned for key in LIMIT_KEYS
}

_TABLE: Final[Table] = {
    "scrape_interval": scalars.duration,
    "scrape_timeout": scalars.duration,
    "scrape_protocols": list_of(scalars.text, "[]config.ScrapeProtocol"),
    "evaluation_interval": scalars.duration,
    "rule_query_offset": scalars.duration,
    "query_log_file": scalars.file_path,
    "scrape_failure_log_file": scalars.file_path,
    "external_labels": map_of(scalars.text, "map[string]string"),
    **LIMIT_TABLE,
    "metric_name_validation_scheme": validation_scheme,
    "metric_name_escaping_scheme": scalars.text,
    **dict.fromkeys(FLAG_KEYS, scalars.boolean),
}


@dataclass(frozen=True, slots=True)
class GlobalSection:
    """The effective values, and the two that jobs need to know as they were written.

    `escaping` is "" when nothing was written; an unknown one is an error only where a job uses it.
    """

    config: GlobalConfig = field(default_factory=GlobalConfig)
    escaping: str = ""

    @property
    def legacy(self) -> bool:
        return self.config.metric_name_validation_scheme == "legacy"


def default_global(features: Collection[str]) -> GlobalSection:
    """What holds where a file has no `global` section, or an empty one."""
    return GlobalSection(GlobalConfig(**_defaults(features)))


def _defaults(features: Collection[str]) -> dict[str, Any]:
    """The defaults that feature flags move."""
    moved: dict[str, Any] = {}
    if "extra-scrape-metrics" in features:
        moved["extra_scrape_metrics"] = True
    # Only protobuf tells start times of everything that counts.
    if not _START_FEATURES.isdisjoint(features):
        moved["scrape_protocols"] = PROTO_FIRST
    return moved


def read_global(node: Node, document: Document) -> GlobalSection:
    section = read_section(node, document, _TABLE, "config.plain")
    interval = section.get("scrape_interval") or _DEFAULT_INTERVAL_MS
    timeout = section.get("scrape_timeout")
    if timeout and timeout > interval:
        section.fail("global scrape timeout greater than scrape interval", "scrape_timeout")
    protocols = _protocols(section)
    validation = section.get("metric_name_validation_scheme") or "utf8"
    escaping = section.get("metric_name_escaping_scheme", "")
    derived = "underscores" if validation == "legacy" else "allow-utf-8"
    values: dict[str, Any] = {
        **_defaults(document.features),
        "scrape_interval": interval,
        "scrape_timeout": timeout or min(_DEFAULT_TIMEOUT_MS, interval),
        "evaluation_interval": section.get("evaluation_interval") or _DEFAULT_INTERVAL_MS,
        "external_labels": _external_labels(section, legacy=validation == "legacy"),
        **({} if protocols is None else {"scrape_protocols": protocols}),
        "metric_name_validation_scheme": validation,
        "metric_name_escaping_scheme": escaping or derived,
        **section.pick(
            "rule_query_offset",
            "query_log_file",
            "scrape_failure_log_file",
            *LIMIT_KEYS,
            *FLAG_KEYS,
        ),
    }
    return GlobalSection(GlobalConfig(**values), escaping)


def _protocols(section: Section) -> tuple[str, ...] | None:
    """The list if one was written; null is not one, an empty list is an error."""
    node = section.nodes.get("scrape_protocols")
    if node is None or (isinstance(node, ScalarNode) and node.is_null):
        return None
    protocols: tuple[str, ...] = section.get("scrape_protocols")
    check_protocols(section, protocols, "for global config")
    return protocols


def _external_labels(section: Section, *, legacy: bool) -> Labels:
    """External labels with the environment filled in."""
    expanded: dict[str, str] = {}
    written: dict[str, str] = section.get("external_labels", {})
    for name, value in written.items():
        if not is_label_name(name, legacy=legacy):
            section.fail(f"{quoted(name)} is not a valid label name", "external_labels")
        if not is_text(value):
            section.fail(f"{quoted(value)} is not a valid label value", "external_labels")
        expanded[name], unset = expand_environment(value)
        section.document.warnings.extend(
            f"external label {name}: environment variable {variable} is empty or not set"
            for variable in unset
        )
    return Labels.of(expanded)
